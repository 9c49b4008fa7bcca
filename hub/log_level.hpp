// How much a line of the log matters.
#pragma once

#include <cstdint>

namespace natterjack {

enum class log_level : uint8_t { trace, debug, info, warn, error };

} // namespace natterjack
