// The process that `run DIR -x ID` or `run DIR COMMAND` asks for, found before anything starts.
//
//   -x ID       the process.lua of this id; -x HOST/ID names the host as well
//   COMMAND     the process.lua whose meta.command.name is this word
//   --host ID   a process.host or terminal.host, if one is named
#pragma once

#include "runtime/command_line.hpp"
#include "runtime/config/application.hpp"

namespace natterjack::runtime {

/// Whether `run DIR list` asks for the commands there are, and none of them has that name.
bool lists_commands(const application& app, const command_line& line);
/// A line each: name and what `meta.command.short` says.
std::string list_commands(const application& app);

/// Puts the id of the entry into `line.exec` and leaves what the command is given in `line.arguments`.
/// What is not there becomes one of `app.diagnostics`. Does nothing when no command is asked for.
void resolve_command(application& app, command_line& line);

} // namespace natterjack::runtime
