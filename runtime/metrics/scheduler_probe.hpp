// Looks once a second how late a process that is due runs, as hubs would feel it.
#pragma once

#include <caf/fwd.hpp>

#include <functional>

namespace natterjack::runtime {

/// Starts an actor on the scheduler that fills `hub::series::scheduler_delay`.
/// @param on_tick  called each second, on a hub thread: only quick things
/// @returns what to send an exit to
caf::actor start_scheduler_probe(caf::actor_system& system, std::function<void()> on_tick);

} // namespace natterjack::runtime
