// Threads as operators see them in `top -H`, `ps -T` and debuggers.
#pragma once

#include <string>

namespace caf {
class actor_system_config;
}

namespace natterjack::hub {

/// Names the calling thread. @param name  at most 15 bytes; the rest is cut off
void name_thread(std::string name) noexcept;

/// Has the scheduler's workers of a system with this configuration named hub-0, hub-1 …; once, before the
/// system is made.
void name_workers(caf::actor_system_config& config);

} // namespace natterjack::hub
