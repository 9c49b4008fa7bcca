#include "runtime/lua/base/pattern.hpp"

#include "runtime/lua/host_api.hpp"

#include <cstring>

namespace natterjack::runtime::lua {

namespace {

constexpr uint64_t fuel_size = 4096;

} // namespace

pattern_matcher::pattern_matcher(lua_State* L, std::string_view subject,
                                 std::string_view pattern) noexcept
    : L_(L), begin_(subject.data()), subject_end_(begin_ + subject.size()),
      pattern_(pattern.data()), pattern_end_(pattern_ + pattern.size()),
      steps_left_(pattern_steps_base + pattern_steps_each_byte * subject.size()) {
}

void pattern_matcher::refuel(uint64_t steps) {
  check_budget(L_);
  const uint64_t wanted = steps + fuel_size;
  if (steps_left_ < wanted)
    luaL_error(
        L_, "pattern too complex: it needs more than %I steps on %I bytes",
        static_cast<LUAI_UACINT>(pattern_steps_base + pattern_steps_each_byte * subject().size()),
        static_cast<LUAI_UACINT>(subject().size()));
  steps_left_ -= wanted;
  fuel_ += wanted;
}

bool pattern_matcher::match_at(size_t offset) {
  start_ = begin_ + offset;
  levels_ = 0;
  count_ = 0;
  end_ = match(start_, pattern_);
  return end_ != nullptr;
}

// One level of the recursion: the rest of the pattern from `pattern` on.
const char* pattern_matcher::match(const char* at, const char* pattern) {
  if (++levels_ > pattern_levels_max)
    luaL_error(L_, "pattern too complex");
  const char* const end = match_item(at, pattern);
  --levels_;
  return end;
}

const char* pattern_matcher::match_item(const char* at, const char* pattern) {
  while (pattern != pattern_end_) {
    spend(1);
    switch (*pattern) {
    case '(':
      return pattern_byte(pattern + 1) == ')' ? begin_capture(at, pattern + 2, position_capture)
                                              : begin_capture(at, pattern + 1, open_capture);
    case ')':
      return end_capture(at, pattern + 1);
    case '$':
      if (pattern + 1 == pattern_end_)
        return at == subject_end_ ? at : nullptr;
      break; // in the middle it stands for itself
    case '%': {
      const char what = pattern_byte(pattern + 1);
      if (what == 'b') {
        at = match_balance(at, pattern + 2);
        if (at == nullptr)
          return nullptr;
        pattern += 4;
        continue;
      }
      if (what == 'f') {
        const char* const set = pattern + 2;
        if (pattern_byte(set) != '[')
          luaL_error(L_, "missing '[' after '%%f' in pattern");
        const char* const behind = item_end(set);
        if (!match_frontier(at, set, behind))
          return nullptr;
        pattern = behind;
        continue;
      }
      if (what >= '0' && what <= '9') {
        at = match_back_reference(at, what);
        if (at == nullptr)
          return nullptr;
        pattern += 2;
        continue;
      }
      break;
    }
    default:
      break;
    }
    // One byte of the subject, and how often.
    const char* const behind = item_end(pattern);
    const char times = pattern_byte(behind);
    if (!matches_single(at, pattern, behind)) {
      if (times != '*' && times != '?' && times != '-')
        return nullptr;
      pattern = behind + 1; // none is enough
      continue;
    }
    switch (times) {
    case '*':
      return match_greedy(at, pattern, behind);
    case '+':
      return match_greedy(at + 1, pattern, behind);
    case '-':
      return match_lazy(at, pattern, behind);
    case '?':
      if (const char* const end = match(at + 1, behind + 1); end != nullptr)
        return end;
      pattern = behind + 1;
      break;
    default:
      ++at;
      pattern = behind;
    }
  }
  return at;
}

// As many as there are, then fewer.
const char* pattern_matcher::match_greedy(const char* at, const char* item, const char* item_end) {
  ptrdiff_t count = 0;
  while (matches_single(at + count, item, item_end)) {
    spend(1);
    ++count;
  }
  for (; count >= 0; --count)
    if (const char* const end = match(at + count, item_end + 1); end != nullptr)
      return end;
  return nullptr;
}

// As few as possible, then more.
const char* pattern_matcher::match_lazy(const char* at, const char* item, const char* item_end) {
  for (;; ++at) {
    if (const char* const end = match(at, item_end + 1); end != nullptr)
      return end;
    if (!matches_single(at, item, item_end))
      return nullptr;
    spend(1);
  }
}

const char* pattern_matcher::begin_capture(const char* at, const char* pattern, ptrdiff_t kind) {
  if (count_ == pattern_captures_max)
    luaL_error(L_, "too many captures");
  captures_[count_++] = {at, kind};
  const char* const end = match(at, pattern);
  if (end == nullptr)
    --count_;
  return end;
}

const char* pattern_matcher::end_capture(const char* at, const char* pattern) {
  int index = count_ - 1;
  while (index >= 0 && captures_[index].size != open_capture)
    --index;
  if (index < 0)
    luaL_error(L_, "invalid pattern capture");
  captures_[index].size = at - captures_[index].begin;
  const char* const end = match(at, pattern);
  if (end == nullptr)
    captures_[index].size = open_capture;
  return end;
}

// %bxy
const char* pattern_matcher::match_balance(const char* at, const char* delimiters) {
  if (pattern_end_ - delimiters < 2)
    luaL_error(L_, "malformed pattern (missing arguments to '%%b')");
  const char open = delimiters[0];
  const char close = delimiters[1];
  if (at == subject_end_ || *at != open)
    return nullptr;
  size_t depth = 1;
  for (++at; at != subject_end_; ++at) {
    spend(1);
    if (*at == close) {
      if (--depth == 0)
        return at + 1;
    } else if (*at == open) {
      ++depth;
    }
  }
  return nullptr;
}

const char* pattern_matcher::match_back_reference(const char* at, char digit) {
  const int index = digit - '1';
  if (index < 0 || index >= count_ || captures_[index].size == open_capture)
    luaL_error(L_, "invalid capture index %%%d", index + 1);
  const capture& said = captures_[index];
  if (said.size == position_capture) // no text
    return nullptr;
  if (subject_end_ - at < said.size)
    return nullptr;
  spend(static_cast<uint64_t>(said.size) / 16);
  return std::memcmp(said.begin, at, static_cast<size_t>(said.size)) == 0 ? at + said.size
                                                                          : nullptr;
}

// %f[set]: not in the set before, in the set here; beyond both ends stands a zero byte.
bool pattern_matcher::match_frontier(const char* at, const char* set, const char* set_end) {
  const auto before = static_cast<unsigned char>(at == begin_ ? '\0' : at[-1]);
  const auto here = static_cast<unsigned char>(at == subject_end_ ? '\0' : *at);
  return !is_in_set(before, set, set_end) && is_in_set(here, set, set_end);
}

// Behind the class, set or byte that begins at `pattern`.
const char* pattern_matcher::item_end(const char* pattern) {
  const char first = *pattern++;
  if (first == '%') {
    if (pattern == pattern_end_)
      luaL_error(L_, "malformed pattern (ends with '%%')");
    return pattern + 1;
  }
  if (first != '[')
    return pattern;
  const char* const set = pattern - 1;
  if (const auto* known = find_long_set(set))
    return known->end;
  if (pattern_byte(pattern) == '^')
    ++pattern;
  do { // a closing bracket right at the start stands for itself
    if (pattern == pattern_end_)
      luaL_error(L_, "malformed pattern (missing ']')");
    if (*pattern++ == '%' && pattern != pattern_end_)
      ++pattern;
  } while (pattern_byte(pattern) != ']');
  if (pattern + 1 - set > short_set_max)
    learn(set, pattern + 1);
  return pattern + 1;
}

const long_set* pattern_matcher::find_long_set(const char* begin) const noexcept {
  for (const auto& one : long_sets_)
    if (one.begin == begin)
      return &one;
  return nullptr;
}

// A long set costs its length once, and not for each byte of the subject; if it is known no more, once
// more.
const long_set& pattern_matcher::learn(const char* set, const char* set_end) {
  spend(static_cast<uint64_t>(set_end - set) / 16);
  auto& made = long_sets_[next_long_set_++ % long_sets_.size()];
  made.read(set, set_end);
  return made;
}

bool pattern_matcher::is_in_set(unsigned char byte, const char* set, const char* set_end) {
  if (set_end - set <= short_set_max)
    return is_in_pattern_set(byte, set, set_end - 1);
  const auto* known = find_long_set(set);
  return (known != nullptr ? *known : learn(set, set_end)).has(byte);
}

bool pattern_matcher::matches_single(const char* at, const char* item, const char* item_end) {
  if (at == subject_end_)
    return false;
  const auto byte = static_cast<unsigned char>(*at);
  switch (*item) {
  case '.':
    return true;
  case '%':
    return is_in_pattern_class(byte, item[1]);
  case '[':
    return is_in_set(byte, item, item_end);
  default:
    return static_cast<unsigned char>(*item) == byte;
  }
}

void pattern_matcher::push_capture(int index, const char* where) const {
  if (index >= count_) {
    if (index != 0)
      luaL_error(L_, "invalid capture index %%%d%s", index + 1, where);
    lua_pushlstring(L_, start_, static_cast<size_t>(end_ - start_));
    return;
  }
  const capture& one = captures_[index];
  if (one.size == open_capture)
    luaL_error(L_, "unfinished capture");
  if (one.size == position_capture)
    lua_pushinteger(L_, one.begin - begin_ + 1);
  else
    lua_pushlstring(L_, one.begin, static_cast<size_t>(one.size));
}

int pattern_matcher::push_captures() const {
  const int count = count_ == 0 ? 1 : count_;
  luaL_checkstack(L_, count, "too many captures");
  for (int i = 0; i < count; ++i)
    push_capture(i);
  return count;
}

} // namespace natterjack::runtime::lua
