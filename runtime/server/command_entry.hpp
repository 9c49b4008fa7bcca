// The process that `run DIR -x ID` or `run DIR COMMAND` asks for, found before anything starts.
//
//   -x ID       the process.lua of this id; -x HOST/ID names the host as well
//   COMMAND     the process.lua whose meta.command.name is this word
//   --host ID   a process.host or terminal.host, if one is named
#pragma once

#include "runtime/command_line.hpp"
#include "runtime/config/application.hpp"

namespace natterjack::runtime {

/// What `run DIR list` prints, unless a command of the application is called so: a line for each
/// command.
/// @returns nothing if that is not asked for
std::optional<std::string> listed_commands(const application& app, const command_line& line);

/// Puts the id of the entry into `line.exec` and leaves what the command is given in
/// `line.arguments`. What is not there becomes one of `app.diagnostics`. Does nothing when no
/// command is asked for.
void resolve_command(application& app, command_line& line);

} // namespace natterjack::runtime
