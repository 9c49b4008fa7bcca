#include "runtime/lua/engine/stack_floor.hpp"

namespace natterjack::runtime::lua {

namespace {

const char floor_key = 0; // registry: a thread that stands as many C calls deep as a script may not

int nothing(lua_State*) { return 0; }

} // namespace

// A thread that was resumed by one at depth n stays at depth n + 1, so two that resume each other
// climb to where `levels` are left.
int make_stack_floor(lua_State* L) {
  const auto levels = static_cast<int>(lua_tointeger(L, 1));
  lua_State* threads[]{lua_newthread(L), lua_newthread(L)};
  lua_State* from = nullptr;
  for (int depth = 0; depth < static_cast<int>(c_calls_max) - levels; ++depth) {
    auto* next = threads[depth % 2];
    int results = 0;
    lua_pushcfunction(next, nothing);
    lua_resume(next, from, 0, &results);
    from = next;
  }
  lua_pushvalue(L, from == threads[0] ? 2 : 3);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &floor_key);
  return 0;
}

lua_State* stack_floor_of(lua_State* main) noexcept {
  lua_rawgetp(main, LUA_REGISTRYINDEX, &floor_key);
  auto* found = lua_tothread(main, -1);
  lua_pop(main, 1);
  return found;
}

} // namespace natterjack::runtime::lua
