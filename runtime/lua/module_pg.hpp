// The Lua module `pg`: named groups of processes, one message to all members.
//
//   Lua                                     result
//   pg.open("namespace:name")               group              nil, err (INVALID): no entry id
//   g:join(name | {name…}, pid?)            true               nil, err (INVALID, NOT_FOUND)
//   g:leave(name | {name…}, pid?)           true               nil, err (INVALID): member of none
//   g:get_members(name)                     array of PIDs; get_local_members is the same on one
//   node g:which_groups()                        array of names;  which_local_groups is the same
//   g:broadcast(name, topic, ...)           true               nil, err: a value cannot be sent
//   g:broadcast_local(name, topic, ...)     the same on one node
//   g:release()                             true, again and again
//
//   with a PID, another process (such as a connection) joins or leaves. Without one, the caller
//   does bounds  200 bytes a name, 1,000 names a call never   encodes a value once for each member;
//   sends to a process twice for joining twice
//
// A member leaves by itself when it ends. The groups of a scope are the hub's groups "scope/name".
#pragma once

#include "runtime/lua/host_api.hpp"

namespace natterjack::runtime::lua {

/// Pushes the module's table.
int open_pg(lua_State* L);

} // namespace natterjack::runtime::lua
