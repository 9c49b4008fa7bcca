// The first function of a task that runs an entry: loads the program once, then calls its method.
#pragma once

#include <lua.hpp>

namespace natterjack::runtime::lua {

/// A lua_CFunction without arguments: the method gets `engine::arguments`; returns what it returns.
int call_method(lua_State* L);

} // namespace natterjack::runtime::lua
