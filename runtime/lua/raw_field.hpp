// Reading a table while C++ objects live in the frame.
//
//   lua_getfield   asks `__index`, which may be the script's, raise, and unwind past destructors
//   raw_field      raises when there is no memory, and for nothing else: that ends the state, and
//                  what the frame held is lost with it
#pragma once

#include <lua.hpp>

namespace natterjack::runtime::lua {

/// Pushes the field `name` of the table at `index`, whatever its metatable says; nil if there stands
/// no table. @returns its type
inline int raw_field(lua_State* L, int index, const char* name) {
  index = lua_absindex(L, index);
  if (!lua_istable(L, index)) {
    lua_pushnil(L);
    return LUA_TNIL;
  }
  lua_pushstring(L, name);
  return lua_rawget(L, index);
}

} // namespace natterjack::runtime::lua
