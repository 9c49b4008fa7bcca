// Regular expressions as a function for modules in Lua.
#pragma once

#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/regex/regular_expression.hpp"

namespace natterjack::runtime::lua {

/// pattern, text -> boolean; nil and a sentence: no regular expression, or too much
inline int search_text(lua_State* L) {
  auto& why = engine_of(L).scratch;
  if (const auto result = search_bounded(text_argument(L, 1), text_argument(L, 2), why)) {
    lua_pushboolean(L, *result);
    return 1;
  }
  lua_pushnil(L);
  lua_pushlstring(L, why.data(), why.size());
  return 2;
}

} // namespace natterjack::runtime::lua
