// `natterjack init`: writes a small application to begin with, the chat of examples/chat.
#pragma once

#include <string>

namespace natterjack::runtime {

/// Writes the files and prints what to do next. Nothing that is there is ever changed.
/// @param folder  new, or without any of the files that would be written
/// @returns the exit code: 0 done, 1 cannot write, 2 files are in the way
int run_init(const std::string& folder);

} // namespace natterjack::runtime
