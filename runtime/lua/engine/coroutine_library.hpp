// `coroutine`, so that a task may wait, or be interrupted, deep inside coroutines of the script.
//
//   create resume wrap yield status running isyieldable close   as in Lua
//   spawn(f, …)   a task of its own: runs when the others wait; an error in it ends the process
//
// When the engine suspends a task, every coroutine on the way yields up to the scheduler with a
// continuation that resumes the inner one later. The script sees nothing of it.
#pragma once

#include <lua.hpp>

namespace natterjack::runtime::lua {

/// Pushes the library table.
int open_coroutine(lua_State* L);

/// Pushes `spawn` for modules: their tasks end with the call of a function that has begun them.
void push_follow(lua_State* L);

} // namespace natterjack::runtime::lua
