// How much a job may hold back, and how long it may take to stop.
#pragma once

#include <chrono>
#include <cstddef>

namespace natterjack::pow {

struct job_bounds {
  size_t input_bytes = 1 << 20;   ///< queued and not yet read by the code; then the client is not read
  std::chrono::nanoseconds stop_wait = std::chrono::seconds(10); ///< for code that was told to stop
};

} // namespace natterjack::pow
