// Where other threads put messages for a hub in C++, without a lock, and how it is woken for them.
//
//   call            result                              errors
//   put, message    sent; `wake` says: schedule it      mailbox_full, no_process (closed)
//   take_all        what came since the last time       -
//   rest            true: nothing came, may sleep       -
//   received        one message was handed over         -
//   close           what nobody will receive            -
//
//   bound   put and not yet received: `mailbox_limits`; messages that carry a client's credit are taken
//           beyond them, since their number is bounded where they came in
#pragma once

#include "hub/mailbox_room.hpp"
#include "hub/process.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

namespace natterjack::hub {

class inbox {
 public:
  explicit inbox(mailbox_limits limits) noexcept : room_(limits) {}
  ~inbox() { destroy(head_.load(std::memory_order_acquire)); }
  inbox(const inbox&) = delete;
  inbox& operator=(const inbox&) = delete;

  /// From any thread. @throws std::bad_alloc
  send_result put(message_ptr what, bool& wake) {
    wake = false;
    const auto bytes = what->size();
    const bool beyond = what->is_bounded_by_credit();
    if (!room_.take(bytes, beyond))
      return send_result::mailbox_full;
    auto made = std::make_unique<link>();
    made->message = std::move(what);
    auto* top = head_.load(std::memory_order_acquire);
    do {
      if (top == closed()) {
        room_.give_back(bytes, beyond);
        return send_result::no_process;
      }
      wake = top == asleep();
      made->next = wake ? nullptr : top;
    } while (!head_.compare_exchange_weak(top, made.get(), std::memory_order_acq_rel,
                                          std::memory_order_acquire));
    made.release();
    return send_result::sent;
  }

  /// Appends what came, oldest first. By the owner; one that sleeps sleeps on.
  void take_all(std::vector<message_ptr>& out) {
    const auto first = out.size();
    // Only the owner makes a mark of it, so what is no mark now stays none until the exchange.
    auto* top = head_.load(std::memory_order_acquire);
    if (top == nullptr || top == asleep() || top == closed())
      return;
    top = head_.exchange(nullptr, std::memory_order_acq_rel);
    // The newest is on top: turned round below.
    while (top != nullptr) {
      std::unique_ptr<link> one(top);
      top = one->next;
      out.push_back(std::move(one->message));
    }
    std::reverse(out.begin() + static_cast<std::ptrdiff_t>(first), out.end());
  }

  /// Goes to sleep unless something came: the next `put` wakes. @returns true if asleep now
  bool rest() noexcept {
    link* nothing = nullptr;
    return head_.compare_exchange_strong(nothing, asleep(), std::memory_order_acq_rel);
  }

  void received(const message& what) noexcept {
    room_.give_back(what.size(), what.is_bounded_by_credit());
  }
  size_t waiting() const noexcept { return room_.messages(); }

  /// From now on nothing is taken; what waits is destroyed, which gives credit back.
  void close() noexcept { destroy(head_.exchange(closed(), std::memory_order_acq_rel)); }

 private:
  struct link {
    message_ptr message;
    link* next = nullptr;
  };
  // Two addresses that no link has.
  link* asleep() noexcept { return &marks_[0]; }
  link* closed() noexcept { return &marks_[1]; }
  void destroy(link* top) noexcept {
    while (top != nullptr && top != asleep() && top != closed()) {
      std::unique_ptr<link> one(top);
      top = one->next;
    }
  }

  mailbox_room room_;
  link marks_[2];
  std::atomic<link*> head_{nullptr}; // awake: a new process runs anyway
};

} // namespace natterjack::hub
