// Reads one JSON document from left to right, by the rules clients of POW were written against.
//
//   strings   bytes that are not UTF-8 become U+FFFD each, so does a surrogate without its partner;
//             raw control characters are an error
//   depth     10,000 levels, then an error; skipping needs no stack
//
// Every function returns false at the first mistake; the reader is of no use afterwards.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace natterjack::pow {

class json_reader {
 public:
  explicit json_reader(std::string_view text) noexcept : text_(text) {}

  void skip_space() noexcept;
  /// The next character, not taken; '\0' at the end.
  char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool at_end() const noexcept { return at_ == text_.size(); }

  /// Takes `c` if it is next. @returns whether it was
  bool take(char c) noexcept;
  bool take_word(std::string_view word) noexcept;
  /// Reads a string with its quotes. @param out  replaced by the decoded text
  bool read_string(std::string& out);
  /// Passes over one value of any kind.
  bool skip_value();

 private:
  bool read_escape(std::string& out);
  bool read_hex(unsigned& out) noexcept;
  bool skip_number() noexcept;
  bool skip_scalar();

  std::string_view text_;
  size_t at_ = 0;
  std::string scratch_;
};

} // namespace natterjack::pow
