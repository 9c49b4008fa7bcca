// A regular expression as a program of steps; what it understands stands in regular_expression.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace natterjack::runtime::lua {

struct character_class {
  bool negated = false;
  std::vector<std::pair<char32_t, char32_t>> ranges; ///< first and last

  bool holds(char32_t c) const noexcept {
    for (const auto& [first, last] : ranges)
      if (c >= first && c <= last)
        return !negated;
    return negated;
  }
};

struct regex_step {
  enum class kind : uint8_t {
    one,        ///< a character of class `first`
    split,      ///< goes on at `first` and at `second`
    jump,       ///< goes on at `first`
    text_begin,
    text_end,
    line_begin,
    line_end,
    word_edge,
    no_word_edge,
    found,
  };
  kind what;
  uint32_t first = 0;
  uint32_t second = 0;
};

struct regex_program {
  std::vector<regex_step> steps; ///< begins with the first
  std::vector<character_class> classes;
};

/// The next character, behind which `at` stands then; bytes that are no UTF-8 are U+FFFD.
/// @pre at < text.size()
char32_t next_character(std::string_view text, size_t& at) noexcept;

/// @param why  a sentence if there is no program
std::optional<regex_program> parse_regex(std::string_view pattern, std::string& why);

} // namespace natterjack::runtime::lua
