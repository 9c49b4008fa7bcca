#include "runtime/lua/json/json_scanner.hpp"

#include "runtime/lua/json/utf8_sequence.hpp"

#include <array>
#include <charconv>
#include <cstdarg>
#include <cstdio>

namespace natterjack::runtime::lua {

namespace {

constexpr std::array<bool, 256> make_plain_bytes() {
  std::array<bool, 256> plain{};
  for (size_t i = 0x20; i < 0x80; ++i)
    plain[i] = i != '"' && i != '\\';
  return plain;
}

// Bytes that stand for themselves in a string, without a further look.
constexpr auto plain_bytes = make_plain_bytes();

bool is_plain(char c) {
  return plain_bytes[static_cast<uint8_t>(c)];
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

int hex_digit(char c) {
  if (is_digit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Of a number too large or too small for a double: which of the two?
bool is_huge(const char* at, const char* end) {
  long long magnitude = 0; // digits in front of the point; negative: zeros behind it
  bool seen = false;
  bool fraction = false;
  for (; at != end && (is_digit(*at) || *at == '.' || *at == '-'); ++at) {
    if (*at == '.')
      fraction = true;
    else if (*at == '-')
      continue;
    else if (seen || *at != '0')
      magnitude += !fraction, seen = true;
    else if (fraction)
      --magnitude;
  }
  long long exponent = 0;
  if (at != end) { // at the e
    ++at;
    const bool negative = *at == '-';
    for (at += *at == '-' || *at == '+'; at != end; ++at)
      if (exponent < 1'000'000'000'000)
        exponent = exponent * 10 + (*at - '0');
    exponent = negative ? -exponent : exponent;
  }
  return magnitude + exponent > 0;
}

} // namespace

bool json_scanner::word(std::string_view expected) {
  const auto left = std::string_view(at_, static_cast<size_t>(end_ - at_));
  if (!left.starts_with(expected))
    return unexpected("a value");
  at_ += expected.size();
  return true;
}

bool json_scanner::number(json_number& out) {
  const char* const start = at_;
  const bool negative = take('-');
  uint64_t whole = 0;
  bool fits = true;
  if (take('0')) {
    if (is_digit(peek()))
      return unexpected("no digit behind a leading zero");
  } else {
    constexpr uint64_t last_safe = (UINT64_MAX - 9) / 10;
    const char* const first = at_;
    for (; at_ != end_ && is_digit(*at_); ++at_) {
      fits = fits && whole <= last_safe;
      whole = whole * 10 + static_cast<uint64_t>(*at_ - '0');
    }
    if (at_ == first)
      return unexpected("a digit");
  }
  bool is_float = false;
  if (take('.')) {
    is_float = true;
    if (!digits())
      return false;
  }
  if (take('e') || take('E')) {
    is_float = true;
    if (!take('+'))
      take('-');
    if (!digits())
      return false;
  }
  constexpr uint64_t positive_max = INT64_MAX;
  out.is_integer = !is_float && fits && whole <= positive_max + (negative ? 1 : 0);
  if (out.is_integer) {
    out.integer = static_cast<int64_t>(negative ? ~whole + 1 : whole);
    return true;
  }
  out.real = 0;
  if (std::from_chars(start, at_, out.real).ec == std::errc::result_out_of_range) {
    if (is_huge(start, at_))
      return fail(start, "number too large at byte %zu", offset(start));
    out.real = 0;
  }
  return true;
}

bool json_scanner::digits() {
  if (at_ == end_ || !is_digit(*at_))
    return unexpected("a digit");
  while (at_ != end_ && is_digit(*at_))
    ++at_;
  return true;
}

bool json_scanner::string(std::string_view& out) {
  const char* const start = ++at_;
  for (;;) {
    while (at_ != end_ && is_plain(*at_))
      ++at_;
    if (at_ == end_)
      return unexpected("'\"'");
    if (*at_ == '"') {
      out = {start, static_cast<size_t>(at_ - start)};
      ++at_;
      return true;
    }
    if (*at_ == '\\')
      return escaped_string(start, out);
    if (!sequence())
      return false;
  }
}

// Steps over one UTF-8 sequence that is not plain.
bool json_scanner::sequence() {
  const auto byte = static_cast<uint8_t>(*at_);
  if (byte < 0x20)
    return fail(at_, "unescaped control byte 0x%02x in a string at byte %zu", byte, offset(at_));
  const size_t length = utf8_sequence(at_, end_);
  if (length == 0)
    return fail(at_, "byte 0x%02x is not UTF-8 at byte %zu", byte, offset(at_));
  at_ += length;
  return true;
}

// The cursor is at the first backslash; what stands between `start` and it is taken as it is.
bool json_scanner::escaped_string(const char* start, std::string_view& out) {
  scratch_.clear();
  for (;;) {
    if (!scratch_.append({start, static_cast<size_t>(at_ - start)}) || !scratch_.ensure(4))
      return refuse("string too long");
    if (at_ == end_)
      return unexpected("'\"'");
    if (take('"')) {
      out = scratch_.view();
      return true;
    }
    if (*at_ == '\\') {
      if (!escape())
        return false;
      start = at_;
      continue;
    }
    start = at_;
    while (at_ != end_ && *at_ != '"' && *at_ != '\\') {
      if (is_plain(*at_))
        ++at_;
      else if (!sequence())
        return false;
    }
  }
}

bool json_scanner::escape() {
  const char* const backslash = at_++;
  if (at_ == end_)
    return unexpected("an escape");
  constexpr std::string_view letters = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  const char letter = *at_++;
  if (letter == 'u')
    return unicode_escape();
  const size_t index = letters.find(letter);
  if (index == std::string_view::npos)
    return fail(backslash, "unknown escape at byte %zu", offset(backslash));
  scratch_.put(meanings[index]);
  return true;
}

bool json_scanner::unicode_escape() {
  uint32_t code = 0;
  if (!hex4(code))
    return false;
  if (code >= 0xD800 && code < 0xDC00 && end_ - at_ >= 2 && at_[0] == '\\' && at_[1] == 'u') {
    const char* const second = at_;
    at_ += 2;
    uint32_t low = 0;
    if (!hex4(low))
      return false;
    if (low >= 0xDC00 && low < 0xE000)
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    else
      at_ = second; // a character of its own, read again
  }
  if (code >= 0xD800 && code < 0xE000)
    code = 0xFFFD;
  scratch_.wrote(utf8_write(code, scratch_.tail()));
  return true;
}

bool json_scanner::hex4(uint32_t& code) {
  code = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const int digit = hex_digit(peek());
    if (digit < 0)
      return unexpected("four hexadecimal digits");
    code = code << 4 | static_cast<uint32_t>(digit);
  }
  return true;
}

bool json_scanner::unexpected(const char* what) {
  if (at_ == end_)
    return fail(at_, "unexpected end of text at byte %zu, expected %s", offset(at_), what);
  const auto byte = static_cast<uint8_t>(*at_);
  if (byte > 0x20 && byte < 0x7F)
    return fail(at_, "unexpected '%c' at byte %zu, expected %s", byte, offset(at_), what);
  return fail(at_, "unexpected byte 0x%02x at byte %zu, expected %s", byte, offset(at_), what);
}

bool json_scanner::fail(const char* where, const char* format, ...) {
  error_.offset = offset(where);
  va_list args;
  va_start(args, format);
  std::vsnprintf(error_.text, sizeof(error_.text), format, args);
  va_end(args);
  return false;
}

} // namespace natterjack::runtime::lua
