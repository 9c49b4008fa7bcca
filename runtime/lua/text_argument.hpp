// Texts on the stack of a C function, as views. Valid as long as they stand there.
#pragma once

#include <lua.hpp>

#include <string_view>

namespace natterjack::runtime::lua {

/// The text at `index`; raises if there is none.
inline std::string_view text_argument(lua_State* L, int index) {
  size_t size = 0;
  const char* bytes = luaL_checklstring(L, index, &size);
  return {bytes, size};
}

/// The same for what was checked before: empty if it is no text, never raises.
inline std::string_view text_of(lua_State* L, int index) noexcept {
  size_t size = 0;
  const char* bytes = lua_type(L, index) == LUA_TSTRING ? lua_tolstring(L, index, &size) : "";
  return {bytes, size};
}

} // namespace natterjack::runtime::lua
