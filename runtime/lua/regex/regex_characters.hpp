// Characters and classes of characters as a regular expression writes them: escapes, names, brackets.
//
//   call                    reads                                       false
//   read_character          one as it stands                            -
//   escaped_character       behind a backslash: \n, \x41, \u{1F600}     `why` says what it lacks
//   class_of_letter         \d \w \s and their opposites               it is none of them
//   bracket                 [a-z], [^\d[:punct:]]                       `why` says what is wrong with it
#pragma once

#include "runtime/lua/regex/regex_parser.hpp"

#include <string>
#include <string_view>

namespace natterjack::runtime::lua {

class character_reader {
 public:
  /// @param why  gets a sentence with the first mistake
  character_reader(std::string_view pattern, std::string& why) : pattern_(pattern), why_(why) {}

 protected:
  bool at_end() const { return at_ >= pattern_.size(); }
  bool sees(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text);
  bool fail(std::string text);

  char32_t read_character() { return next_character(pattern_, at_); }
  /// @pre not at the end
  bool escaped_character(char32_t& out);
  bool class_of_letter(character_class& out);
  bool bracket(character_class& out);

  std::string_view pattern_;
  size_t at_ = 0;

 private:
  bool hex(size_t digits, char32_t& out);
  bool bracket_item(character_class& to, char32_t& out, bool& is_character);

  std::string& why_;
};

} // namespace natterjack::runtime::lua
