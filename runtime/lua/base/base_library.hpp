// Base functions that must know the engine: errors that nobody may catch, waits inside pcall,
// output.
#pragma once

#include <lua.hpp>

#include <string_view>

namespace natterjack::runtime::lua {

/// Sets pcall, xpcall, setmetatable and print as globals.
void open_base_library(lua_State* L);

/// `string(v)` and the like of programs with types: gives v if it is of that type, raises if not.
/// @param name  string, number, integer or boolean. @returns null for all else
lua_CFunction find_cast(std::string_view name) noexcept;

} // namespace natterjack::runtime::lua
