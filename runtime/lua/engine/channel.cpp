#include "hub/counters.hpp"
#include "runtime/lua/engine/channel.hpp"

#include "runtime/lua/engine/channel_values.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/object_class.hpp"
#include "runtime/lua/process/message_object.hpp"

#include <cstdlib>

namespace natterjack::runtime::lua {

namespace {

// User values of a channel.
constexpr int buffer_slot = 1;

// Key of the metatable in the registry.
const char channel_key = 0;

// -- values -------------------------------------------------------------------

// Appends the value on top of L's stack to the buffer of the channel at `index`; pops it.
void buffer_value(lua_State* L, int index, channel& ch) {
  if (lua_getiuservalue(L, index, buffer_slot) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_createtable(L, 4, 0);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, index, buffer_slot);
  }
  lua_insert(L, -2);
  lua_rawseti(L, -2, static_cast<lua_Integer>(ch.first + ch.count));
  ++ch.count;
  lua_pop(L, 1);
}

void push_buffered(lua_State* L, int index, channel& ch) {
  lua_getiuservalue(L, index, buffer_slot);
  lua_rawgeti(L, -1, static_cast<lua_Integer>(ch.first));
  lua_pushnil(L);
  lua_rawseti(L, -3, static_cast<lua_Integer>(ch.first));
  lua_remove(L, -2);
  ++ch.first;
  if (--ch.count == 0)
    ch.first = 1;
}

// Pushes on L what a waiting sender wants to send; that sender has sent then.
void take_from_sender(engine& self, lua_State* L, waiter& sender) {
  auto& who = *sender.who;
  lua_pushvalue(who.waits_in, sender.value_index);
  lua_xmove(who.waits_in, L, 1);
  self.wake(who, sender.place);
}

} // namespace

channel& check_channel(lua_State* L, const char* method) {
  if (auto* ch = to_channel(L, 1))
    return *ch;
  luaL_error(L, "channel method '%s' needs a channel in front: write ch:%s(...), not ch.%s(...)",
             method, method, method);
  std::abort(); // luaL_error does not return
}

taken take(engine& self, lua_State* L, int index, channel& ch) {
  if (ch.count > 0) {
    push_buffered(L, index, ch);
    if (auto* sender = ch.senders.first()) {
      take_from_sender(self, L, *sender);
      buffer_value(L, index, ch);
    }
    return taken::value;
  }
  if (auto* sender = ch.senders.first()) {
    take_from_sender(self, L, *sender);
    return taken::value;
  }
  if (has_arrived(self, ch)) {
    push_arrived(self, L, ch);
    self.made_progress();
    if (has_arrived(self, ch))
      notify(self, ch);
    return taken::value;
  }
  if (ch.ticked) {
    push_time(L, ch.ticked_at);
    ch.ticked = false;
    return taken::value;
  }
  return ch.closed ? taken::closed : taken::nothing;
}

bool can_send(const channel& ch) noexcept {
  return !ch.receivers.empty() || ch.count < ch.capacity;
}

void give(engine& self, lua_State* L, int index, channel& ch) {
  if (auto* receiver = ch.receivers.first()) {
    auto& who = *receiver->who;
    lua_xmove(L, who.waits_in, 1);
    self.wake(who, receiver->place);
    return;
  }
  buffer_value(L, index, ch);
}

int check_sendable(lua_State* L, const channel& ch) {
  if (ch.source != nullptr || ch.feeds_events)
    return luaL_error(L, "cannot send to a channel of the process mailbox; use process.send");
  if (ch.closed)
    return luaL_error(L, "send on closed channel");
  return 0;
}

void enlist(engine& self, channel& ch, int place, int value_index) {
  auto& who = self.current();
  auto& w = who.waiters.emplace_back();
  w.who = &who;
  w.on = &ch;
  w.place = place;
  w.value_index = value_index;
}

void link_waiters(engine& self) noexcept {
  for (auto& w : self.current().waiters)
    (w.value_index != 0 ? w.on->senders : w.on->receivers).append(w);
}

namespace {

// -- receive ------------------------------------------------------------------

int receive_again(lua_State* L, int, lua_KContext index) {
  auto& self = engine_of(L);
  if (self.current().fired >= 0) { // a sender has put its value on this stack
    lua_pushboolean(L, 1);
    return 2;
  }
  return receive_from(L, static_cast<int>(index));
}

int channel_receive(lua_State* L) {
  check_channel(L, "receive");
  return receive_from(L, 1);
}

// -- send ---------------------------------------------------------------------

int channel_send(lua_State* L);

int send_again(lua_State* L, int, lua_KContext) {
  if (engine_of(L).current().fired < 0) {
    lua_settop(L, 2);
    return channel_send(L); // closed meanwhile
  }
  lua_pushboolean(L, 1);
  return 1;
}

int channel_send(lua_State* L) {
  auto& ch = check_channel(L, "send");
  auto& self = engine_of(L);
  check_sendable(L, ch);
  lua_settop(L, 2);
  if (can_send(ch)) {
    give(self, L, 1, ch);
    lua_pushboolean(L, 1);
    return 1;
  }
  self.check_can_wait(L);
  self.current().waiters.reserve(1);
  enlist(self, ch, 0, 2);
  link_waiters(self);
  return self.wait(L, 0, guarded_k<send_again>);
}

int channel_close(lua_State* L) {
  auto& ch = check_channel(L, "close");
  auto& self = engine_of(L);
  ch.closed = true;
  while (auto* w = ch.receivers.first())
    self.wake(*w->who, -1);
  while (auto* w = ch.senders.first())
    self.wake(*w->who, -1);
  return 0;
}

// -- the library --------------------------------------------------------------

int channel_new(lua_State* L) {
  const auto capacity = luaL_optinteger(L, 1, 0);
  luaL_argcheck(L, capacity >= 0, 1, "capacity is negative");
  push_new_channel(L, static_cast<uint64_t>(capacity));
  return 1;
}

int channel_gc(lua_State* L) {
  --engine_of(L).channels;
  return 0;
}

int channel_tostring(lua_State* L) {
  lua_pushfstring(L, "channel: %p", lua_topointer(L, 1));
  return 1;
}

} // namespace

channel* to_channel(lua_State* L, int index) noexcept {
  return static_cast<channel*>(to_object(L, index, engine_of(L).channel_meta));
}

channel& push_new_channel(lua_State* L, uint64_t capacity) {
  auto& self = engine_of(L);
  const auto most = self.program().limits().channels;
  if (self.channels >= most) {
    lua_gc(L, LUA_GCCOLLECT); // those that nobody holds any more do not count
    if (self.channels >= most) {
      hub::count(hub::counter::limit_channels);
      luaL_error(L, "too many channels: limit channels (%d) reached", static_cast<int>(most));
    }
  }
  auto* made = new (lua_newuserdatauv(L, sizeof(channel), 2)) channel;
  made->capacity = capacity;
  set_class(L, &channel_key);
  ++self.channels;
  return *made;
}

void notify(engine& self, channel& ch) noexcept {
  if (auto* receiver = ch.receivers.first())
    self.wake(*receiver->who, -1);
}

int receive_from(lua_State* L, int index) {
  auto& self = engine_of(L);
  auto& ch = *to_channel(L, index);
  auto got = take(self, L, index, ch);
  if (got == taken::nothing && self.collect())
    got = take(self, L, index, ch);
  switch (got) {
  case taken::value:
    lua_pushboolean(L, 1);
    return 2;
  case taken::closed:
    lua_pushnil(L);
    lua_pushboolean(L, 0);
    return 2;
  case taken::nothing:
    break;
  }
  self.check_can_wait(L);
  self.current().waiters.reserve(1);
  enlist(self, ch, 0, 0);
  link_waiters(self);
  return self.wait(L, index, guarded_k<receive_again>);
}

int open_channel(lua_State* L) {
  auto& self = engine_of(L);
  constexpr luaL_Reg methods[] = {{"send", guarded<channel_send>},
                                  {"receive", guarded<channel_receive>},
                                  {"close", guarded<channel_close>},
                                  {"case_send", guarded<channel_case_send>},
                                  {"case_receive", guarded<channel_case_receive>},
                                  {nullptr, nullptr}};
  constexpr luaL_Reg hooks[] = {
      {"__gc", channel_gc}, {"__tostring", channel_tostring}, {nullptr, nullptr}};
  luaL_newlib(L, methods);
  self.channel_meta = make_class(L, &channel_key, hooks);
  make_case_class(L);

  constexpr luaL_Reg functions[] = {
      {"new", guarded<channel_new>}, {"select", guarded<channel_select>}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

} // namespace natterjack::runtime::lua
