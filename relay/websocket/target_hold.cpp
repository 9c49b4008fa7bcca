#include "relay/websocket/target_hold.hpp"

#include "relay/io_thread.hpp"

#include <caf/send.hpp>

#include <utility>

namespace natterjack::relay {

void target_hold::begin(io_thread& thread, hub::name_registry& names,
                        caf::actor_control_block* owner) {
  is_waiting_ = true;
  thread.set_timer(timer_, hold_time);
  look_again(names, owner);
}

void target_hold::look_again(hub::name_registry& names, caf::actor_control_block* owner) {
  watch_number_ = names.watch(name, [weak = caf::weak_actor_ptr(owner)](const hub::pid&) {
    if (auto self = weak.lock())
      self->enqueue(nullptr, caf::make_message_id(), caf::make_message(named_atom::value), nullptr);
  });
}

void target_hold::end(hub::name_registry& names) noexcept {
  timer_.cancel();
  is_waiting_ = false;
  if (const auto number = std::exchange(watch_number_, 0))
    names.unwatch(number);
}

} // namespace natterjack::relay
