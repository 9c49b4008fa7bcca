// Times, sizes and addresses as people write them.
//
//   time      25s, 300ms, 1m30s, 1.5h, 0      units ns us µs ms s m h
//   size      65536, 64KiB, 1.5MiB, 10MB      KiB MiB GiB TiB are powers of 1024, kB MB GB TB of
//   1000 address   127.0.0.1:8082, :8082, localhost:0, [::1]:8082
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace natterjack::runtime {

/// @returns nothing when the text is no time or does not fit 64 bits of nanoseconds; may be
/// negative
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// @returns bytes; nothing when the text is no size, is negative or does not fit 63 bits
std::optional<uint64_t> parse_bytes(std::string_view text);

struct network_address {
  std::string host;  ///< name or number without brackets; empty: all addresses of this machine
  uint16_t port = 0; ///< 0: the system chooses a free one

  bool operator==(const network_address&) const = default;
};

/// @param why  when given, set to what is wrong with the text
std::optional<network_address> parse_address(std::string_view text, std::string* why = nullptr);

std::string to_string(const network_address& address);

} // namespace natterjack::runtime
