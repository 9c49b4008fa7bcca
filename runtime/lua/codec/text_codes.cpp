#include "runtime/lua/codec/text_codes.hpp"

#include "hub/base64.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace natterjack::runtime::lua {

namespace {

int value_of(char c) noexcept {
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  if (c == '+' || c == '-')
    return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

} // namespace

void encode_base64_text(std::string_view bytes, std::string& out, bool for_urls) {
  std::string made;
  hub::append_base64(made, bytes);
  if (for_urls) { // RFC 4648 5, without padding
    std::replace(made.begin(), made.end(), '+', '-');
    std::replace(made.begin(), made.end(), '/', '_');
    std::erase(made, '=');
  }
  out = std::move(made);
}

bool decode_base64_text(std::string_view text, std::string& out) {
  std::string made;
  uint32_t bits = 0;
  int held = 0;
  size_t digits = 0;
  size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r')
      continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int value = value_of(c);
    if (value < 0 || padding > 0)
      return false;
    ++digits;
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      made += static_cast<char>(bits >> held & 255);
    }
  }
  if (digits % 4 == 1 || padding > 2 || (padding > 0 && (digits + padding) % 4 != 0))
    return false;
  out = std::move(made);
  return true;
}

void encode_hex(std::string_view bytes, std::string& out) {
  constexpr char digits[] = "0123456789abcdef";
  std::string made;
  made.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    made += digits[static_cast<uint8_t>(c) >> 4];
    made += digits[static_cast<uint8_t>(c) & 15];
  }
  out = std::move(made);
}

} // namespace natterjack::runtime::lua
