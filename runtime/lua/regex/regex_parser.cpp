#include "runtime/lua/regex/regex_parser.hpp"

#include "runtime/lua/regex/regex_characters.hpp"
#include "runtime/lua/regex/regular_expression.hpp"

#include <algorithm>

namespace natterjack::runtime::lua {

namespace {

constexpr int groups_deep_max = 100;
constexpr uint32_t times_max = 1000;
constexpr uint32_t no_end = UINT32_MAX;

using step = regex_step;

// Each method reads a piece of the pattern and puts its steps at the end of the program. What is
// repeated is read again for each time: it is short, and bounded.
class parser : character_reader {
 public:
  using character_reader::character_reader;

  std::optional<regex_program> parse() {
    if (!alternatives())
      return std::nullopt;
    if (at_ < pattern_.size())
      return fail("there is a ) without its ("), std::nullopt;
    if (!add({step::kind::found}))
      return std::nullopt;
    return std::move(program_);
  }

 private:
  struct flags {
    bool any_case = false;
    bool dot_takes_all = false;
    bool many_lines = false;
  };

  bool add(step one) {
    if (program_.steps.size() >= regex_steps_max)
      return fail("it takes more than " + std::to_string(regex_steps_max) + " steps");
    program_.steps.push_back(one);
    return true;
  }

  uint32_t here() const { return static_cast<uint32_t>(program_.steps.size()); }

  // Room for a split in front of what stands from `from` on.
  bool put_in_front(uint32_t from) {
    if (!add({step::kind::jump}))
      return false;
    for (auto i = from; i + 1 < here(); ++i)
      move(program_.steps[i], from);
    std::rotate(program_.steps.begin() + from, program_.steps.end() - 1, program_.steps.end());
    return true;
  }

  static void move(step& one, uint32_t from) {
    if (one.what == step::kind::split || one.what == step::kind::jump) {
      one.first += one.first >= from;
      one.second += one.second >= from;
    }
  }

  bool alternatives() {
    const uint32_t begin = here();
    if (!sequence())
      return false;
    if (!take("|"))
      return true;
    if (!put_in_front(begin) || !add({step::kind::jump}))
      return false;
    const uint32_t end_of_first = here() - 1;
    program_.steps[begin] = {step::kind::split, begin + 1, here()};
    if (!alternatives())
      return false;
    program_.steps[end_of_first].first = here();
    return true;
  }

  bool sequence() {
    while (!at_end() && !sees("|") && !sees(")")) {
      const auto before = flags_;
      const size_t piece = at_;
      const uint32_t begin = here();
      bool can_repeat = true;
      if (!atom(can_repeat) || !repeated(piece, begin, before, can_repeat))
        return false;
    }
    return true;
  }

  // {n}, {n,}, {n,m}; anything else that begins with a brace is a character.
  bool braces(uint32_t& least, uint32_t& most) {
    const size_t start = at_;
    auto number = [this](uint32_t& out) {
      const size_t first = at_;
      for (out = 0; !at_end() && pattern_[at_] >= '0' && pattern_[at_] <= '9'; ++at_)
        out = std::min(out * 10 + static_cast<uint32_t>(pattern_[at_] - '0'), times_max + 1);
      return at_ > first;
    };
    if (!take("{") || !number(least)) {
      at_ = start;
      return false;
    }
    most = least;
    if (take(",") && !number(most))
      most = no_end;
    if (!take("}")) {
      at_ = start;
      return false;
    }
    return true;
  }

  bool repeated(size_t piece, uint32_t begin, const flags& before, bool can_repeat) {
    const size_t behind = at_;
    uint32_t least = 0;
    uint32_t most = 0;
    if (take("*"))
      most = no_end;
    else if (take("+"))
      least = 1, most = no_end;
    else if (take("?"))
      most = 1;
    else if (!braces(least, most))
      return true;
    if (!can_repeat)
      return fail("there is nothing to repeat before " + std::string(pattern_.substr(behind, 1)));
    if (least > times_max || (most != no_end && most > times_max))
      return fail("it repeats something more than " + std::to_string(times_max) + " times");
    if (most < least)
      return fail("it repeats something at least more often than at most");
    take("?"); // as few as possible: the same for who only asks whether
    const size_t after = at_;
    if (uint32_t ignored = 0; sees("*") || sees("+") || sees("?") || braces(ignored, ignored))
      return fail("there is nothing to repeat before " + std::string(pattern_.substr(after, 1)));
    const auto flags_after = flags_;
    if (most == 0) {
      program_.steps.erase(program_.steps.begin() + begin, program_.steps.end());
      return true;
    }
    // The first one stands there already.
    auto again = [&, this] { // one more of the same
      at_ = piece;
      flags_ = before;
      bool ignored = true;
      return atom(ignored);
    };
    uint32_t last = begin;
    for (uint32_t i = 1; i < least; ++i) {
      last = here();
      if (!again())
        return false;
    }
    if (most == no_end && least > 0) { // back to the last one
      if (!add({step::kind::split, last, here() + 1}))
        return false;
    } else if (most == no_end) {
      if (!put_in_front(begin) || !add({step::kind::jump, begin}))
        return false;
      program_.steps[begin] = {step::kind::split, begin + 1, here()};
    } else if (!optionals(begin, least, most, again)) {
      return false;
    }
    at_ = after;
    flags_ = flags_after;
    return true;
  }

  // (x(x(x)?)?)? behind the least ones.
  template <class Again>
  bool optionals(uint32_t begin, uint32_t least, uint32_t most, Again&& again) {
    std::vector<uint32_t> ways_out;
    if (least == 0) {
      if (!put_in_front(begin))
        return false;
      ways_out.push_back(begin);
    }
    for (uint32_t i = std::max<uint32_t>(least, 1); i < most; ++i) {
      ways_out.push_back(here());
      if (!add({step::kind::jump}) || !again())
        return false;
    }
    for (const auto one : ways_out)
      program_.steps[one] = {step::kind::split, one + 1, here()};
    return true;
  }

  bool add_one(character_class taken) {
    if (flags_.any_case) {
      const auto said = taken.ranges;
      for (const auto& [first, last] : said)
        for (char32_t c = std::max<char32_t>(first, 'A'); c <= std::min<char32_t>(last, 'z'); ++c)
          if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
            taken.ranges.emplace_back(c ^ 0x20, c ^ 0x20);
    }
    program_.classes.push_back(std::move(taken));
    return add({step::kind::one, static_cast<uint32_t>(program_.classes.size() - 1)});
  }

  bool edge(step::kind what, bool& can_repeat) {
    can_repeat = false;
    return add({what});
  }

  bool atom(bool& can_repeat) {
    using enum step::kind;
    if (++atoms_ > 10 * regex_steps_max) // nothing, repeated, makes no step
      return fail("it takes more than " + std::to_string(regex_steps_max) + " steps");
    const char c = pattern_[at_];
    switch (c) {
    case '(':
      return group(can_repeat);
    case '[':
      return character_set();
    case '\\':
      return escape(can_repeat);
    case '.':
      ++at_;
      return add_one(flags_.dot_takes_all ? character_class{true, {}}
                                          : character_class{true, {{'\n', '\n'}}});
    case '^':
      ++at_;
      return edge(flags_.many_lines ? line_begin : text_begin, can_repeat);
    case '$':
      ++at_;
      return edge(flags_.many_lines ? line_end : text_end, can_repeat);
    case '*':
    case '+':
    case '?':
      return fail(std::string("there is nothing to repeat before ") + c);
    default: {
      const char32_t taken = read_character();
      return add_one({false, {{taken, taken}}});
    }
    }
  }

  bool character_set() {
    character_class made;
    return bracket(made) && add_one(std::move(made));
  }

  bool group(bool& can_repeat) {
    ++at_;
    if (++depth_ > groups_deep_max)
      return fail("its groups are more than " + std::to_string(groups_deep_max) + " levels deep");
    const auto before = flags_;
    if (take("?")) {
      if (sees("=") || sees("!") || sees("<=") || sees("<!"))
        return fail("it looks ahead or behind, which is not supported");
      if (take("P<") || take("<")) { // a name, which nobody asks for
        const auto end = pattern_.find('>', at_);
        if (end == std::string_view::npos)
          return fail("the name of a group has no end");
        at_ = end + 1;
      } else if (!take_flags()) {
        return false;
      } else if (take(")")) { // until the end of the group around it
        --depth_;
        can_repeat = false;
        return true;
      } else if (!take(":")) {
        return fail("a group begins with ? and something unknown");
      }
    }
    if (!alternatives())
      return false;
    if (!take(")"))
      return fail("there is a ( without its )");
    flags_ = before;
    --depth_;
    return true;
  }

  bool take_flags() {
    for (bool value = true; !at_end() && !sees(":") && !sees(")"); ++at_) {
      switch (pattern_[at_]) {
      case '-':
        value = false;
        break;
      case 'i':
        flags_.any_case = value;
        break;
      case 's':
        flags_.dot_takes_all = value;
        break;
      case 'm':
        flags_.many_lines = value;
        break;
      case 'U':
        break; // greedy or not: the same for who only asks whether
      default:
        return fail("a group begins with ? and something unknown");
      }
    }
    return true;
  }

  bool escape(bool& can_repeat) {
    using enum step::kind;
    ++at_;
    if (at_end())
      return fail("it ends in a backslash");
    const char c = pattern_[at_];
    character_class named;
    const auto what = c == 'b'   ? word_edge
                      : c == 'B' ? no_word_edge
                      : c == 'A' ? text_begin
                      : c == 'z' ? text_end
                                 : found;
    if (what != found) {
      ++at_;
      return edge(what, can_repeat);
    }
    if (class_of_letter(named))
      return add_one(std::move(named));
    char32_t taken = 0;
    return escaped_character(taken) && add_one({false, {{taken, taken}}});
  }

  regex_program program_;
  flags flags_;
  size_t atoms_ = 0;
  int depth_ = 0;
};

} // namespace

std::optional<regex_program> parse_regex(std::string_view pattern, std::string& why) {
  why.clear();
  return parser(pattern, why).parse();
}

} // namespace natterjack::runtime::lua
