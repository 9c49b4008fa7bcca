// What Lua is bound to, from the options of entries to those of the Lua host.
#pragma once

#include "runtime/config/options/options.hpp"
#include "runtime/lua/function_pool.hpp"
#include "runtime/lua/program/lua_program.hpp"

namespace natterjack::runtime {

lua::lua_limits to_lua(const lua_limits& from);

/// How many states a function has: fixed, made when needed, or one for each call.
lua::pool_options to_lua(const pool_options& from);

} // namespace natterjack::runtime
