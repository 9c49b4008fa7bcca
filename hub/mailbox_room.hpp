// What may wait in a mailbox: so many messages, so many bytes. Counted by any thread, given back by the
// receiver; what is refused is counted under the bound it has reached.
//
//   beyond   a message taken whatever waits already, since its number is bounded elsewhere: it is counted
//            as waiting, and leaves the room of the others as it is
#pragma once

#include "hub/counters.hpp"

#include <atomic>
#include <cstddef>

namespace natterjack::hub {

struct mailbox_limits {
  size_t messages = 100'000; ///< not yet received
  size_t bytes = 64 << 20;   ///< of their topics and values; one message alone may be larger
};

class mailbox_room {
 public:
  explicit mailbox_room(mailbox_limits limits) noexcept : limits_(limits) {}

  /// @returns false if there is no room, and nothing has been taken
  bool take(size_t bytes, bool beyond) noexcept {
    if (beyond) {
      beyond_.fetch_add(1, std::memory_order_relaxed);
      return true;
    }
    const auto messages = messages_.fetch_add(1, std::memory_order_relaxed);
    const auto before = bytes_.fetch_add(bytes, std::memory_order_relaxed);
    if (messages < limits_.messages && (before == 0 || before + bytes <= limits_.bytes))
      return true;
    give_back(bytes, beyond);
    count(messages < limits_.messages ? counter::limit_mailbox_bytes : counter::limit_mailbox);
    return false;
  }

  /// With the same arguments, once for each message that was taken.
  void give_back(size_t bytes, bool beyond) noexcept {
    if (beyond) {
      beyond_.fetch_sub(1, std::memory_order_relaxed);
      return;
    }
    messages_.fetch_sub(1, std::memory_order_relaxed);
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }

  /// All that wait, those beyond the limits too.
  size_t messages() const noexcept {
    return messages_.load(std::memory_order_relaxed) + beyond_.load(std::memory_order_relaxed);
  }

 private:
  const mailbox_limits limits_;
  std::atomic<size_t> messages_{0}; // without those beyond
  std::atomic<size_t> beyond_{0};
  std::atomic<size_t> bytes_{0};
};

} // namespace natterjack::hub
