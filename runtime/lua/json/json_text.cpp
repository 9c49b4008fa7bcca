// JSON strings: quotes, escapes, base64.
#include "runtime/lua/json/json_codec.hpp"

#include "runtime/lua/json/utf8_sequence.hpp"

#include <array>
#include <cstdint>

namespace natterjack::runtime::lua {

namespace {

// What a byte needs inside a JSON string: 0 nothing, 'u' a \u00XX escape, 'x' a look at the whole
// UTF-8 sequence, else the letter behind the backslash.
constexpr std::array<char, 256> make_string_classes() {
  std::array<char, 256> classes{};
  for (size_t i = 0; i < 0x20; ++i)
    classes[i] = 'u';
  for (size_t i = 0x80; i < 0x100; ++i)
    classes[i] = 'x';
  classes['\b'] = 'b';
  classes['\f'] = 'f';
  classes['\n'] = 'n';
  classes['\r'] = 'r';
  classes['\t'] = 't';
  classes['"'] = '"';
  classes['\\'] = '\\';
  return classes;
}

constexpr auto string_classes = make_string_classes();
constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD

// Bytes [from, to) that need nothing, at most.
const char* plain_run(const char* from, const char* to) {
  while (from != to && string_classes[static_cast<uint8_t>(*from)] == 0)
    ++from;
  return from;
}

// Writes what stands at `at` in its escaped form, room for 6 bytes is there. Returns what follows.
const char* escape(const char* at, const char* end, byte_buffer& out) {
  const auto byte = static_cast<uint8_t>(*at);
  const char kind = string_classes[byte];
  if (kind == 'x') {
    const size_t length = utf8_sequence(at, end);
    if (length == 0) {
      out.put(replacement);
      return at + 1;
    }
    out.put({at, length});
    return at + length;
  }
  out.put('\\');
  if (kind == 'u') {
    constexpr char digits[] = "0123456789abcdef";
    out.put("u00");
    out.put(digits[byte >> 4]);
    out.put(digits[byte & 15]);
  } else {
    out.put(kind);
  }
  return at + 1;
}

} // namespace

bool encode_text(std::string_view text, byte_buffer& out) noexcept {
  const size_t start = out.size();
  const char* at = text.data();
  const char* const end = at + text.size();
  if (!out.ensure(text.size() + 2)) // right for most texts; escapes ask for more below
    return false;
  out.put('"');
  for (;;) {
    const char* const run = plain_run(at, end);
    out.put({at, static_cast<size_t>(run - at)});
    at = run;
    if (at == end)
      break;
    // 6 for this byte, then the rest as it is, and the quote.
    if (!out.ensure(static_cast<size_t>(end - at) + 7)) {
      out.truncate(start);
      return false;
    }
    at = escape(at, end, out);
  }
  out.put('"');
  return true;
}

bool encode_base64(std::string_view bytes, byte_buffer& out) noexcept {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (!out.ensure((bytes.size() + 2) / 3 * 4 + 2))
    return false;
  out.put('"');
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < count ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k)
      out.put(k <= count ? digits[bits >> (18 - 6 * k) & 63] : '=');
  }
  out.put('"');
  return true;
}

} // namespace natterjack::runtime::lua
