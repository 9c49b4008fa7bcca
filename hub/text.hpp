// What protocols of text ask for everywhere: spaces that do not count, letters whose case does not,
// texts that are too long.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace natterjack::hub {

/// Without spaces at both ends. @param spaces  by default those of HTTP's lists (RFC 9110 5.6.3)
constexpr std::string_view trimmed(std::string_view text,
                                   std::string_view spaces = " \t") noexcept {
  const auto begin = std::min(text.find_first_not_of(spaces), text.size());
  const auto end = text.find_last_not_of(spaces) + 1; // npos + 1: nothing but spaces
  return text.substr(begin, end > begin ? end - begin : 0);
}

/// Equal but for the case of ASCII letters, as names and tokens of HTTP are (RFC 9110 5.1).
constexpr bool same_text(std::string_view a, std::string_view b) noexcept {
  constexpr auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [lower](char x, char y) { return lower(x) == lower(y); });
}

/// The beginning of a text, without half of a UTF-8 character at its end. @param bytes_max  of the result
constexpr std::string_view beginning_of(std::string_view text, size_t bytes_max) noexcept {
  size_t end = std::min(text.size(), bytes_max);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

} // namespace natterjack::hub
