// The standard library as scripts see it: bounded where a C loop could run away, with what scripts
// for older versions expect.
//
//   string   find match gmatch gsub (see pattern), rep; gfind is gmatch
//            an error object stands for its text; positions, lengths and %d lose their fraction;
//            what `format` is not given reads %!s(MISSING)
//   table    concat insert move remove: at most 10,000,000 elements a call; a position outside of the list is
//            set, or has nothing to be removed. getn maxn create besides
//            sort: at most 1,000,000; equal elements keep their order
//   math     pow mod log10 atan2 sinh cosh tanh besides what is there; random takes fractions
//   os       time date clock difftime platform, nothing else
//   unpack   is table.unpack
//
//   asks  the process's budget every 4096 steps of a loop
//
// `install_shims` stands in host_api.
#pragma once

#include "runtime/lua/host_api.hpp"

namespace natterjack::runtime::lua {

constexpr lua_Integer table_elements_max = 10'000'000;
constexpr lua_Integer sort_elements_max = 1'000'000;

/// Looks at the budget now and then.
class step_meter {
 public:
  explicit step_meter(lua_State* L) noexcept : L_(L) {}
  void step() {
    if ((++steps_ & 4095) == 0)
      check_budget(L_);
  }

 private:
  lua_State* L_;
  uint32_t steps_ = 0;
};

/// Puts the text of an error object in its place on the stack.
void read_error_argument(lua_State* L, int index);
/// The number at `index` without its fraction; raises if it is none.
lua_Integer check_whole(lua_State* L, int index);
/// Puts a function in place of the standard one on top of the stack: the same, but its first argument
/// may be an error, and numbers from argument `first` on lose their fraction.
void push_lenient(lua_State* L, int first);

/// Put their functions into the library table on top of the stack.
void shim_table(lua_State* L);
/// Push a fresh `os` and `math` table; the engine makes them on first use.
void push_os(lua_State* L);
void push_math(lua_State* L);

} // namespace natterjack::runtime::lua
