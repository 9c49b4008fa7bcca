#include "actors/amqp/ack_ledger.hpp"

namespace natterjack::amqp {

void ack_ledger::add(uint64_t tag, size_t bytes) {
  {
    std::lock_guard guard(mutex_);
    if (states_.empty())
      first_tag_ = tag;
    states_.push_back(state::open);
  }
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  open_.fetch_add(1, std::memory_order_relaxed);
}

void ack_ledger::settle(uint64_t tag, size_t bytes, verdict what) noexcept {
  {
    std::lock_guard guard(mutex_);
    if (tag < first_tag_ || tag - first_tag_ >= states_.size() ||
        states_[tag - first_tag_] != state::open)
      return;
    states_[tag - first_tag_] = what == verdict::reject    ? state::reject
                                : what == verdict::requeue ? state::requeue
                                                           : state::ack;
  }
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  open_.fetch_sub(1, std::memory_order_relaxed);
  const auto settled = settled_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (on_settled_)
    on_settled_(settled);
}

std::vector<ack_ledger::step> ack_ledger::take() {
  std::vector<step> steps;
  std::lock_guard guard(mutex_);
  uint64_t ack_up_to = 0;
  bool is_prefix = true; // nothing open stands before
  for (size_t i = 0; i < states_.size(); ++i) {
    const auto tag = first_tag_ + i;
    auto& s = states_[i];
    if (s == state::open) {
      is_prefix = false;
      continue;
    }
    if (s == state::reject || s == state::requeue)
      steps.push_back({s == state::reject ? verdict::reject : verdict::requeue, tag, false});
    else if (s == state::ack && is_prefix)
      ack_up_to = tag;
    else if (s == state::ack)
      steps.push_back({verdict::ack, tag, false});
    s = state::told;
  }
  while (!states_.empty() && states_.front() == state::told) {
    states_.pop_front();
    ++first_tag_;
  }
  // Last: it covers what was rejected before it, which the broker by then has struck off.
  if (ack_up_to != 0)
    steps.push_back({verdict::ack, ack_up_to, true});
  settled_.store(0, std::memory_order_relaxed);
  return steps;
}

} // namespace natterjack::amqp
