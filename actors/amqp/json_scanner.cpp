#include "actors/amqp/json_scanner.hpp"

#include <array>

namespace natterjack::amqp {

namespace {

// Bytes of a string that need no second look.
constexpr auto plain_byte = [] {
  std::array<bool, 256> table{};
  for (size_t c = 0x20; c < 0x7f; ++c)
    table[c] = c != '"' && c != '\\';
  return table;
}();

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Length of the UTF-8 sequence at `at`, surrogates allowed, or 0 (RFC 3629 4, but for surrogates).
size_t sequence_length(std::string_view text, size_t at) noexcept {
  auto byte = [&text, at](size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  auto follows = [&byte](size_t i) {
    return (byte(i) & 0xc0) == 0x80;
  };
  const auto lead = byte(0);
  if (lead < 0x80)
    return 1;
  if (lead >= 0xc2 && lead < 0xe0)
    return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead < 0xf0)
    return follows(1) && follows(2) && (lead != 0xe0 || byte(1) >= 0xa0) ? 3 : 0;
  if (lead >= 0xf0 && lead < 0xf5)
    return follows(1) && follows(2) && follows(3) && (lead != 0xf0 || byte(1) >= 0x90) &&
                   (lead != 0xf4 || byte(1) < 0x90)
               ? 4
               : 0;
  return 0;
}

} // namespace

std::string to_string(const json_error& error) {
  if (!error)
    return "no error";
  std::string result = error.what == json_error::cause::syntax     ? "not JSON: "
                       : error.what == json_error::cause::not_utf8 ? "not UTF-8: "
                                                                   : "";
  return result + error.why + " at byte " + std::to_string(error.at);
}

namespace detail {

size_t scan_string(std::string_view text, size_t at, bool& plain, json_error& error) noexcept {
  auto fail = [&error](size_t where, const char* why, json_error::cause what) {
    error = {what, where, why};
    return std::string_view::npos;
  };
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (plain_byte[c]) {
      ++at;
      continue;
    }
    if (c == '"')
      return at;
    plain = false;
    if (c == '\\') {
      const char what = at + 1 < text.size() ? text[at + 1] : '\0';
      if (what == 'u') {
        for (size_t i = 2; i < 6; ++i)
          if (at + i >= text.size() || !is_hex(text[at + i]))
            return fail(at, "expected four hexadecimal digits", json_error::cause::syntax);
        at += 6;
      } else if (what != '\0' &&
                 std::string_view("\"\\/bfnrt").find(what) != std::string_view::npos) {
        at += 2;
      } else {
        return fail(at, "expected an escape", json_error::cause::syntax);
      }
    } else if (c < 0x20) {
      return fail(at, "a control character in a string", json_error::cause::syntax);
    } else if (const auto length = sequence_length(text, at)) {
      at += length;
    } else {
      return fail(at, "a broken character", json_error::cause::not_utf8);
    }
  }
  return fail(at, "a string without end", json_error::cause::syntax);
}

size_t scan_number(std::string_view text, size_t at, bool& integer) noexcept {
  const auto start = at;
  auto digits = [&text](size_t i) {
    while (i < text.size() && is_digit(text[i]))
      ++i;
    return i;
  };
  auto peek = [&text](size_t i) {
    return i < text.size() ? text[i] : '\0';
  };
  integer = true;
  if (peek(at) == '-')
    ++at;
  if (!is_digit(peek(at)))
    return start;
  at = peek(at) == '0' ? at + 1 : digits(at);
  if (peek(at) == '.' && is_digit(peek(at + 1))) {
    integer = false;
    at = digits(at + 1);
  }
  if (peek(at) == 'e' || peek(at) == 'E') {
    const auto sign = peek(at + 1) == '+' || peek(at + 1) == '-' ? size_t{1} : size_t{0};
    if (is_digit(peek(at + 1 + sign))) {
      integer = false;
      at = digits(at + 1 + sign);
    }
  }
  return at;
}

} // namespace detail

} // namespace natterjack::amqp
