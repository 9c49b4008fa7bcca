// The words of JSON (RFC 8259): a cursor over one document that reads numbers, strings, literals.
//
//   call               result                          false, and the error says which byte, for
//   word, text         cursor is behind that literal   other letters
//   number, out        integer or float                no number; larger than a double
//   string, out        its characters, unescaped       no string; not UTF-8; control bytes
//   unexpected, what   false                           always
//
// Knows nothing of Lua and of containers. Trivially destructible, so a Lua error may jump over it.
#pragma once

#include "runtime/lua/byte_buffer.hpp"
#include "runtime/lua/json/json_codec.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace natterjack::runtime::lua {

struct json_number {
  bool is_integer = false;
  int64_t integer = 0;
  double real = 0;
};

class json_scanner {
 public:
  /// @param scratch  for strings with escapes
  json_scanner(std::string_view document, byte_buffer& scratch, decode_error& error) noexcept
      : begin_(document.data()), at_(begin_), end_(begin_ + document.size()), scratch_(scratch),
        error_(error) {}

  bool at_end() const noexcept { return at_ == end_; }
  /// The byte at the cursor; a zero byte at the end.
  char peek() const noexcept { return at_ == end_ ? '\0' : *at_; }
  void skip() noexcept { ++at_; }
  bool starts_with(std::string_view text) const noexcept {
    return std::string_view(at_, static_cast<size_t>(end_ - at_)).starts_with(text);
  }
  void skip_space() noexcept {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t'))
      ++at_;
  }
  /// Steps over `c`, if that is the next byte.
  bool take(char c) noexcept {
    const bool is_next = at_ != end_ && *at_ == c;
    at_ += is_next;
    return is_next;
  }

  bool word(std::string_view expected);
  bool number(json_number& out);
  /// @param out  part of the document, or of `scratch` until the next call
  bool string(std::string_view& out);

  /// Says "unexpected 'x' at byte 5, expected <what>". @returns false
  bool unexpected(const char* what);
  /// Says "<what> at byte 5". @returns false
  bool refuse(const char* what) { return fail(at_, "%s at byte %zu", what, offset(at_)); }

 private:
  bool digits();
  bool sequence();
  bool escaped_string(const char* start, std::string_view& out);
  bool escape();
  bool unicode_escape();
  bool hex4(uint32_t& code);
  size_t offset(const char* at) const { return static_cast<size_t>(at - begin_) + 1; }
  [[gnu::format(printf, 3, 4)]] bool fail(const char* where, const char* format, ...);

  const char* begin_;
  const char* at_;
  const char* end_;
  byte_buffer& scratch_;
  decode_error& error_;
};

} // namespace natterjack::runtime::lua
