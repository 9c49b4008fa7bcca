// Levels of the log as spdlog has them.
#pragma once

#include "hub/log_level.hpp"

#include <spdlog/common.h>

namespace natterjack::runtime {

constexpr spdlog::level::level_enum to_spdlog(log_level level) noexcept {
  switch (level) {
  case log_level::trace:
    return spdlog::level::trace;
  case log_level::debug:
    return spdlog::level::debug;
  case log_level::info:
    return spdlog::level::info;
  case log_level::warn:
    return spdlog::level::warn;
  case log_level::error:
    break;
  }
  return spdlog::level::err;
}

} // namespace natterjack::runtime
