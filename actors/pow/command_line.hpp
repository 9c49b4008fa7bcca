// `natterjack pow`: a POW server from the command line, without an application folder.
#pragma once

namespace natterjack::pow {

/// Serves `echo` and the commands of --exec until SIGINT or SIGTERM.
/// @param argv  argv[0] is the name shown in the help, "natterjack pow"
/// @returns the exit code: 0 after a drain, 1 for a failure at run time, 2 for wrong arguments
int run_pow(int argc, const char* const* argv);

} // namespace natterjack::pow
