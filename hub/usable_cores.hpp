// How many cores this process may run on: what `taskset`, cpusets of a container or a service manager leave of
// the machine's. The default of thread counts.
#pragma once

#include <cstddef>

namespace natterjack::hub {

/// At least 1.
size_t usable_cores() noexcept;

} // namespace natterjack::hub
