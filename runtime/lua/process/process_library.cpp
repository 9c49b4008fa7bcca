#include "runtime/lua/process/process_library.hpp"

#include "runtime/lua/engine/channel.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/process/lua_process.hpp"
#include "runtime/lua/program/sandbox.hpp"
#include "runtime/lua/text_argument.hpp"

namespace natterjack::runtime::lua {

namespace {

int process_id(lua_State* L) {
  const auto& id = engine_of(L).program().id();
  lua_pushlstring(L, id.data(), id.size());
  return 1;
}

int process_pid(lua_State* L) {
  return push_pid(L, engine_of(L).id());
}

// -- what comes in ------------------------------------------------------------

// Pushes a channel for the feed that `open` gives. Nothing is open before there is one: a feed
// without a channel would have nobody to tell.
template <class Open> void push_feed_channel(lua_State* L, Open&& open) {
  auto& ch = push_new_channel(L, 0);
  lua_pushvalue(L, -1);
  const int anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  feed& source = open();
  ch.source = &source;
  source.out = &ch;
  source.anchor = anchor;
}

int process_inbox(lua_State* L) {
  auto& self = engine_of(L);
  self.collect();
  if (const auto* inbox = self.incoming().inbox())
    lua_rawgeti(L, LUA_REGISTRYINDEX, inbox->anchor);
  else
    push_feed_channel(L, [&self]() -> feed& { return self.incoming().open_inbox(); });
  return 1;
}

int process_events(lua_State* L) {
  auto& self = engine_of(L);
  if (self.events_channel == nullptr) {
    auto& ch = push_new_channel(L, 0);
    ch.feeds_events = true;
    lua_pushvalue(L, -1);
    self.events_anchor = luaL_ref(L, LUA_REGISTRYINDEX);
    self.events_channel = &ch;
  } else {
    lua_rawgeti(L, LUA_REGISTRYINDEX, self.events_anchor);
  }
  return 1;
}

int process_listen(lua_State* L) {
  const auto topic = text_argument(L, 1);
  if (topic.empty())
    return fail(L, error_kind::invalid, "process.listen: the topic is empty");
  if (topic.starts_with('@'))
    return fail(L, error_kind::invalid, "cannot listen to @ topics");
  bool as_message = false;
  if (lua_istable(L, 2)) {
    lua_getfield(L, 2, "message");
    as_message = lua_toboolean(L, -1) != 0;
  }
  auto& self = engine_of(L);
  self.collect();
  const auto* found = self.incoming().find_listener(topic, as_message);
  if (found == nullptr && !self.incoming().has_room_for_listener())
    return fail(L, error_kind::rate_limited, "too many listeners: 1000 are open already");
  if (found != nullptr)
    lua_rawgeti(L, LUA_REGISTRYINDEX, found->anchor);
  else
    push_feed_channel(L, [&self, topic, as_message]() -> feed& {
      return self.incoming().listen(std::string(topic), as_message);
    });
  return 1;
}

int process_unlisten(lua_State* L) {
  auto* ch = to_channel(L, 1);
  auto& self = engine_of(L);
  if (ch == nullptr || ch->source == nullptr || ch->source == self.incoming().inbox() ||
      ch->source->stream != 0)
    return fail(L, error_kind::invalid, "process.unlisten takes a channel of process.listen");
  luaL_unref(L, LUA_REGISTRYINDEX, ch->source->anchor);
  self.incoming().unlisten(ch->source);
  ch->source = nullptr;
  ch->closed = true;
  while (auto* w = ch->receivers.first())
    self.wake(*w->who, -1);
  self.incoming().for_waiting([&self](const feed& one) { notify(self, *one.out); });
  lua_pushboolean(L, 1);
  return 1;
}

// -- options ------------------------------------------------------------------

int get_options(lua_State* L) {
  lua_createtable(L, 0, 1);
  lua_pushboolean(L, engine_of(L).actor().traps_links());
  lua_setfield(L, -2, "trap_links");
  return 1;
}

int refuse_option(lua_State* L, const char* format, const char* what) {
  lua_pushboolean(L, 0);
  push_error(L, error_kind::invalid, lua_pushfstring(L, format, what));
  lua_remove(L, -2);
  return 2;
}

int set_options(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  bool trap = engine_of(L).actor().traps_links();
  lua_pushnil(L);
  while (lua_next(L, 1) != 0) {
    const char* key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : luaL_typename(L, -2);
    if (std::string_view(key) == "upgradable") { // an upgrade is never forced on a script here
      lua_pop(L, 1);
      continue;
    }
    if (std::string_view(key) != "trap_links")
      return refuse_option(L, "option %s is not supported", key);
    if (!lua_isboolean(L, -1))
      return refuse_option(L, "option trap_links must be a boolean, got %s", luaL_typename(L, -1));
    trap = lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
  }
  engine_of(L).actor().trap_links(trap);
  lua_pushboolean(L, 1);
  return 1;
}

} // namespace

int push_pid(lua_State* L, const hub::pid& id) {
  auto& text = engine_of(L).scratch;
  text.clear();
  append(text, id);
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

int open_process(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"id", process_id},
                                    {"pid", guarded<process_pid>},
                                    {"send", guarded<process_send>},
                                    {"inbox", guarded<process_inbox>},
                                    {"events", guarded<process_events>},
                                    {"listen", guarded<process_listen>},
                                    {"unlisten", guarded<process_unlisten>},
                                    {"get_options", get_options},
                                    {"set_options", set_options},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  add_process_control(L);
  lua_createtable(L, 0, 3);
  lua_pushliteral(L, "pid.cancel");
  lua_setfield(L, -2, "CANCEL");
  lua_pushliteral(L, "pid.exit");
  lua_setfield(L, -2, "EXIT");
  lua_pushliteral(L, "pid.link.down");
  lua_setfield(L, -2, "LINK_DOWN");
  lua_setfield(L, -2, "event");
  push_process_names(L);
  name_functions(L, "process.registry");
  lua_setfield(L, -2, "registry");
  return 1;
}

} // namespace natterjack::runtime::lua
