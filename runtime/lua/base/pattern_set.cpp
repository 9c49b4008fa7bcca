#include "runtime/lua/base/pattern_set.hpp"

#include <algorithm>
#include <cctype>

namespace natterjack::runtime::lua {

// %a, %d, … and their opposites; any other letter stands for itself.
bool is_in_pattern_class(unsigned char byte, char name) {
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
bool is_in_pattern_set(unsigned char byte, const char* set, const char* close) {
  const auto value = [](const char* at) {
    return static_cast<unsigned char>(*at);
  };
  const char* at = set + 1;
  const bool wanted = *at != '^';
  if (!wanted)
    ++at;
  while (at < close) {
    if (*at == '%') {
      if (is_in_pattern_class(byte, at[1]))
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

void long_set::read(const char* set, const char* set_end) noexcept {
  begin = set;
  end = set_end;
  const char* at = set + 1;
  const char* const close = set_end - 1;
  const bool wanted = *at != '^';
  if (!wanted)
    ++at;
  bytes_.reset();
  // Said again, a class or a range costs nothing.
  std::bitset<256> classes;
  unsigned char ranges[256] = {}; // first byte -> last one so far
  const auto value = [](const char* where) {
    return static_cast<unsigned char>(*where);
  };
  while (at < close) {
    if (*at == '%') {
      for (unsigned byte = 0; byte < bytes_.size() && !classes.test(value(at + 1)); ++byte)
        if (is_in_pattern_class(static_cast<unsigned char>(byte), at[1]))
          bytes_.set(byte);
      classes.set(value(at + 1));
      at += 2;
    } else if (close - at > 2 && at[1] == '-') {
      auto& last = ranges[value(at)];
      for (unsigned byte = std::max(value(at), last); byte <= value(at + 2); ++byte)
        bytes_.set(byte);
      last = std::max(last, value(at + 2));
      at += 3;
    } else {
      bytes_.set(value(at));
      ++at;
    }
  }
  if (!wanted)
    bytes_.flip();
}

} // namespace natterjack::runtime::lua
