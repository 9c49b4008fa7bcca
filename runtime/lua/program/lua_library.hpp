// Modules whose shape is written in Lua: files of library/, compiled into the binary.
//
// Each file is a chunk that gets a table of C functions and returns the module's table. Its globals
// are a private table: what a script does to its own globals does not reach it.
#pragma once

#include <lua.hpp>

#include <string_view>

namespace natterjack::runtime::lua {

/// Pops a table of C functions, runs the file `name` with it and pushes what that returns.
void run_library(lua_State* L, const char* name);

/// The text of a file of library/, or empty.
std::string_view library_text(std::string_view name) noexcept;

} // namespace natterjack::runtime::lua
