// Channels: how tasks of one process hand values to each other, and where messages, events and
// timers arrive. A channel is a userdata; its values live in the state and never leave the process.
//
//   call                    result                       when
//   channel.new(n)          channel                      n = 0: unbuffered
//   ch:send(v)              true                         taken or buffered; else waits.
//                                                        Raises if closed
//   ch:receive()            v, true                      else waits
//                           nil, false                   closed and drained
//   ch:close()              -                            idempotent; wakes everybody
//   ch:case_send(v), ch:case_receive()  case             for select
//   channel.select{cases…, default=true}  {channel, value, ok}   first ready case in list order
//
//   fed by   user code, or one of: the mailbox (inbox, listen), events, a timer
#pragma once

#include "runtime/lua/engine/task.hpp"

#include <cstdint>

namespace natterjack::runtime::lua {

class engine;
struct feed;

struct channel {
  uint64_t capacity = 0;
  uint64_t first = 1; ///< key of the oldest buffered value in the buffer table
  uint64_t count = 0; ///< buffered values
  waiter_list receivers;
  waiter_list senders;
  feed* source = nullptr; ///< mailbox-fed: messages wait there, not in the buffer
  bool feeds_events = false;
  bool closed = false;
  bool ticked = false;   ///< a timer fired and nobody has received that yet
  int64_t ticked_at = 0; ///< unix ns
};

/// Pushes a new channel. Raises at the limit of channels.
channel& push_new_channel(lua_State* L, uint64_t capacity);
/// The channel at `index`, or null.
channel* to_channel(lua_State* L, int index) noexcept;
/// Something arrived at a channel that others feed: one who waits for it looks again.
void notify(engine& self, channel& ch) noexcept;

/// Pushes the library table; creates the metatables of this state.
int open_channel(lua_State* L);

/// For C functions that end in a wait for one channel: pushes value and ok when there is one.
/// `return receive_from(L, index)`; index must be absolute and stay on the stack.
int receive_from(lua_State* L, int index);

} // namespace natterjack::runtime::lua
