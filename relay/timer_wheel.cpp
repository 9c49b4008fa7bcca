#include "relay/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace natterjack::relay {

timer_wheel::~timer_wheel() {
  for (auto* t : slots_)
    while (t != nullptr) {
      t->wheel_ = nullptr;
      t = t->next_;
    }
}

void timer_wheel::timer::cancel() noexcept {
  if (wheel_ == nullptr)
    return;
  const auto slot = tick_ % slot_count;
  if (previous_ != nullptr)
    previous_->next_ = next_;
  else if (wheel_->slots_[slot] == this)
    wheel_->slots_[slot] = next_;
  if (next_ != nullptr)
    next_->previous_ = previous_;
  if (wheel_->slots_[slot] == nullptr)
    wheel_->used_[slot / 64] &= ~(1ULL << (slot % 64));
  --wheel_->count_;
  next_ = previous_ = nullptr;
  wheel_ = nullptr;
}

void timer_wheel::link(timer& t) noexcept {
  const auto slot = t.tick_ % slot_count;
  t.wheel_ = this;
  t.previous_ = nullptr;
  t.next_ = slots_[slot];
  if (t.next_ != nullptr)
    t.next_->previous_ = &t;
  slots_[slot] = &t;
  used_[slot / 64] |= 1ULL << (slot % 64);
  ++count_;
}

void timer_wheel::set(timer& t, clock::duration delay, clock::time_point now) noexcept {
  t.cancel();
  if (count_ == 0)
    done_ = std::max(done_, tick_at(now)); // nothing was waiting: no slots to catch up with
  const auto due = now + std::max(delay, clock::duration::zero());
  t.tick_ = std::max(tick_at(due) + 1, done_ + 1); // rounded up: never early
  link(t);
}

void timer_wheel::advance(clock::time_point now) {
  const auto until = tick_at(now);
  while (done_ < until && count_ != 0) {
    // Jump to the next slot in use instead of visiting every 10 ms since the last call.
    const auto first = next();
    const auto tick = tick_at(first);
    if (tick > until)
      break;
    done_ = std::max(done_ + 1, tick);
    auto& head = slots_[done_ % slot_count];
    // A callback may cancel or set any timer, so look from the head again after each.
    for (bool fired = true; fired;) {
      fired = false;
      for (auto* t = head; t != nullptr; t = t->next_)
        if (t->tick_ <= done_) {
          t->cancel();
          t->fire_(t->owner_);
          fired = true;
          break;
        }
    }
  }
  done_ = std::max(done_, until);
}

timer_wheel::clock::time_point timer_wheel::next() const noexcept {
  for (size_t step = 1; step <= slot_count;) {
    const auto slot = (done_ + step) % slot_count;
    const auto word = used_[slot / 64] >> (slot % 64);
    if (word != 0) {
      const auto tick = done_ + step + static_cast<uint64_t>(std::countr_zero(word));
      return start_ + tick * resolution;
    }
    step += 64 - slot % 64;
  }
  return start_ + (done_ + slot_count) * resolution;
}

} // namespace natterjack::relay
