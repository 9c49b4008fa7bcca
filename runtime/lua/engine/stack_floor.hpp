// Fewer nested C calls for a script than Lua itself allows: `limits.stack`.
//
// Lua counts the C calls of a coroutine from those of the thread that resumes it, up to 200. Tasks
// are resumed from a thread that stands so deep already that only the script's levels are left.
#pragma once

#include <lua.hpp>

#include <cstddef>

namespace natterjack::runtime::lua {

constexpr size_t c_calls_max = 200; ///< LUAI_MAXCCALLS of Lua

/// A Lua function of one number: makes the thread that leaves so many levels, below `c_calls_max`.
int make_stack_floor(lua_State* L);

/// @returns the thread that tasks are resumed from; null: they have all levels
lua_State* stack_floor_of(lua_State* main) noexcept;

} // namespace natterjack::runtime::lua
