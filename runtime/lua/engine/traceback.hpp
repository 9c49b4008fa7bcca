// Where a coroutine stands, as text. Works on a coroutine that an error has stopped; but for `push_placed`
// allocates nothing in the state and never raises.
#pragma once

#include <lua.hpp>

#include <string>

namespace natterjack::runtime::lua {

/// "app.chat:hub.process (hub.lua):17" of the innermost Lua function, or "".
/// @param level  first level that counts, 0 for the running function
std::string script_line(lua_State* L, int level = 0);

/// Pushes the text with "<entry> (<file>):<line>: " of the innermost Lua function in front. Other than with
/// luaL_error that need not be the caller: a function that `pcall` has called has none.
void push_placed(lua_State* L, const char* text);

/// "stack traceback:", then for each level a line such as
/// "app.chat:hub.process (hub.lua):17: in function 'join'"; "" if there is none.
std::string traceback(lua_State* L);

} // namespace natterjack::runtime::lua
