// What is worth a warning in an application whose entries are right: code that asks for what nobody gives
// it, routes that nobody can reach, options that change nothing.
//
//   unknown global        read, not set by the file, its libraries or Lua
//   unknown module        required, neither granted by `modules` nor imported
//   unreachable endpoint  its gateway is not started, or its router has none
//   --allow-origins       without the implicit router, which is what it is for
#pragma once

#include "runtime/command_line.hpp"
#include "runtime/config/application.hpp"

namespace natterjack::runtime {

/// Adds to `app.warnings`, sorted. Does nothing for an application with mistakes.
void add_warnings(application& app, const command_line& line);

} // namespace natterjack::runtime
