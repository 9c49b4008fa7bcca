#include "runtime/lua/channel.hpp"

#include "runtime/lua/engine.hpp"
#include "runtime/lua/message_object.hpp"
#include "runtime/lua/object_class.hpp"

#include <cstdlib>

namespace natterjack::runtime::lua {

namespace {

// User values of a channel.
constexpr int buffer_slot = 1;
constexpr int receive_case_slot = 2;
// User values of a case.
constexpr int case_channel_slot = 1;
constexpr int case_value_slot = 2;

// Keys of the metatables in the registry.
const char channel_key = 0;
const char case_key = 0;

struct select_case {
  channel* on;
  bool sends;
};

channel& check_channel(lua_State* L, const char* method) {
  if (auto* ch = to_channel(L, 1))
    return *ch;
  luaL_error(L, "channel method '%s' needs a channel in front: write ch:%s(...), not ch.%s(...)",
             method, method, method);
  std::abort(); // luaL_error does not return
}

select_case* to_case(lua_State* L, int index) noexcept {
  return static_cast<select_case*>(to_object(L, index, engine_of(L).case_meta));
}

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

enum class taken : uint8_t { nothing, value, closed };

// Pushes the next value of the channel at `index` if there is one.
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

// True if a send at this moment would not have to wait.
bool can_send(const channel& ch) noexcept {
  return !ch.receivers.empty() || ch.count < ch.capacity;
}

// Sends the value on top of L's stack and pops it; `can_send` holds.
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

// Waiters are linked into their channels once they do not move any more.
void link_waiters(engine& self) noexcept {
  for (auto& w : self.current().waiters)
    (w.value_index != 0 ? w.on->senders : w.on->receivers).append(w);
}

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

// -- select -------------------------------------------------------------------

int case_send(lua_State* L) {
  auto& ch = check_channel(L, "case_send");
  lua_settop(L, 2);
  auto* made = static_cast<select_case*>(lua_newuserdatauv(L, sizeof(select_case), 2));
  *made = {&ch, true};
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, case_channel_slot);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, case_value_slot);
  set_class(L, &case_key);
  return 1;
}

// The same object each time: a loop that selects makes no garbage for it.
int case_receive(lua_State* L) {
  auto& ch = check_channel(L, "case_receive");
  if (lua_getiuservalue(L, 1, receive_case_slot) == LUA_TUSERDATA)
    return 1;
  auto* made = static_cast<select_case*>(lua_newuserdatauv(L, sizeof(select_case), 2));
  *made = {&ch, false};
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, case_channel_slot);
  set_class(L, &case_key);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, receive_case_slot);
  return 1;
}

// {channel = …, value = …, ok = …}; channel at `channel_index`, value and ok on top of the stack.
int push_result(lua_State* L, int channel_index) {
  lua_createtable(L, 0, 3);
  lua_insert(L, -3);
  lua_setfield(L, -3, "ok");
  lua_setfield(L, -2, "value");
  if (channel_index != 0) {
    lua_pushvalue(L, channel_index);
    lua_setfield(L, -2, "channel");
  }
  return 1;
}

// Stack of a waiting select: 1 the list, then for each case its channel and its value (or nil).
constexpr int first_case_index = 2;
constexpr int channel_index_of(int place) { return first_case_index + 2 * place; }

// CANCEL asks to end, but what was queued before it comes first, whatever the order of the cases.
bool waits_for_older_messages(engine& self, lua_State* L, int places) {
  auto& events = self.incoming().events();
  if (events.empty() || events.front().kind != event_kind::cancel)
    return false;
  for (int place = 0; place < places; ++place) {
    auto* ch = to_channel(L, channel_index_of(place));
    if (ch->source != nullptr && !ch->source->queue.empty() &&
        ch->source->queue.front().number < events.front().number)
      return true;
  }
  return false;
}

int select_again(lua_State* L, int, lua_KContext places);

// Takes the first case that is ready. @returns false, with nothing pushed, if none is
bool select_now(lua_State* L, int places) {
  auto& self = engine_of(L);
  for (int place = 0; place < places; ++place) {
    const int at = channel_index_of(place);
    auto& ch = *to_channel(L, at);
    lua_rawgeti(L, 1, place + 1); // the case: the list is a copy of ours
    const bool sends = to_case(L, -1)->sends;
    lua_pop(L, 1);
    if (sends) {
      check_sendable(L, ch);
      if (!can_send(ch))
        continue;
      lua_pushvalue(L, at + 1);
      give(self, L, at, ch);
      lua_pushnil(L);
      lua_pushboolean(L, 1);
      push_result(L, at);
      return true;
    }
    if (ch.feeds_events && waits_for_older_messages(self, L, places))
      continue;
    switch (take(self, L, at, ch)) {
      case taken::value:
        lua_pushboolean(L, 1);
        push_result(L, at);
        return true;
      case taken::closed:
        lua_pushnil(L);
        lua_pushboolean(L, 0);
        push_result(L, at);
        return true;
      case taken::nothing:
        break;
    }
  }
  return false;
}

// Cases are on the stack. Takes the first that is ready, else waits.
int select_ready(lua_State* L, int places, bool has_default) {
  auto& self = engine_of(L);
  // What came in meanwhile may be for any of the cases: all are looked at again.
  if (select_now(L, places) || (self.collect() && select_now(L, places)))
    return 1;
  if (has_default) {
    lua_createtable(L, 0, 2);
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "default");
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "ok");
    return 1;
  }
  self.check_can_wait(L);
  self.current().waiters.reserve(static_cast<size_t>(places));
  for (int place = 0; place < places; ++place) {
    const int at = channel_index_of(place);
    lua_rawgeti(L, 1, place + 1);
    const bool sends = to_case(L, -1)->sends;
    lua_pop(L, 1);
    enlist(self, *to_channel(L, at), place, sends ? at + 1 : 0);
  }
  link_waiters(self);
  return self.wait(L, places, guarded_k<select_again>);
}

// A task that was woken for one channel but took another: whoever else waits there must look.
void pass_on(engine& self, lua_State* L, int places) {
  for (int place = 0; place < places; ++place) {
    auto& ch = *to_channel(L, channel_index_of(place));
    if (!ch.receivers.empty() && (ch.ticked || has_arrived(self, ch)))
      notify(self, ch);
  }
}

int select_again(lua_State* L, int, lua_KContext context) {
  auto& self = engine_of(L);
  const int places = static_cast<int>(context);
  const int fired = self.current().fired;
  if (fired < 0) {
    lua_settop(L, channel_index_of(places) - 1);
    const int results = select_ready(L, places, false);
    pass_on(self, L, places);
    return results;
  }
  const int at = channel_index_of(fired);
  lua_rawgeti(L, 1, fired + 1);
  const bool sends = to_case(L, -1)->sends;
  lua_pop(L, 1);
  if (sends)
    lua_pushnil(L);
  lua_pushboolean(L, 1);
  return push_result(L, at);
}

int select(lua_State* L) {
  luaL_argexpected(L, lua_istable(L, 1), 1, "list of cases");
  const bool positional_default = lua_toboolean(L, 2) != 0;
  lua_settop(L, 1);
  lua_getfield(L, 1, "default");
  const bool has_default = positional_default || lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  const auto given = static_cast<int>(lua_rawlen(L, 1));
  lua_createtable(L, given, 0); // the script may change its list while we wait
  lua_insert(L, 1);             // 1 our list, 2 theirs
  int places = 0;
  for (int i = 1; i <= given; ++i) {
    luaL_checkstack(L, 6, "too many cases");
    lua_rawgeti(L, 2, i);
    if (to_case(L, -1) == nullptr) { // what is no case is ignored
      lua_pop(L, 1);
      continue;
    }
    lua_getiuservalue(L, -1, case_channel_slot);
    lua_getiuservalue(L, -2, case_value_slot);
    lua_rotate(L, -3, -1); // the case to the top
    lua_rawseti(L, 1, ++places);
  }
  lua_remove(L, 2);
  return select_ready(L, places, has_default);
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
    if (self.channels >= most)
      luaL_error(L, "too many channels: limit channels (%d) reached", static_cast<int>(most));
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
                                  {"case_send", guarded<case_send>},
                                  {"case_receive", guarded<case_receive>},
                                  {nullptr, nullptr}};
  constexpr luaL_Reg hooks[] = {
      {"__gc", channel_gc}, {"__tostring", channel_tostring}, {nullptr, nullptr}};
  luaL_newlib(L, methods);
  self.channel_meta = make_class(L, &channel_key, hooks);

  lua_createtable(L, 0, 1);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  self.case_meta = lua_topointer(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &case_key);

  constexpr luaL_Reg functions[] = {
      {"new", guarded<channel_new>}, {"select", guarded<select>}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

} // namespace natterjack::runtime::lua
