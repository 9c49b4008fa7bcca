// Module `amqp`: publish, subscribe, commands to CLU actors, actors of one's own. It is Lua on top
// of process.send: the processes behind it are actors/amqp/broker_desk.hpp, address_book.hpp and
// clu_actor.hpp.
#pragma once

#include <lua.hpp>

namespace natterjack::runtime::lua {

/// Pushes the module's table.
int open_amqp(lua_State* L);

} // namespace natterjack::runtime::lua
