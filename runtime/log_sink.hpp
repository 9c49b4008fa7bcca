// Where the lines of the log go: to standard error, by a thread of its own. A reader that stalls (a full pipe, a
// terminal that is stopped) must stop neither hubs nor clients, who can cause lines.
//
//   bound   that of print_sink; lines beyond it are dropped, and how many is told once there is room again
#pragma once

#include "runtime/log_format.hpp"

#include <spdlog/logger.h>

#include <memory>

namespace natterjack::runtime {

/// The logger of the program; level info until it is given another.
std::shared_ptr<spdlog::logger> make_logger(log_format format);

} // namespace natterjack::runtime
