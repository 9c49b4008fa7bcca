#include "runtime/lua/regex/regular_expression.hpp"

#include "runtime/lua/regex/regex_parser.hpp"

#include <vector>

namespace natterjack::runtime::lua {

namespace {

constexpr char32_t no_character = 0xFFFFFFFF;

bool is_word(char32_t c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

// Walks once through the text, in all places of the program at a time.
class search {
 public:
  explicit search(const regex_program& program)
      : program_(program), seen_(program.steps.size(), 0) {}

  bool run(std::string_view text) {
    char32_t before = no_character;
    for (size_t at = 0;;) {
      char32_t next = no_character;
      if (at < text.size())
        next = next_character(text, at);
      ++round_;
      waiting_.push_back(0); // it may begin anywhere
      if (follow(before, next))
        return true;
      if (next == no_character)
        return false;
      for (const auto place : ready_)
        if (program_.classes[program_.steps[place].first].holds(next))
          waiting_.push_back(place + 1);
      ready_.clear();
      before = next;
    }
  }

 private:
  // From all that wait to the steps that want a character. @returns whether one of them is at the end
  bool follow(char32_t before, char32_t next) {
    using enum regex_step::kind;
    const bool at_edge = is_word(before) != is_word(next);
    while (!waiting_.empty()) {
      const auto place = waiting_.back();
      waiting_.pop_back();
      if (seen_[place] == round_)
        continue;
      seen_[place] = round_;
      const auto& step = program_.steps[place];
      bool goes_on = false;
      switch (step.what) {
      case found:
        return true;
      case one:
        ready_.push_back(place);
        break;
      case split:
        waiting_.push_back(step.second);
        [[fallthrough]];
      case jump:
        waiting_.push_back(step.first);
        break;
      case text_begin:
        goes_on = before == no_character;
        break;
      case text_end:
        goes_on = next == no_character;
        break;
      case line_begin:
        goes_on = before == no_character || before == '\n';
        break;
      case line_end:
        goes_on = next == no_character || next == '\n';
        break;
      case word_edge:
        goes_on = at_edge;
        break;
      case no_word_edge:
        goes_on = !at_edge;
        break;
      }
      if (goes_on)
        waiting_.push_back(place + 1);
    }
    return false;
  }

  const regex_program& program_;
  std::vector<size_t> seen_; // in which round a step was last
  std::vector<uint32_t> waiting_;
  std::vector<uint32_t> ready_;
  size_t round_ = 0;
};

// What a character may cost.
size_t weight_of(const regex_program& program) {
  size_t weight = program.steps.size();
  for (const auto& one : program.classes)
    weight += one.ranges.size();
  return weight;
}

// The last one of this thread: filters ask the same of many texts.
struct parsed {
  std::string pattern;
  std::string why = "is empty";
  std::optional<regex_program> program;
  size_t weight = 0;
};

const parsed& parse(std::string_view pattern) {
  thread_local parsed last;
  if (last.program && last.pattern == pattern)
    return last;
  last = {std::string(pattern), {}, {}, 0};
  last.program = parse_regex(pattern, last.why);
  if (last.program)
    last.weight = weight_of(*last.program);
  return last;
}

} // namespace

std::optional<bool> search_bounded(std::string_view pattern, std::string_view text,
                                   std::string& why) {
  if (pattern.size() > regex_bytes_max) {
    why = "it has more than " + std::to_string(regex_bytes_max) + " bytes";
    return std::nullopt;
  }
  const auto& known = parse(pattern);
  if (!known.program) {
    why = known.why;
    return std::nullopt;
  }
  if (text.size() > search_work_max / known.weight) {
    why = "it takes too long in a text of " + std::to_string(text.size()) + " bytes";
    return std::nullopt;
  }
  return search(*known.program).run(text);
}

} // namespace natterjack::runtime::lua
