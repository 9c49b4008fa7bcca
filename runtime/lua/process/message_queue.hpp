// Messages in order of arrival, waiting to be received. Small when empty: many processes are idle.
#pragma once

#include "hub/message.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace natterjack::runtime::lua {

struct arrival {
  hub::message_ptr message;
  uint64_t number = 0; ///< order among everything that came to this process
};

class message_queue {
 public:
  bool empty() const noexcept { return head_ == items_.size(); }
  size_t size() const noexcept { return items_.size() - head_; }
  const arrival& front() const noexcept { return items_[head_]; }

  void push(arrival one) { items_.push_back(std::move(one)); }

  void pop() noexcept {
    items_[head_].message.reset();
    ++head_;
    if (head_ == items_.size()) {
      items_.clear();
      head_ = 0;
      if (items_.capacity() > keep_max)
        std::vector<arrival>().swap(items_);
    } else if (head_ >= 1024 && head_ * 2 >= items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
  }

  /// Moves those that `wanted(message)` says into `to`, in order of arrival among what is there.
  template <class Wanted> void move_matching(message_queue& to, Wanted&& wanted) {
    std::vector<arrival> stay;
    const auto there = static_cast<std::ptrdiff_t>(to.items_.size());
    for (size_t i = head_; i < items_.size(); ++i)
      (wanted(*items_[i].message) ? to.items_ : stay).push_back(std::move(items_[i]));
    items_ = std::move(stay);
    head_ = 0;
    std::inplace_merge(to.items_.begin() + static_cast<std::ptrdiff_t>(to.head_),
                       to.items_.begin() + there, to.items_.end(),
                       [](const arrival& a, const arrival& b) { return a.number < b.number; });
  }

  void clear() noexcept {
    items_.clear();
    head_ = 0;
  }

 private:
  static constexpr size_t keep_max = 256;
  std::vector<arrival> items_;
  size_t head_ = 0;
};

} // namespace natterjack::runtime::lua
