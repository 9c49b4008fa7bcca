// The inner steps of channels, for channel.cpp and channel_select.cpp.
#pragma once

#include "runtime/lua/engine/channel.hpp"

namespace natterjack::runtime::lua {

class engine;

/// The channel at index 1; raises if something else stands there.
channel& check_channel(lua_State* L, const char* method);

enum class taken : uint8_t { nothing, value, closed };
/// Pushes the next value of the channel at `index` if there is one.
taken take(engine& self, lua_State* L, int index, channel& ch);

/// True if a send at this moment would not have to wait.
bool can_send(const channel& ch) noexcept;
/// Raises if nothing may be sent to this channel.
int check_sendable(lua_State* L, const channel& ch);
/// Sends the value on top of L's stack and pops it; `can_send` holds.
void give(engine& self, lua_State* L, int index, channel& ch);

/// Adds a place to wait in to the current task. Room for all places was reserved before.
/// @param value_index  stack index of the value to send, 0 to receive
void enlist(engine& self, channel& ch, int place, int value_index);
/// Links all places of the current task into their channels: they do not move any more.
void link_waiters(engine& self) noexcept;

/// Creates the metatable of cases.
void make_case_class(lua_State* L);
int channel_case_send(lua_State* L);
int channel_case_receive(lua_State* L);
int channel_select(lua_State* L);

} // namespace natterjack::runtime::lua
