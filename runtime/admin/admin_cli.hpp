// `natterjack ps | top | send | kill | reload`: commands to a running node.
#pragma once

namespace natterjack::runtime {

/// @param argv  argv[0] is the name of the command
/// @returns the exit code: 0 done, 1 the node said no or is not there, 2 wrong arguments
int run_admin_command(int argc, const char* const* argv);

} // namespace natterjack::runtime
