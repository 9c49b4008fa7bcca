// Messages and events as the script sees them.
//
//   msg:topic()  msg:from()  msg:payload()      payload() is nil, one Payload, or an array of them
//
// A message is settled (its sender may say more) when it is handed to the script.
#pragma once

#include <lua.hpp>

namespace natterjack::runtime::lua {

class engine;
struct channel;

/// True if the feed behind this channel has something.
bool has_arrived(engine& self, const channel& ch) noexcept;
/// Pushes the oldest message (or value, or event) of the feed and takes it out of the queue.
void push_arrived(engine& self, lua_State* L, channel& ch);

} // namespace natterjack::runtime::lua
