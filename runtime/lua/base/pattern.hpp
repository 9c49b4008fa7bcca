// Lua 5.4 patterns, matched in bounded time.
//
//   matches as string.find, match, gmatch and gsub of Lua 5.4 do, with the same error texts
//   bounds  steps: 1,000,000 and 50 for each byte of the subject, per call; then a Lua error. Reading
//           a long set counts as well.
//           Levels: 200, as in Lua. Captures: 32, as in Lua
//   asks    the process's budget every 4096 steps
//
// Trivially destructible: its errors are Lua errors and jump.
#pragma once

#include "runtime/lua/base/pattern_set.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

struct lua_State;

namespace natterjack::runtime::lua {

constexpr int pattern_captures_max = 32;
constexpr int pattern_levels_max = 200;
constexpr uint64_t pattern_steps_base = 1'000'000;
constexpr uint64_t pattern_steps_each_byte = 50;

class pattern_matcher {
 public:
  /// @param pattern  without the anchor; must outlive the matcher, as must `subject`
  pattern_matcher(lua_State* L, std::string_view subject, std::string_view pattern) noexcept;

  /// Matches the whole pattern at `offset` of the subject.
  /// @returns false if it does not match there; raises if the pattern is malformed or out of steps
  bool match_at(size_t offset);

  /// Where the last match ended.
  size_t end_offset() const noexcept { return static_cast<size_t>(end_ - begin_); }
  size_t offset() const noexcept { return static_cast<size_t>(start_ - begin_); }
  std::string_view subject() const noexcept {
    return {begin_, static_cast<size_t>(subject_end_ - begin_)};
  }
  int captures() const noexcept { return count_; }

  /// Pushes capture `index`, counted from 0; capture 0 of a pattern without any is the whole match.
  /// @param where  "" or " in replacement string", for the error text
  void push_capture(int index, const char* where = "") const;
  /// Pushes every capture, the whole match if there is none. @returns their number
  int push_captures() const;

 private:
  static constexpr ptrdiff_t short_set_max = 32; // bytes with the brackets
  static constexpr ptrdiff_t open_capture = -1;     // its end is not known yet
  static constexpr ptrdiff_t position_capture = -2; // "()": stands for where it is

  struct capture {
    const char* begin;
    ptrdiff_t size;
  };

  const char* match(const char* at, const char* pattern);
  const char* match_item(const char* at, const char* pattern);
  const char* match_greedy(const char* at, const char* item, const char* item_end);
  const char* match_lazy(const char* at, const char* item, const char* item_end);
  const char* begin_capture(const char* at, const char* pattern, ptrdiff_t kind);
  const char* end_capture(const char* at, const char* pattern);
  const char* match_balance(const char* at, const char* delimiters);
  const char* match_back_reference(const char* at, char digit);
  bool match_frontier(const char* at, const char* set, const char* set_end);

  const char* item_end(const char* pattern);
  bool matches_single(const char* at, const char* item, const char* item_end);
  bool is_in_set(unsigned char byte, const char* set, const char* set_end);
  const long_set* find_long_set(const char* begin) const noexcept;
  const long_set& learn(const char* set, const char* set_end);
  char pattern_byte(const char* at) const noexcept { return at < pattern_end_ ? *at : '\0'; }

  void spend(uint64_t steps) {
    if (fuel_ < steps)
      refuel(steps);
    fuel_ -= steps;
  }
  void refuel(uint64_t steps);

  lua_State* L_;
  const char* begin_;
  const char* subject_end_;
  const char* pattern_;
  const char* pattern_end_;
  const char* start_ = nullptr;
  const char* end_ = nullptr;
  uint64_t fuel_ = 0;   // steps until the bounds are looked at again
  uint64_t steps_left_; // besides `fuel_`
  int levels_ = 0;
  int count_ = 0;
  capture captures_[pattern_captures_max];
  std::array<long_set, 4> long_sets_;
  size_t next_long_set_ = 0;
};

/// Replacements of string.find, match, gmatch and gsub, as lua_CFunctions.
int pattern_find(lua_State* L);
int pattern_match(lua_State* L);
int pattern_gmatch(lua_State* L);
int pattern_gsub(lua_State* L);

} // namespace natterjack::runtime::lua
