// Where other threads put messages for a Lua process, and how it is woken for them.
//
//   call            result                              errors
//   put, message    sent; `wake` says: schedule it      mailbox_full, no_process (closed)
//   take_all        what came since the last time       -
//   rest            true: nothing came, may sleep       -
//   received        one message was handed to Lua       -
//   close           what nobody will receive            -
//
//   bound   put and not yet received: `mailbox_limits`; messages that carry a client's credit, and answers
//           that the process asked for, are taken beyond them
#pragma once

#include "hub/mailbox_room.hpp"
#include "hub/process.hpp"

#include <atomic>
#include <mutex>
#include <vector>

namespace natterjack::runtime::lua {

class inbound_queue {
 public:
  explicit inbound_queue(hub::mailbox_limits limits) noexcept : room_(limits) {}

  hub::send_result put(hub::message_ptr what, bool& wake) {
    const auto bytes = what->size();
    const bool beyond = is_beyond(*what);
    if (!room_.take(bytes, beyond))
      return hub::send_result::mailbox_full;
    std::lock_guard guard(mutex_);
    if (closed_) {
      room_.give_back(bytes, beyond);
      return hub::send_result::no_process;
    }
    messages_.push_back(std::move(what));
    wake = !awake_;
    awake_ = true;
    return hub::send_result::sent;
  }

  /// Swaps what came into `out`, which must be empty.
  void take_all(std::vector<hub::message_ptr>& out) noexcept {
    std::lock_guard guard(mutex_);
    messages_.swap(out);
  }

  /// Goes to sleep unless something came: the next `put` wakes. @returns true if asleep now
  bool rest() noexcept {
    std::lock_guard guard(mutex_);
    if (!messages_.empty())
      return false;
    if (messages_.capacity() > keep_max)
      std::vector<hub::message_ptr>().swap(messages_);
    awake_ = false;
    return true;
  }

  void received(const hub::message& what) noexcept {
    room_.give_back(what.size(), is_beyond(what));
    hub::detail::add(taken_, 1); // only the process takes
  }
  /// Messages handed to Lua so far.
  uint64_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }
  size_t waiting() const noexcept { return room_.messages(); }

  std::vector<hub::message_ptr> close() noexcept {
    std::lock_guard guard(mutex_);
    closed_ = true;
    return std::move(messages_);
  }

 private:
  // What clients cause is bounded at the edge, by their credit; answers and ends of streams ("@a…",
  // "@e…") were asked for by the process itself.
  static bool is_beyond(const hub::message& what) noexcept {
    return what.is_bounded_by_credit() || what.topic().starts_with("@a") ||
           what.topic().starts_with("@e");
  }

  static constexpr size_t keep_max = 256;
  hub::mailbox_room room_;
  std::atomic<uint64_t> taken_{0};
  std::mutex mutex_;
  std::vector<hub::message_ptr> messages_;
  bool awake_ = true; // a new process runs anyway
  bool closed_ = false;
};

} // namespace natterjack::runtime::lua
