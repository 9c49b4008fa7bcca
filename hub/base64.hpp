// Bytes as text: base64 with the standard alphabet, padded (RFC 4648 4).
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace natterjack::hub {

/// Appends (bytes + 2) / 3 * 4 characters.
inline void append_base64(std::string& out, std::string_view bytes) {
  constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto have = std::min<size_t>(3, bytes.size() - i);
    uint32_t block = 0;
    for (size_t k = 0; k < 3; ++k)
      block = block << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k)
      out += k <= have ? alphabet[block >> (18 - 6 * k) & 63] : '=';
  }
}

} // namespace natterjack::hub
