// Where a gateway listens, as people write it: 127.0.0.1:8082, :8082, localhost:0, [::1]:8082.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace natterjack::runtime {

struct network_address {
  std::string host;  ///< name or number without brackets; empty: all addresses of this machine
  uint16_t port = 0; ///< 0: the system chooses a free one

  bool operator==(const network_address&) const = default;
};

/// @param why  when given, set to what is wrong with the text
std::optional<network_address> parse_address(std::string_view text, std::string* why = nullptr);

std::string to_string(const network_address& address);

} // namespace natterjack::runtime
