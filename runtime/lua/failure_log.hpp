// A line of the log about a failure, with the traceback behind it if there is one.
#pragma once

#include "runtime/log_traceback.hpp"
#include "runtime/lua/lua_runtime.hpp"

#include <string>

namespace natterjack::runtime::lua {

/// @param trace  lines of a traceback, or empty
inline void log_failure(lua_runtime& runtime, log_level level, const std::string& entry, const hub::pid& who,
                        std::string text, const std::string& trace) {
  if (!trace.empty())
    text.append("\n").append(trace);
  const log_traceback about(trace);
  runtime.log(level, entry, who, text);
}

} // namespace natterjack::runtime::lua
