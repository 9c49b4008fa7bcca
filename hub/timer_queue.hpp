// Timers of one hub: what is due first, and what to call.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

namespace natterjack::hub {

class timer_queue {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  using duration = std::chrono::nanoseconds;

  size_t size() const noexcept { return due_of_.size(); }

  /// @param interval  0: once
  uint64_t add(time_point due, duration interval, std::function<void()> call) {
    const auto number = ++last_number_;
    timers_.emplace(key{due, number}, timer{interval, std::move(call)});
    due_of_.emplace(number, due);
    return number;
  }

  bool erase(uint64_t number) noexcept {
    const auto i = due_of_.find(number);
    if (i == due_of_.end())
      return false;
    timers_.erase(key{i->second, number});
    due_of_.erase(i);
    return true;
  }

  std::optional<time_point> next_due() const {
    return timers_.empty() ? std::nullopt : std::optional(timers_.begin()->first.first);
  }

  /// The first one that is due, ready to be called: one that repeats is set anew before that, so that
  /// the call may cancel it.
  std::optional<std::function<void()>> take_due(time_point now) {
    const auto first = timers_.begin();
    if (first == timers_.end() || first->first.first > now)
      return std::nullopt;
    const auto [due, number] = first->first;
    auto one = std::move(first->second);
    timers_.erase(first);
    if (one.interval.count() == 0) {
      due_of_.erase(number);
      return std::move(one.call);
    }
    // In step with its first time while it keeps up; what was missed is skipped.
    auto next = due + one.interval;
    if (next <= now)
      next = now + one.interval;
    due_of_[number] = next;
    auto call = one.call;
    timers_.emplace(key{next, number}, std::move(one));
    return call;
  }

  void clear() noexcept {
    timers_.clear();
    due_of_.clear();
  }

 private:
  using key = std::pair<time_point, uint64_t>;
  struct timer {
    duration interval;
    std::function<void()> call;
  };
  std::map<key, timer> timers_;
  std::unordered_map<uint64_t, time_point> due_of_;
  uint64_t last_number_ = 0;
};

} // namespace natterjack::hub
