#include "runtime/lua/regex/regex_characters.hpp"

#include "runtime/lua/json/utf8_sequence.hpp"

#include <algorithm>
#include <array>

namespace natterjack::runtime::lua {

namespace {

constexpr char32_t last_character = 0x10FFFF;

struct named_class {
  std::string_view name;
  std::vector<std::pair<char32_t, char32_t>> ranges;
};

const std::vector<named_class>& named_classes() {
  static const std::vector<named_class> all{
      {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
      {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
      {"ascii", {{0, 127}}},
      {"blank", {{'\t', '\t'}, {' ', ' '}}},
      {"cntrl", {{0, 31}, {127, 127}}},
      {"digit", {{'0', '9'}}},
      {"graph", {{'!', '~'}}},
      {"lower", {{'a', 'z'}}},
      {"print", {{' ', '~'}}},
      {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
      {"space", {{'\t', '\r'}, {' ', ' '}}},
      {"upper", {{'A', 'Z'}}},
      {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
      {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}}};
  return all;
}

const named_class* find_class(std::string_view name) {
  const auto& all = named_classes();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [name](const named_class& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

// What is in a class that is not negated.
void add_all(const character_class& from, character_class& to) {
  if (!from.negated) {
    to.ranges.insert(to.ranges.end(), from.ranges.begin(), from.ranges.end());
    return;
  }
  char32_t next = 0; // the ranges of names are in order
  for (const auto& [first, last] : from.ranges) {
    if (first > next)
      to.ranges.emplace_back(next, first - 1);
    next = last + 1;
  }
  to.ranges.emplace_back(next, last_character);
}

} // namespace

char32_t next_character(std::string_view text, size_t& at) noexcept {
  const char* here = text.data() + at;
  const size_t size = utf8_sequence(here, text.data() + text.size());
  if (size <= 1) {
    ++at;
    return size == 0 ? 0xFFFD : static_cast<unsigned char>(*here);
  }
  char32_t code = static_cast<unsigned char>(*here) & (0x7FU >> size);
  for (size_t i = 1; i < size; ++i)
    code = (code << 6) | (static_cast<unsigned char>(here[i]) & 0x3FU);
  at += size;
  return code;
}

bool character_reader::fail(std::string text) {
  if (why_.empty())
    why_ = std::move(text);
  return false;
}

bool character_reader::take(std::string_view text) {
  if (!sees(text))
    return false;
  at_ += text.size();
  return true;
}

bool character_reader::class_of_letter(character_class& out) {
  const char letter = pattern_[at_];
  const char lower = static_cast<char>(letter | 0x20);
  const auto* named = lower == 'd'   ? find_class("digit")
                      : lower == 'w' ? find_class("word")
                      : lower == 's' ? find_class("space")
                                     : nullptr;
  if (named == nullptr)
    return false;
  ++at_;
  out.ranges = named->ranges;
  out.negated = lower != letter;
  return true;
}

bool character_reader::hex(size_t digits, char32_t& out) {
  out = 0;
  for (size_t i = 0; i < digits; ++i, ++at_) {
    const char c = at_end() ? ' ' : pattern_[at_];
    const int value = c >= '0' && c <= '9'                    ? c - '0'
                      : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                               : -1;
    if (value < 0)
      return fail("an escape lacks hexadecimal digits");
    out = out * 16 + static_cast<char32_t>(value);
  }
  return true;
}

// An escape that stands for one character, behind its backslash.
bool character_reader::escaped_character(char32_t& out) {
  const char c = pattern_[at_];
  constexpr std::array<std::pair<char, char>, 6> known{
      {{'t', '\t'}, {'n', '\n'}, {'r', '\r'}, {'f', '\f'}, {'v', '\v'}, {'a', '\a'}}};
  for (const auto& [name, value] : known)
    if (c == name) {
      ++at_;
      out = static_cast<unsigned char>(value);
      return true;
    }
  if (c == 'x' || c == 'u') {
    ++at_;
    if (!take("{"))
      return hex(c == 'x' ? 2 : 4, out);
    const auto end = pattern_.find('}', at_);
    if (end == std::string_view::npos || end == at_ || end - at_ > 6)
      return fail("an escape lacks hexadecimal digits");
    return hex(end - at_, out) && take("}");
  }
  if (c == '0') {
    ++at_;
    out = 0;
    return true;
  }
  if (c >= '1' && c <= '9')
    return fail("it refers back to a group, which is not supported");
  if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
    return fail(std::string("it has the unknown escape \\") + c);
  out = read_character();
  return true;
}

// One item of a bracket. @param is_character  false: it was a class, and is in `to` already
bool character_reader::bracket_item(character_class& to, char32_t& out, bool& is_character) {
  is_character = false;
  if (take("[:")) {
    const bool negated = take("^");
    const auto end = pattern_.find(":]", at_);
    const auto* named =
        end == std::string_view::npos ? nullptr : find_class(pattern_.substr(at_, end - at_));
    if (named == nullptr)
      return fail("it has an unknown class in [: :]");
    at_ = end + 2;
    add_all({negated, named->ranges}, to);
    return true;
  }
  if (!take("\\")) {
    is_character = true;
    out = read_character();
    return true;
  }
  if (at_end())
    return fail("there is a [ without its ]");
  character_class named;
  if (class_of_letter(named)) {
    add_all(named, to);
    return true;
  }
  is_character = true;
  if (take("b")) {
    out = '\b';
    return true;
  }
  return escaped_character(out);
}

bool character_reader::bracket(character_class& out) {
  ++at_;
  out.negated = take("^");
  for (bool is_first = true; is_first || !sees("]"); is_first = false) {
    if (at_end())
      return fail("there is a [ without its ]");
    char32_t first = 0;
    bool is_character = false;
    if (!bracket_item(out, first, is_character))
      return false;
    if (!is_character)
      continue;
    char32_t last = first;
    if (sees("-") && !pattern_.substr(at_).starts_with("-]")) {
      ++at_;
      bool ends_in_character = false;
      if (at_end())
        return fail("there is a [ without its ]");
      if (!bracket_item(out, last, ends_in_character))
        return false;
      if (!ends_in_character || last < first)
        return fail("it has a range that ends before it begins");
    }
    out.ranges.emplace_back(first, last);
  }
  return take("]");
}

} // namespace natterjack::runtime::lua
