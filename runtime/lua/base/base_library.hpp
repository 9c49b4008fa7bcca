// Base functions that must know the engine: errors that nobody may catch, waits inside pcall,
// output.
#pragma once

#include <lua.hpp>

namespace natterjack::runtime::lua {

/// Sets pcall, xpcall, setmetatable and print as globals.
void open_base_library(lua_State* L);

} // namespace natterjack::runtime::lua
