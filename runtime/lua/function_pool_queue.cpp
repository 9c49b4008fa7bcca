// Deadlines of the calls that wait for a worker: workers look at the deadline of what they run, and
// those of an endpoint whose answers are streamed to slow readers may be busy for hours.
#include "runtime/lua/alarm.hpp"
#include "runtime/lua/engine/clocks.hpp"
#include "runtime/lua/function_pool.hpp"

namespace natterjack::runtime::lua {

namespace {

main_end late() {
  main_end end;
  end.ended = end.timed_out = true;
  end.result.error = "not done within its deadline: no state of the function was free";
  end.why = {error_kind::timeout, end.result.error, {}};
  return end;
}

} // namespace

// With the mutex held.
void function_pool::watch_last() {
  const auto due_ns = queue_.back().due_ns;
  if (due_ns == 0 || (next_look_ns_ != 0 && next_look_ns_ <= due_ns))
    return;
  if (!alarm_)
    alarm_ = std::make_shared<alarm>(runtime_, [weak = weak_from_this()] {
      if (auto pool = weak.lock())
        pool->look_at_queue();
    });
  next_look_ns_ = due_ns;
  alarm_->set(due_ns);
}

void function_pool::look_at_queue() {
  std::deque<job> gone;
  {
    std::lock_guard guard(mutex_);
    if (stopped_)
      return;
    const auto now = steady_ns();
    std::deque<job> waiting;
    next_look_ns_ = 0;
    for (auto& one : queue_) {
      const bool is_late = one.due_ns != 0 && one.due_ns <= now;
      if (!is_late && one.due_ns != 0 && (next_look_ns_ == 0 || one.due_ns < next_look_ns_))
        next_look_ns_ = one.due_ns;
      patient_ -= is_late && one.patient ? 1 : 0;
      (is_late ? gone : waiting).push_back(std::move(one));
    }
    queue_.swap(waiting);
    if (next_look_ns_ != 0)
      alarm_->set(next_look_ns_);
  }
  for (auto& one : gone) {
    auto end = late();
    one.answer(*one.call, end);
  }
}

} // namespace natterjack::runtime::lua
