#include "relay/inbound_budget.hpp"

#include "relay/io_thread.hpp"

namespace natterjack::relay {

hub::credit inbound_budget::take(size_t bytes) {
  out_.fetch_add(counted(bytes));
  return {this, bytes};
}

bool inbound_budget::has_room() noexcept {
  if (is_below())
    return true;
  waiting_.store(true);
  // A credit may have come back between the look and the note: then nobody else would wake us.
  return is_below() && waiting_.exchange(false);
}

void inbound_budget::give_back(size_t bytes) noexcept {
  out_.fetch_sub(counted(bytes));
  if (waiting_.load() && is_below() && waiting_.exchange(false))
    room_again();
}

pinned_budget::pinned_budget(pinned& owner, caf::actor_control_block* control,
                             const gateway_limits& limits)
    : inbound_budget(limits.inbound_messages, limits.inbound_bytes), owner_(control), raw_(&owner) {}

void pinned_budget::room_again() noexcept {
  if (auto owner = owner_.lock())
    raw_->thread().push_wake(raw_);
}

} // namespace natterjack::relay
