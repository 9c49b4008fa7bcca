// How much of what one peer says may be waiting for its receiver: messages and bytes.
//
// Who reads takes for each message; the credit in the message gives back, from whichever thread takes or
// drops it. When a reader waits and there is room again, it is told once.
#pragma once

#include "hub/credit.hpp"
#include "relay/limits.hpp"
#include "relay/pinned.hpp"

#include <caf/weak_intrusive_ptr.hpp>

#include <atomic>

namespace natterjack::relay {

class inbound_budget : public hub::credit_source {
 public:
  inbound_budget(size_t messages, size_t bytes) noexcept
      : limits_messages_(messages), limits_bytes_(bytes) {}

  /// Takes credit for one message. @returns what goes with the message
  hub::credit take(size_t bytes);

  /// True if another message may be read; else `room_again` will be called.
  bool has_room() noexcept;

  /// Which of the two bounds is reached; false: bytes, or none.
  bool full_of_messages() const noexcept { return messages_of(out_.load()) >= limits_messages_; }
  size_t waiting() const noexcept { return messages_of(out_.load(std::memory_order_relaxed)); }

  void give_back(size_t bytes) noexcept final;

 private:
  /// Called on the thread that gave back.
  virtual void room_again() noexcept = 0;

  // Messages in the upper bits, bytes in the lower 40: a message counts both ways with one instruction.
  static constexpr int bytes_bits = 40;
  static constexpr uint64_t counted(size_t bytes) noexcept {
    return (uint64_t{1} << bytes_bits) + bytes;
  }
  static constexpr uint64_t messages_of(uint64_t out) noexcept { return out >> bytes_bits; }
  static constexpr uint64_t bytes_of(uint64_t out) noexcept {
    return out & ((uint64_t{1} << bytes_bits) - 1);
  }
  bool is_below() const noexcept {
    const auto out = out_.load();
    return messages_of(out) < limits_messages_ && bytes_of(out) < limits_bytes_;
  }

  size_t limits_messages_;
  size_t limits_bytes_;
  std::atomic<uint64_t> out_{0}; // taken and not given back
  std::atomic<bool> waiting_{false};
};

/// That of a connection, which is woken by `on_wake`.
class pinned_budget final : public inbound_budget {
 public:
  /// @param control  the owner's, as CAF knows it
  pinned_budget(pinned& owner, caf::actor_control_block* control, const gateway_limits& limits);

 private:
  void room_again() noexcept override;

  caf::weak_actor_ptr owner_; // messages may outlive the connection
  pinned* raw_;               // valid while `owner_` locks
};

} // namespace natterjack::relay
