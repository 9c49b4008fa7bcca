#include "runtime/lua/base/pattern.hpp"

#include "runtime/lua/host_api.hpp"

#include <cctype>
#include <cstring>

namespace natterjack::runtime::lua {

namespace {

constexpr uint64_t fuel_size = 4096;

// %a, %d, … and their opposites; any other letter stands for itself.
bool in_class(unsigned char byte, char name) {
  bool inside = false;
  switch (std::tolower(static_cast<unsigned char>(name))) {
  case 'a':
    inside = std::isalpha(byte) != 0;
    break;
  case 'c':
    inside = std::iscntrl(byte) != 0;
    break;
  case 'd':
    inside = std::isdigit(byte) != 0;
    break;
  case 'g':
    inside = std::isgraph(byte) != 0;
    break;
  case 'l':
    inside = std::islower(byte) != 0;
    break;
  case 'p':
    inside = std::ispunct(byte) != 0;
    break;
  case 's':
    inside = std::isspace(byte) != 0;
    break;
  case 'u':
    inside = std::isupper(byte) != 0;
    break;
  case 'w':
    inside = std::isalnum(byte) != 0;
    break;
  case 'x':
    inside = std::isxdigit(byte) != 0;
    break;
  case 'z':
    inside = byte == 0;
    break; // of older versions, still known
  default:
    return static_cast<unsigned char>(name) == byte;
  }
  return inside != (std::isupper(static_cast<unsigned char>(name)) != 0);
}

// [set]: `set` at the bracket, `close` at the closing one.
bool in_set(unsigned char byte, const char* set, const char* close) {
  const auto value = [](const char* at) {
    return static_cast<unsigned char>(*at);
  };
  const char* at = set + 1;
  const bool wanted = *at != '^';
  if (!wanted)
    ++at;
  while (at < close) {
    if (*at == '%') {
      if (in_class(byte, at[1]))
        return wanted;
      at += 2;
    } else if (close - at > 2 && at[1] == '-') {
      if (value(at) <= byte && byte <= value(at + 2))
        return wanted;
      at += 3;
    } else {
      if (value(at) == byte)
        return wanted;
      ++at;
    }
  }
  return !wanted;
}

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
        if (!match_frontier(at, set, behind - 1))
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
bool pattern_matcher::match_frontier(const char* at, const char* set, const char* close) const {
  const auto before = static_cast<unsigned char>(at == begin_ ? '\0' : at[-1]);
  const auto here = static_cast<unsigned char>(at == subject_end_ ? '\0' : *at);
  return !in_set(before, set, close) && in_set(here, set, close);
}

// Behind the class, set or byte that begins at `pattern`.
const char* pattern_matcher::item_end(const char* pattern) const {
  const char first = *pattern++;
  if (first == '%') {
    if (pattern == pattern_end_)
      luaL_error(L_, "malformed pattern (ends with '%%')");
    return pattern + 1;
  }
  if (first != '[')
    return pattern;
  if (pattern_byte(pattern) == '^')
    ++pattern;
  do { // a closing bracket right at the start stands for itself
    if (pattern == pattern_end_)
      luaL_error(L_, "malformed pattern (missing ']')");
    if (*pattern++ == '%' && pattern != pattern_end_)
      ++pattern;
  } while (pattern_byte(pattern) != ']');
  return pattern + 1;
}

bool pattern_matcher::matches_single(const char* at, const char* item, const char* item_end) const {
  if (at == subject_end_)
    return false;
  const auto byte = static_cast<unsigned char>(*at);
  switch (*item) {
  case '.':
    return true;
  case '%':
    return in_class(byte, item[1]);
  case '[':
    return in_set(byte, item, item_end - 1);
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
