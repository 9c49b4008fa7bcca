// Durations as Go writes them: `300ms`, `1m30s`, `300.518309ms`; the form the relay's wire uses.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace natterjack::relay {

/// Reads ns, us (also µs), ms, s, m, h, with sign and fractions; "0" needs no unit.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// The shortest form Go prints: "1m30.2s", "300.518309ms", "0s".
std::string format_duration(std::chrono::nanoseconds value);

} // namespace natterjack::relay
