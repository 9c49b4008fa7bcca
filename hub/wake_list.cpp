#include "hub/wake_list.hpp"

#include <algorithm>
#include <utility>

namespace natterjack::hub {

namespace {

constexpr size_t asked_max = 64;

wake_list& list_of_thread() {
  thread_local wake_list list;
  return list;
}

} // namespace

void wake_list::add(wakeable& who, caf::strong_actor_ptr keep) {
  const bool is_known = std::any_of(waiting_.begin(), waiting_.end(),
                                    [&who](const auto& w) { return w.who == &who; });
  if (!is_known) {
    waiting_.push_back({&who, std::move(keep)});
    if (waiting_.size() == 1)
      on_first();
  }
  if (++asked_ >= asked_max)
    flush();
}

void wake_list::flush() noexcept {
  asked_ = 0;
  // By index: a wake-up may put off another one.
  for (size_t i = 0; i < waiting_.size(); ++i)
    waiting_[i].who->wake();
  waiting_.clear();
}

wake_list* wake_list::use(wake_list* list) noexcept { return std::exchange(current_, list); }

wake_list::scope::scope() noexcept : is_outer_(current_ == nullptr) {
  if (is_outer_)
    current_ = &list_of_thread();
}

wake_list::scope::~scope() {
  if (!is_outer_)
    return;
  current_->flush();
  current_ = nullptr;
}

} // namespace natterjack::hub
