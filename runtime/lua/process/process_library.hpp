// `process`: identity, options and what comes in. Beside it: sending, with `pubsub`
// (process_send.cpp), names (process_names.cpp), and the processes around it (process_control.cpp).
#pragma once

#include "hub/pid.hpp"

#include <lua.hpp>

namespace natterjack::runtime::lua {

int open_process(lua_State* L);
int open_pubsub(lua_State* L);

/// Adds spawn*, exec, terminate, cancel, monitor, link and so on to the table on the stack.
void add_process_control(lua_State* L);

/// Pushes the table `process.registry`.
void push_process_names(lua_State* L);

/// process.send: checks that there is something to send, then as `send_values`.
int process_send(lua_State* L);
/// process.send with dest, topic and values at 1, 2, 3…: pushes its results.
int send_values(lua_State* L);

/// Pushes a PID as scripts have it, a text. @returns 1
int push_pid(lua_State* L, const hub::pid& id);

} // namespace natterjack::runtime::lua
