#include "runtime/lua/sandbox.hpp"

#include "runtime/lua/base_library.hpp"
#include "runtime/lua/channel.hpp"
#include "runtime/lua/coroutine_library.hpp"
#include "runtime/lua/engine.hpp"
#include "runtime/lua/message_object.hpp"
#include "runtime/lua/process_library.hpp"

#include <cstring>

namespace natterjack::runtime::lua {

namespace {

// Loads code, reaches files or the collector, or sees what a process should not.
constexpr const char* removed_globals[] = {"load", "loadfile", "dofile", "collectgarbage",
                                           "rawlen", "warn", "require"};
constexpr const char* kept_os_functions[] = {"time", "date", "clock", "difftime"};

int refuse_write(lua_State* L) {
  return luaL_error(L, "cannot set '%s.%s': library tables are read-only",
                    lua_tostring(L, lua_upvalueindex(1)),
                    lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2));
}

int pairs_of_view(lua_State* L) {
  lua_getglobal(L, "next");
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushnil(L);
  return 3;
}

void set_library(lua_State* L, const char* name, lua_CFunction open) {
  lua_pushcfunction(L, open);
  lua_call(L, 0, 1);
  lua_setglobal(L, name);
}

int open_os(lua_State* L) {
  lua_pushcfunction(L, luaopen_os);
  lua_call(L, 0, 1);
  lua_createtable(L, 0, 5);
  for (const auto* name : kept_os_functions) {
    lua_getfield(L, -2, name);
    lua_setfield(L, -2, name);
  }
  lua_pushliteral(L, "linux");
  lua_setfield(L, -2, "platform");
  return 1;
}

struct library {
  const char* name;
  lua_CFunction open;
};

// Where the order matters it is this one: shims replace functions of the first four.
constexpr library libraries[] = {
    {"string", luaopen_string},   {"table", luaopen_table}, {"math", luaopen_math},
    {"os", open_os},              {"coroutine", open_coroutine},
    {"channel", open_channel},    {"payload", open_payload}, {"process", open_process},
    {"pubsub", open_pubsub},      {"errors", open_errors},
};

} // namespace

void protect_table(lua_State* L, const char* name) {
  lua_newtable(L);          // the view
  lua_createtable(L, 0, 4); // its metatable
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, name);
  lua_pushcclosure(L, refuse_write, 1);
  lua_setfield(L, -2, "__newindex");
  lua_pushvalue(L, -3);
  lua_pushcclosure(L, pairs_of_view, 1);
  lua_setfield(L, -2, "__pairs");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

int open_sandbox(lua_State* L) {
  lua_pushcfunction(L, luaopen_base);
  lua_call(L, 0, 0);
  for (const auto* name : removed_globals) {
    lua_pushnil(L);
    lua_setglobal(L, name);
  }
  open_base_library(L);
  for (const auto& one : libraries)
    set_library(L, one.name, one.open);
  install_shims(L);

  // getmetatable("") must not lead to the writable table.
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 2);

  for (const auto& one : libraries) {
    lua_getglobal(L, one.name);
    protect_table(L, one.name);
    lua_setglobal(L, one.name);
  }
  push_require(L, engine_of(L).program());
  lua_setglobal(L, "require");
  return 0;
}

} // namespace natterjack::runtime::lua
