// Times and sizes as people write them.
//
//   time   25s, 300ms, 1m30s, 1.5h, 0      units ns us µs ms s m h, as in Go
//   size   65536, 64KiB, 1.5MiB, 10MB      KiB MiB GiB TiB are powers of 1024, kB MB GB TB of 1000
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace natterjack::hub {

/// @returns nothing when the text is no time or does not fit 64 bits of nanoseconds; may be
/// negative
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// The shortest form Go prints, as on the relay's wire: "1m30.2s", "300.518309ms", "0s".
std::string format_duration(std::chrono::nanoseconds value);

/// @returns bytes; nothing when the text is no size, is negative or does not fit 63 bits
std::optional<uint64_t> parse_bytes(std::string_view text);

} // namespace natterjack::hub
