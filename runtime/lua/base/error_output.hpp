// Standard error of the program, for the log and for scripts: who writes never waits for who reads.
#pragma once

#include "runtime/lua/base/print_sink.hpp"

namespace natterjack::runtime::lua {

/// One for the whole program. Written out when the program ends, as far as somebody reads.
print_sink& error_output();

} // namespace natterjack::runtime::lua
