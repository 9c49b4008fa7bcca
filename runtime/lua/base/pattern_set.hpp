// Classes and sets of Lua patterns: which bytes %a and [a-z_] stand for.
//
//   short sets   looked through for each byte
//   long_set     a long one, looked through once: a set may have as many bytes as a message
#pragma once

#include <bitset>

namespace natterjack::runtime::lua {

/// %a, %d, … and their opposites; any other letter stands for itself.
bool is_in_pattern_class(unsigned char byte, char name);

/// [set]: `set` at the bracket, `close` at the closing one.
bool is_in_pattern_set(unsigned char byte, const char* set, const char* close);

class long_set {
 public:
  /// @param set_end  behind the closing bracket
  void read(const char* set, const char* set_end) noexcept;
  bool has(unsigned char byte) const noexcept { return bytes_.test(byte); }

  const char* begin = nullptr; ///< the set that was read
  const char* end = nullptr;

 private:
  std::bitset<256> bytes_;
};

} // namespace natterjack::runtime::lua
