// The Lua module `pg`: named groups of processes, one message to all members.
//
//   Lua                                   result
//   pg.open("namespace:name")             group             nil, err (INVALID): no entry id
//   g:join(name | {name…}, pid?)          true              nil, err (INVALID, NOT_FOUND)
//   g:leave(name | {name…}, pid?)         true              nil, err (INVALID): member of none
//   g:get_members(name)                   array of PIDs     nil, err (INVALID): no name
//   g:which_groups()                      array of names
//   g:broadcast(name, topic, ...)         true              nil, err (INVALID): cannot be sent
//   g:release()                           true, again and again
//   get_local_members, which_local_groups and broadcast_local are the same on one node
//
//   pid     another process (such as a connection) joins or leaves; without it, the caller
//   bounds  200 bytes a name, 1,000 names a call
//   never   encodes a value once for each member, sends twice to who joined twice
//
// A member leaves by itself when it ends. The groups of a scope are the hub's groups "scope/name".
#pragma once

#include "runtime/lua/host_api.hpp"

namespace natterjack::runtime::lua {

/// Pushes the module's table.
int open_pg(lua_State* L);

} // namespace natterjack::runtime::lua
