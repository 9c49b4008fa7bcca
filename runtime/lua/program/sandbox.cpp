#include "runtime/lua/program/sandbox.hpp"

#include "runtime/lua/base/base_library.hpp"
#include "runtime/lua/base/shims.hpp"
#include "runtime/lua/engine/channel.hpp"
#include "runtime/lua/engine/coroutine_library.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/process/payload_object.hpp"
#include "runtime/lua/process/process_library.hpp"

namespace natterjack::runtime::lua {

namespace {

// Loads code, reaches files or the collector, or sees what a process should not.
constexpr const char* removed_globals[] = {"load",   "loadfile", "dofile", "collectgarbage",
                                           "rawlen", "warn",     "require"};
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

struct library {
  std::string_view name;
  lua_CFunction open;
};

int open_math(lua_State* L) {
  push_math(L);
  return 1;
}

int open_os(lua_State* L) {
  push_os(L);
  return 1;
}

// In every state from the start. Shims change the first two while they are still open.
constexpr library first_libraries[] = {{"string", luaopen_string},
                                       {"table", luaopen_table},
                                       {"channel", open_channel},
                                       {"process", open_process}};

// Made when a script first names them: a hub that needs none of them is a third smaller.
constexpr library late_libraries[] = {{"coroutine", open_coroutine}, {"errors", open_errors},
                                      {"math", open_math},           {"os", open_os},
                                      {"payload", open_payload},     {"pubsub", open_pubsub}};

const library* find_late(std::string_view name) noexcept {
  for (const auto& one : late_libraries)
    if (one.name == name)
      return &one;
  return nullptr;
}

// Makes a library and sets its global; pushes it.
void make_late(lua_State* L, const library& one) {
  lua_pushcfunction(L, one.open);
  lua_call(L, 0, 1);
  protect_table(L, one.name.data());
  lua_pushglobaltable(L);
  lua_pushlstring(L, one.name.data(), one.name.size());
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

// __index of the globals, and of nothing else: whatever table it is asked with, these are written.
int missing_global(lua_State* L) {
  size_t size = 0;
  const char* name = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &size) : "";
  if (const auto* late = find_late({name, size})) {
    make_late(L, *late);
    return 1;
  }
  const auto cast = find_cast({name, size});
  if (cast == nullptr)
    return 0;
  lua_pushglobaltable(L);
  lua_pushvalue(L, 2);
  lua_pushcfunction(L, cast);
  lua_rawset(L, -3);
  lua_pushcfunction(L, cast);
  return 1;
}

} // namespace

// luaL_argerror looks there for the name.
void name_functions(lua_State* L, const char* name) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

void protect_table(lua_State* L, const char* name) {
  name_functions(L, name);
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

void make_all_libraries(lua_State* L) {
  lua_pushglobaltable(L);
  for (const auto& one : late_libraries) {
    lua_pushlstring(L, one.name.data(), one.name.size());
    if (lua_rawget(L, -2) == LUA_TNIL)
      make_late(L, one);
    else
      lua_pushnil(L);
    lua_pop(L, 1);
    lua_pop(L, 1);
  }
  for (const auto* name : {"number", "integer", "boolean"}) {
    lua_getfield(L, -1, name);
    lua_pop(L, 1);
  }
  lua_pushnil(L);
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

int open_sandbox(lua_State* L) {
  lua_pushcfunction(L, luaopen_base);
  lua_call(L, 0, 0);
  for (const auto* name : removed_globals) {
    lua_pushnil(L);
    lua_setglobal(L, name);
  }
  open_base_library(L);
  for (const auto& one : first_libraries) {
    lua_pushcfunction(L, one.open);
    lua_call(L, 0, 1);
    lua_setglobal(L, one.name.data());
  }
  // Older names of process.listen and unlisten.
  lua_getglobal(L, "process");
  lua_getfield(L, -1, "listen");
  lua_setglobal(L, "subscribe");
  lua_getfield(L, -1, "unlisten");
  lua_setglobal(L, "unsubscribe");
  lua_pop(L, 1);
  install_shims(L);
  lua_getglobal(L, "string");
  lua_pushnil(L);
  lua_setfield(L, -2, "dump"); // nothing could load it
  lua_pop(L, 1);

  // getmetatable("") must not lead to the writable table.
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 2);

  for (const auto& one : first_libraries) {
    lua_getglobal(L, one.name.data());
    protect_table(L, one.name.data());
    lua_setglobal(L, one.name.data());
  }
  lua_getglobal(L, "string");
  lua_getmetatable(L, -1);
  lua_pushcfunction(L, find_cast("string"));
  lua_setfield(L, -2, "__call");
  lua_pop(L, 2);
  push_require(L, engine_of(L).program());
  lua_setglobal(L, "require");

  lua_pushglobaltable(L);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, missing_global);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
  return 0;
}

} // namespace natterjack::runtime::lua
