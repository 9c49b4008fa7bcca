// Handles: userdata of modules, which come back as arguments: a script may have put something else
// in their place.
//
//   make_handle_class, key, collect   a metatable that the script can neither see nor change
//   to_handle, index, key             the object, or null: something else stands there
#pragma once

#include <lua.hpp>

namespace natterjack::runtime::lua {

/// Keeps a metatable in the registry under `key`. @param collect  its `__gc`
inline void make_handle_class(lua_State* L, const void* key, lua_CFunction collect) {
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, collect);
  lua_setfield(L, -2, "__gc");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

/// The userdata at `index` if it is of that class, else null. Needs two places on the stack.
inline void* to_handle(lua_State* L, int index, const void* key) noexcept {
  if (lua_type(L, index) != LUA_TUSERDATA || lua_getmetatable(L, index) == 0)
    return nullptr;
  lua_rawgetp(L, LUA_REGISTRYINDEX, key);
  const bool mine = lua_rawequal(L, -1, -2) != 0;
  lua_pop(L, 2);
  return mine ? lua_touserdata(L, index) : nullptr;
}

/// The same; raises for something else. @param what  as in "a websocket"
template <class Handle>
Handle& check_handle(lua_State* L, int index, const void* key, const char* what) {
  auto* found = static_cast<Handle*>(to_handle(L, index, key));
  if (found == nullptr)
    luaL_error(L, "the handle of %s is gone: it is not for scripts to change", what);
  return *found;
}

} // namespace natterjack::runtime::lua
