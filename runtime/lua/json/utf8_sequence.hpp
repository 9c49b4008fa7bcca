// One step through UTF-8 text, for reading and writing JSON.
#pragma once

#include <cstddef>
#include <cstdint>

namespace natterjack::runtime::lua {

/// Bytes of the well-formed UTF-8 sequence at `at`, 1 to 4; 0 if there is none (RFC 3629: no
/// surrogates, no overlong forms, nothing above U+10FFFF).
inline size_t utf8_sequence(const char* at, const char* end) noexcept {
  const auto byte = [at](size_t i) {
    return static_cast<uint8_t>(at[i]);
  };
  const auto follows = [byte](size_t i) {
    return (byte(i) & 0xC0) == 0x80;
  };
  const auto left = static_cast<size_t>(end - at);
  if (left == 0)
    return 0;
  const uint8_t first = byte(0);
  if (first < 0x80)
    return 1;
  if (first < 0xC2 || first > 0xF4)
    return 0;
  if (first < 0xE0)
    return left >= 2 && follows(1) ? 2 : 0;
  if (first < 0xF0) {
    if (left < 3 || !follows(1) || !follows(2))
      return 0;
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (left < 4 || !follows(1) || !follows(2) || !follows(3))
    return 0;
  const bool overlong = first == 0xF0 && byte(1) < 0x90;
  const bool too_high = first == 0xF4 && byte(1) > 0x8F;
  return overlong || too_high ? 0 : 4;
}

/// Writes one code point, which is neither a surrogate nor above U+10FFFF. @returns bytes written
inline size_t utf8_write(uint32_t code, char* to) noexcept {
  const auto set = [to](size_t i, uint32_t bits) {
    to[i] = static_cast<char>(bits);
  };
  if (code < 0x80) {
    set(0, code);
    return 1;
  }
  if (code < 0x800) {
    set(0, 0xC0 | (code >> 6));
    set(1, 0x80 | (code & 0x3F));
    return 2;
  }
  if (code < 0x10000) {
    set(0, 0xE0 | (code >> 12));
    set(1, 0x80 | ((code >> 6) & 0x3F));
    set(2, 0x80 | (code & 0x3F));
    return 3;
  }
  set(0, 0xF0 | (code >> 18));
  set(1, 0x80 | ((code >> 12) & 0x3F));
  set(2, 0x80 | ((code >> 6) & 0x3F));
  set(3, 0x80 | (code & 0x3F));
  return 4;
}

} // namespace natterjack::runtime::lua
