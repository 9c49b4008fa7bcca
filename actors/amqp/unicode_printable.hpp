// Which characters Python's repr shows as they are.
#pragma once

#include <cstdint>

namespace natterjack::amqp {

/// False for controls, formats, surrogates, private use, unassigned, and separators but the space
/// (Unicode 14: categories C* and Z*).
bool is_printable(uint32_t code) noexcept;

} // namespace natterjack::amqp
