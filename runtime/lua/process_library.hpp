// `process`: identity, sending, what comes in, names; the processes beside it are in
// process_control.cpp.
// `pubsub`: the guide's alias of process.send.
#pragma once

#include <lua.hpp>

namespace natterjack::runtime::lua {

int open_process(lua_State* L);
int open_pubsub(lua_State* L);

/// Adds spawn*, exec, terminate, cancel, monitor, link and so on to the table on the stack.
void add_process_control(lua_State* L);

/// process.send with dest, topic and values at 1, 2, 3…: pushes its results.
int send_values(lua_State* L);

} // namespace natterjack::runtime::lua
