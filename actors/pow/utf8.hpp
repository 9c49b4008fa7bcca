// Pieces of UTF-8: single characters, and text that was cut anywhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace natterjack::pow {

inline constexpr std::string_view replacement_character = "\xef\xbf\xbd"; // U+FFFD

/// Length of the well-formed character at `at`, or 0.
size_t character_at(std::string_view text, size_t at) noexcept;

void append_code_point(std::string& out, uint32_t code);

/// Length of the tail of `text` that could be the beginning of a character, 0 to 3.
size_t unfinished_tail(std::string_view text) noexcept;

/// Makes valid text of a byte stream that arrives in pieces: a character cut in two is joined, what is no
/// character becomes U+FFFD a byte.
class utf8_joiner {
 public:
  /// @returns valid UTF-8, valid until the next call; empty if all of it waits for more
  std::string_view take(std::string_view piece);
  /// What is left at the end of the stream.
  std::string_view finish();

 private:
  std::string held_; // beginning of a character
  std::string made_;
};

} // namespace natterjack::pow
