// `channel.select` and its cases.
#include "runtime/lua/engine/channel_values.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/object_class.hpp"
#include "runtime/lua/process/message_object.hpp"

namespace natterjack::runtime::lua {

namespace {

constexpr int receive_case_slot = 2; // user value of a channel
// User values of a case.
constexpr int case_channel_slot = 1;
constexpr int case_value_slot = 2;
const char case_key = 0; // key of the metatable in the registry

struct select_case {
  channel* on;
  bool sends;
};

select_case* to_case(lua_State* L, int index) noexcept {
  return static_cast<select_case*>(to_object(L, index, engine_of(L).case_meta));
}

// {channel = …, value = …, ok = …}; channel at `channel_index`, value and ok on top.
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
constexpr int channel_index_of(int place) {
  return first_case_index + 2 * place;
}

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
      lua_pushvalue(L, at + 1);
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

// What most calls find: something waits at the first channels that are received from. Needs no copy of the
// list. @returns false, with only the list on the stack, if the long way has to be gone
bool take_at_once(lua_State* L) {
  auto& self = engine_of(L);
  const auto given = static_cast<lua_Integer>(lua_rawlen(L, 1));
  for (lua_Integer i = 1; i <= given; ++i) {
    lua_rawgeti(L, 1, i);
    const auto* one = to_case(L, -1);
    if (one == nullptr || one->sends || (one->on->feeds_events && has_arrived(self, *one->on)))
      break;
    auto& ch = *one->on;
    lua_getiuservalue(L, -1, case_channel_slot);
    const int at = lua_gettop(L);
    const auto got = take(self, L, at, ch);
    if (got != taken::nothing) {
      if (got == taken::closed)
        lua_pushnil(L);
      lua_pushboolean(L, got == taken::value);
      push_result(L, at);
      return true;
    }
    lua_settop(L, 1);
  }
  lua_settop(L, 1);
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
    lua_pushvalue(L, at + 1);
  lua_pushboolean(L, 1);
  return push_result(L, at);
}

} // namespace

void make_case_class(lua_State* L) {
  lua_createtable(L, 0, 1);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  engine_of(L).case_meta = lua_topointer(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &case_key);
}

int channel_case_send(lua_State* L) {
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
int channel_case_receive(lua_State* L) {
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

int channel_select(lua_State* L) {
  luaL_argexpected(L, lua_istable(L, 1), 1, "list of cases");
  const bool positional_default = lua_toboolean(L, 2) != 0;
  lua_settop(L, 1);
  if (take_at_once(L))
    return 1;
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
      if (to_channel(L, -1) != nullptr)
        return luaL_error(L, "channel.select takes cases: write ch:case_receive() or "
                             "ch:case_send(value) instead of the channel itself");
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

} // namespace natterjack::runtime::lua
