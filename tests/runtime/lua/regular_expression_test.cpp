#include "runtime/lua/regex/regular_expression.hpp"

#include "tests/catch.hpp"
#include "tests/seed.hpp"

#include <array>
#include <random>
#include <regex>
#include <string>

using namespace natterjack::runtime::lua;

namespace {

bool finds(std::string_view pattern, std::string_view text) {
  std::string why;
  const auto found = search_bounded(pattern, text, why);
  INFO(pattern << " in " << text << ": " << why);
  REQUIRE(found.has_value());
  return *found;
}

std::string refusal(std::string_view pattern, std::string_view text = {}) {
  std::string why;
  return search_bounded(pattern, text, why) ? "" : why;
}

} // namespace

SCENARIO("a regular expression is found anywhere in a text", "[lua][expression]") {
  CHECK(finds("n(igh|oo)t", "at night"));
  CHECK_FALSE(finds("^night", "at night"));
  CHECK(finds("^at.*t$", "at night"));
  CHECK(finds("a{2,3}b", "xaab"));
  CHECK_FALSE(finds("^a{2,3}b", "aaaab"));
  CHECK(finds("(?i)NIGHT[^A-Z]", "night!"));
  CHECK_FALSE(finds("(?i:N)IGHT", "night"));
  CHECK(finds("(?m)^b$", "a\nb\nc"));
  CHECK(finds("(?s)a.b", "a\nb"));
  CHECK_FALSE(finds("a.b", "a\nb"));
  CHECK(finds("\\bcat\\b", "a cat!"));
  CHECK_FALSE(finds("\\Bcat", "a cat"));
  CHECK(finds("[[:digit:]]+\\s\\W[^\\d]", "12 !x"));
  CHECK(finds("^[ä-ü]\\u00fc\\x{1F438}$", "öü🐸"));
  CHECK(finds("^.$", "\xff"));
  CHECK(finds("a{,2}", "a{,2}"));
  CHECK(finds("[]a]", "]"));
  CHECK(finds("", ""));
}

SCENARIO("what is no regular expression, or one of another kind, is explained", "[lua][expression]") {
  CHECK(refusal("(a") == "there is a ( without its )");
  CHECK(refusal("a)") == "there is a ) without its (");
  CHECK(refusal("[a") == "there is a [ without its ]");
  CHECK(refusal("*") == "there is nothing to repeat before *");
  CHECK(refusal("a**") == "there is nothing to repeat before *");
  CHECK(refusal("^+") == "there is nothing to repeat before +");
  CHECK(refusal("a{3,2}") == "it repeats something at least more often than at most");
  CHECK(refusal("[z-a]") == "it has a range that ends before it begins");
  CHECK(refusal("a\\") == "it ends in a backslash");
  CHECK(refusal("\\y") == "it has the unknown escape \\y");
  CHECK(refusal("\\xg") == "an escape lacks hexadecimal digits");
  CHECK(refusal("[[:nothing:]]") == "it has an unknown class in [: :]");
  CHECK(refusal("(a)\\1") == "it refers back to a group, which is not supported");
  for (const char* looks : {"(?=a)", "(?!a)", "(?<=a)", "(?<!a)"})
    CHECK(refusal(looks) == "it looks ahead or behind, which is not supported");
}

SCENARIO("an expression and its search are bounded", "[lua][expression]") {
  const std::string many(100'000, 'a');
  CHECK(finds("^(a+)+$", many));
  CHECK_FALSE(finds("^((((((((a))))))))*b", many));
  CHECK(refusal(std::string(regex_bytes_max + 1, 'a')) == "it has more than 1024 bytes");
  CHECK(refusal(std::string(regex_bytes_max, 'a')).empty());
  CHECK(refusal("a{1001}") == "it repeats something more than 1000 times");
  CHECK(refusal("((a{100}){100}){100}") == "it takes more than 2000 steps");
  CHECK(refusal("((((){1000}){1000}){1000}){1000}") == "it takes more than 2000 steps");
  CHECK(refusal(std::string(200, '(') + std::string(200, ')')) == "its groups are more than 100 levels deep");
  CHECK(refusal("a{1000}", many) == "it takes too long in a text of 100000 bytes");
}

SCENARIO("random expressions find what the standard library finds", "[lua][expression]") {
  constexpr std::array parts{"a",  "b", "c", ".",   "[ab]",  "[^a]",  "(a|b)", "(",   ")",    "*",
                             "+",  "?", "|", "{2}", "{1,2}", "{0,3}", "{2,}",  "^",   "$",    "\\b",
                             "\\B", "1", "*?", "(?:", "\\d",  "\\w",   "[a-c]", "{0}", "(b|)"};
  constexpr std::string_view letters = "abc1 ";
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  auto up_to = [&random](size_t most) { return static_cast<size_t>(random() % most); };
  size_t compared = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string pattern;
    for (auto n = up_to(7) + 1; n > 0; --n)
      pattern += parts[up_to(parts.size())];
    std::regex standard;
    try {
      standard = std::regex(pattern, std::regex::ECMAScript);
    } catch (const std::regex_error&) {
      continue;
    }
    if (!refusal(pattern).empty())
      continue; // it lets a repetition be repeated
    for (int t = 0; t < 3; ++t) {
      std::string text;
      for (auto n = up_to(7); n > 0; --n)
        text += letters[up_to(letters.size())];
      if (finds(pattern, text) != std::regex_search(text, standard))
        FAIL(pattern << " in '" << text << "'");
      ++compared;
    }
  }
  CHECK(compared > 10'000);
}
