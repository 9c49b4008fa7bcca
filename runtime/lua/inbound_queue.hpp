// Where other threads put messages for a Lua process, and how it is woken for them.
//
//   call            result                              errors
//   put, message    sent; `wake` says: schedule it      mailbox_full, no_process (closed)
//   take_all        what came since the last time       -
//   rest            true: nothing came, may sleep       -
//   received        one message was handed to Lua       -
//   close           what nobody will receive            -
//
//   bound   put and not yet received: at most `messages_max`; messages that carry a client's credit
//           are taken beyond it
#pragma once

#include "hub/counters.hpp"
#include "hub/process.hpp"

#include <atomic>
#include <mutex>
#include <vector>

namespace natterjack::runtime::lua {

class inbound_queue {
 public:
  explicit inbound_queue(size_t messages_max) noexcept : messages_max_(messages_max) {}

  hub::send_result put(hub::message_ptr what, bool& wake) {
    // What clients cause is bounded at the edge, by their credit.
    if (waiting_.fetch_add(1, std::memory_order_relaxed) >= messages_max_ &&
        !what->carries_credit() && !is_unbounded(what->topic())) {
      waiting_.fetch_sub(1, std::memory_order_relaxed);
      hub::count(hub::counter::limit_mailbox);
      return hub::send_result::mailbox_full;
    }
    std::lock_guard guard(mutex_);
    if (closed_) {
      waiting_.fetch_sub(1, std::memory_order_relaxed);
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

  void received() noexcept {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    hub::detail::add(taken_, 1); // only the process takes
  }
  /// Messages handed to Lua so far.
  uint64_t taken() const noexcept { return taken_.load(std::memory_order_relaxed); }
  size_t waiting() const noexcept { return waiting_.load(std::memory_order_relaxed); }

  std::vector<hub::message_ptr> close() noexcept {
    std::lock_guard guard(mutex_);
    closed_ = true;
    return std::move(messages_);
  }

 private:
  // Answers and ends of streams ("@a…", "@e…"): the process itself asked for them.
  static bool is_unbounded(std::string_view topic) noexcept {
    return topic.starts_with("@a") || topic.starts_with("@e");
  }

  static constexpr size_t keep_max = 256;
  const size_t messages_max_;
  std::atomic<size_t> waiting_{0};
  std::atomic<uint64_t> taken_{0};
  std::mutex mutex_;
  std::vector<hub::message_ptr> messages_;
  bool awake_ = true; // a new process runs anyway
  bool closed_ = false;
};

} // namespace natterjack::runtime::lua
