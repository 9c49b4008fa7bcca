// The whole program: command line, application, server. What `natterjack` itself is made of.
#pragma once

namespace natterjack {

/// Does what the command line says, with the hub classes this program has registered: `run DIR`,
/// `check DIR` and all other commands of `natterjack`.
/// @returns the exit code for main
int run(int argc, char** argv);

} // namespace natterjack
