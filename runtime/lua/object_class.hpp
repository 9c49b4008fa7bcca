// Metatables of the engine's userdata: closed to the script, known by their address.
#pragma once

#include <lua.hpp>

namespace natterjack::runtime::lua {

/// Pops a table of methods and keeps a metatable for it in the registry under `key`.
/// @param hooks  metamethods, which the script cannot reach
/// @returns the identity of the metatable
inline const void* make_class(lua_State* L, const void* key, const luaL_Reg* hooks) {
  lua_createtable(L, 0, 4);
  luaL_setfuncs(L, hooks, 0);
  lua_insert(L, -2);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  const void* identity = lua_topointer(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
  return identity;
}

/// Gives the userdata on top of the stack its class.
inline void set_class(lua_State* L, const void* key) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, key);
  lua_setmetatable(L, -2);
}

/// The userdata at `index` if it is of that class, else null.
inline void* to_object(lua_State* L, int index, const void* identity) noexcept {
  void* object = lua_touserdata(L, index);
  if (object == nullptr || lua_getmetatable(L, index) == 0)
    return nullptr;
  const bool mine = lua_topointer(L, -1) == identity;
  lua_pop(L, 1);
  return mine ? object : nullptr;
}

/// Raises for a method that was called without its object in front.
inline int raise_without_self(lua_State* L, const char* type, const char* method) {
  return luaL_error(L, "%s:%s() needs the %s in front: write it with a colon, not a dot", type,
                    method, type);
}

} // namespace natterjack::runtime::lua
