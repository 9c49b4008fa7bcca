// Messages, payloads and events as the script sees them.
//
//   msg:topic()  msg:from()  msg:payload()      payload() is nil, one Payload, or an array of them
//   p:data()  p:unmarshal()  p:get_format()  p:transcode(format)
//   payload.new(v)   payload.json(text)   payload.format.{JSON, STRING, …}
//
// A message is settled (its sender may say more) when it is handed to the script.
#pragma once

#include "hub/message.hpp"

#include <lua.hpp>

namespace natterjack::runtime::lua {

class engine;
struct channel;

/// True if the feed behind this channel has something.
bool has_arrived(engine& self, const channel& ch) noexcept;
/// Pushes the oldest message (or value, or event) of the feed and takes it out of the queue.
void push_arrived(engine& self, lua_State* L, channel& ch);

/// Pushes a Payload object and gives access to what it holds, nil at first.
hub::payload& push_empty_payload(lua_State* L);
/// The payload inside the object at `index`, or null.
const hub::payload* to_payload(lua_State* L, int index) noexcept;

/// Pushes the `payload` library; creates the metatables of this state.
int open_payload(lua_State* L);

} // namespace natterjack::runtime::lua
