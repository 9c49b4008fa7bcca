#include "hub/usable_cores.hpp"

#include <algorithm>
#include <sched.h>
#include <thread>

namespace natterjack::hub {

size_t usable_cores() noexcept {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  // Fails on machines with more cores than the set has room for.
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0)
    return std::max<size_t>(static_cast<size_t>(CPU_COUNT(&allowed)), 1);
  return std::max<size_t>(std::thread::hardware_concurrency(), 1);
}

} // namespace natterjack::hub
