// `natterjack clu`: the CLU pass-through with no configuration, in the place of `clu websocket`.
#pragma once

namespace natterjack::amqp {

/// Reads the options, serves until SIGTERM or SIGINT, then closes the clients with 1001.
/// @param argv  argv[0] is the name shown in the help
/// @returns 0 after a drain; 1 if the port or the broker could not be had; 2 for wrong options
int run_clu_cli(int argc, const char* const* argv);

} // namespace natterjack::amqp
