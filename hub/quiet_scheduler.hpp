// CAF's work-sharing scheduler, but the end of an actor wakes nobody.
//
// CAF tells its clock thread to forget the time-outs of every actor that ends: two wake-ups and a change of
// thread for each, also when no actor has ever set one. Ours keep their timers elsewhere, so the clock is told
// only once somebody has set a time-out with CAF.
#pragma once

#include <caf/actor_system.hpp>

namespace natterjack::hub {

/// For `caf::actor_system_config::module_factories`; sizes come from the configuration, as ever.
caf::actor_system::module* make_quiet_scheduler(caf::actor_system& system);

} // namespace natterjack::hub
