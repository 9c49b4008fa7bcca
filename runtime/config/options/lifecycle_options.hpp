// How what an application starts is started, stopped and started again.
#pragma once

#include "runtime/config/options/lua_options.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace natterjack::runtime {

struct restart_options {
  duration initial_delay{};
  duration max_delay{};
  double backoff_factor = 0;
  double jitter = 0;         ///< share of the delay, 0 to 1
  uint64_t max_attempts = 0; ///< 0: unlimited
};

struct lifecycle_options {
  bool auto_start = false;
  std::vector<std::string> depends_on; ///< `depends_on` and `requires` together
  bool required = true; ///< false: the application runs without it (`startup: optional`)
  duration start_timeout{};
  duration stop_timeout{};
  duration stable_threshold{}; ///< running this long forgets earlier restarts
  restart_options restart;
};

lifecycle_options read_lifecycle(const field_reader& fields);

} // namespace natterjack::runtime
