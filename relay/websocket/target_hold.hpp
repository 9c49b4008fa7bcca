// A client whose target has ended waits for whoever takes the target's name, so long, and what it says
// meanwhile is kept. Most connections never have one.
//
//   begin, look_again   the owner gets `named_atom` when somebody holds the name
//   too_late            `hold_time` is over: called on the owner's thread
//   end                 neither happens any more
//   bound               what is kept carries the client's credit: no more than its inbound budget
#pragma once

#include "hub/message.hpp"
#include "hub/name_registry.hpp"
#include "relay/timer_wheel.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/atom.hpp>

#include <string>
#include <vector>

namespace natterjack::relay {

class io_thread;

using named_atom = caf::atom_constant<caf::atom("named")>;

class target_hold {
 public:
  target_hold(void* owner, timer_wheel::timer::callback too_late) noexcept
      : timer_(owner, too_late) {}

  bool wanted = false; ///< the client waits, rather than ends, if its target does
  std::string name;    ///< for what; empty: the target has none
  std::chrono::nanoseconds hold_time = std::chrono::seconds(10);
  std::vector<hub::message_ptr> unheard; ///< came when nobody was there

  bool is_waiting() const noexcept { return is_waiting_; }
  void begin(io_thread& thread, hub::name_registry& names, caf::actor_control_block* owner);
  /// Whoever took the name may have ended since, and be started again: the time goes on.
  void look_again(hub::name_registry& names, caf::actor_control_block* owner);
  void end(hub::name_registry& names) noexcept;

 private:
  bool is_waiting_ = false;
  uint64_t watch_number_ = 0; // of the name, while it is waited for
  timer_wheel::timer timer_;
};

} // namespace natterjack::relay
