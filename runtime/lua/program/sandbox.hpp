// What a script finds: the globals of a fresh state, and `require`.
//
//   globals    _G _VERSION assert error pcall xpcall select type tostring tonumber pairs ipairs
//              next rawget rawset rawequal getmetatable setmetatable print require
//   tables     string table math os coroutine channel process payload errors pubsub
//   require    native modules the entry lists, its imports, and the tables above
//   read-only  every library table; the script's own globals are its own
//   absent     what loads code, reaches files, or looks into other states
#pragma once

#include <lua.hpp>

#include <string_view>

namespace natterjack::runtime::lua {

class lua_program;

/// A lua_CFunction for a fresh state: fills it.
int open_sandbox(lua_State* L);

/// Makes the libraries that would be made when a script first names them, and takes the metatable
/// that does this off the globals: the script wants one of its own.
void make_all_libraries(lua_State* L);

/// The functions of the table on top of the stack are `name.function` to errors of those that call them
/// nameless, as pcall does.
void name_functions(lua_State* L, const char* name);

/// Pops a table, names its functions and pushes a read-only view of it. @param name  for the message of a refused write
void protect_table(lua_State* L, const char* name);

/// Pushes `require` as this program may use it.
void push_require(lua_State* L, const lua_program& program);

/// True if `name` may stand in an entry's `modules:` list.
bool is_module(std::string_view name) noexcept;

} // namespace natterjack::runtime::lua
