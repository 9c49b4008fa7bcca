#include "runtime/lua/process_library.hpp"

#include "hub/counters.hpp"
#include "hub/multicast.hpp"
#include "hub/node.hpp"
#include "runtime/lua/channel.hpp"
#include "runtime/lua/engine.hpp"
#include "runtime/lua/error_argument.hpp"
#include "runtime/lua/lua_process.hpp"

namespace natterjack::runtime::lua {

namespace {

std::string_view text_at(lua_State* L, int index) {
  size_t size = 0;
  const char* bytes = luaL_checklstring(L, index, &size);
  return {bytes, size};
}

int push_pid(lua_State* L, const hub::pid& id) {
  auto& text = engine_of(L).scratch;
  text.clear();
  append(text, id);
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

int process_id(lua_State* L) {
  const auto& id = engine_of(L).program().id();
  lua_pushlstring(L, id.data(), id.size());
  return 1;
}

int process_pid(lua_State* L) {
  return push_pid(L, engine_of(L).id());
}

// -- send ---------------------------------------------------------------------

struct send_outcome {
  bool built = false;
  lua_Integer reached = 0;
  error_kind kind = error_kind::unknown; // why not; the text is in `scratch`
};

bool send_to(engine& self, std::string_view dest, const hub::message_ptr& what,
             send_outcome& outcome) {
  auto found = self.destinations.find(self.node(), dest, &self.scratch);
  if (!found) {
    outcome.kind = error_kind::not_found;
    return false;
  }
  const auto result = deliver(*found.self, what);
  if (result == hub::send_result::sent)
    return true;
  outcome.kind =
      result == hub::send_result::mailbox_full ? error_kind::unavailable : error_kind::not_found;
  self.scratch = to_string(result);
  return false;
}

// A message of the one value at index 3; the one sent last if it says the same.
hub::message_ptr message_of(engine& self, lua_State* L, const hub::shared_bytes& topic,
                            encode_error& error) {
  auto& recent = self.recent;
  hub::payload value;
  switch (lua_type(L, 3)) {
  case LUA_TSTRING: {
    size_t size = 0;
    const char* bytes = lua_tolstring(L, 3, &size);
    if (recent.is_text(topic, {bytes, size}))
      return recent.repeat();
    break;
  }
  case LUA_TTABLE: { // encoded each time: nothing tells whether it was changed
    std::string_view document;
    if (!encode_with_errors(L, 3, document, error))
      return nullptr;
    if (recent.is_json(topic, document)) {
      encode_buffer(); // gives back what was much
      return recent.repeat();
    }
    value = hub::payload::json(document);
    encode_buffer();
    return recent.first(self.id(), topic, std::move(value));
  }
  default:
    break;
  }
  if (!read_argument(L, 3, value, error))
    return nullptr;
  if (recent.is_same(topic, value))
    return recent.repeat();
  return recent.first(self.id(), topic, std::move(value));
}

// Builds one message of the values from index 3 on and sends it; all C++ objects live here, and
// nothing called here raises.
send_outcome build_and_send(engine& self, lua_State* L, int last) {
  send_outcome outcome;
  encode_error error;
  size_t size = 0;
  const char* bytes = lua_tolstring(L, 2, &size);
  const auto topic = self.topics.get({bytes, size});
  hub::message_ptr what;
  if (last == 3) {
    what = message_of(self, L, topic, error);
  } else {
    std::vector<hub::payload> values(static_cast<size_t>(last - 2));
    bool good = true;
    for (int i = 3; i <= last && good; ++i)
      good = read_argument(L, i, values[static_cast<size_t>(i - 3)], error);
    if (good)
      what = hub::make_message(self.id(), topic, std::move(values));
  }
  if (!what) {
    outcome.kind = error_kind::invalid;
    self.scratch = error.text;
    return outcome;
  }
  if (lua_type(L, 1) == LUA_TSTRING) {
    bytes = lua_tolstring(L, 1, &size);
    outcome.built = send_to(self, {bytes, size}, what, outcome);
    return outcome;
  }
  outcome.built = true;
  const auto count = static_cast<lua_Integer>(lua_rawlen(L, 1));
  const bool with_errors = holds_errors(*what);
  hub::multicast receivers;
  hub::multicast others; // who gets errors as texts
  for (lua_Integer i = 1; i <= count; ++i) {
    if (lua_rawgeti(L, 1, i) == LUA_TSTRING) {
      bytes = lua_tolstring(L, -1, &size);
      if (auto found = self.destinations.find(self.node(), {bytes, size}, nullptr))
        (with_errors && !reads_errors(*found.self) ? others : receivers).add(std::move(found));
    }
    lua_pop(L, 1);
  }
  outcome.reached = static_cast<lua_Integer>(receivers.send(what));
  if (with_errors)
    outcome.reached += static_cast<lua_Integer>(others.send(for_others(what)));
  return outcome;
}

int process_send(lua_State* L) {
  if (lua_gettop(L) < 2)
    return fail(L, error_kind::invalid, "process.send takes a destination, a topic and values");
  return send_values(L);
}

// -- what comes in ------------------------------------------------------------

void push_feed_channel(lua_State* L, feed& source) {
  auto& ch = push_new_channel(L, 0);
  ch.source = &source;
  source.out = &ch;
  lua_pushvalue(L, -1);
  source.anchor = luaL_ref(L, LUA_REGISTRYINDEX);
}

int process_inbox(lua_State* L) {
  auto& self = engine_of(L);
  self.collect();
  auto* inbox = self.incoming().inbox();
  if (inbox == nullptr)
    inbox = &self.incoming().open_inbox();
  if (inbox->out == nullptr)
    push_feed_channel(L, *inbox);
  else
    lua_rawgeti(L, LUA_REGISTRYINDEX, inbox->anchor);
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
  const auto topic = text_at(L, 1);
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
  auto* found = self.incoming().find_listener(topic, as_message);
  if (found == nullptr && !self.incoming().has_room_for_listener())
    return fail(L, error_kind::rate_limited, "too many listeners: 1000 are open already");
  if (found == nullptr)
    found = &self.incoming().listen(std::string(topic), as_message);
  if (found->out == nullptr)
    push_feed_channel(L, *found);
  else
    lua_rawgeti(L, LUA_REGISTRYINDEX, found->anchor);
  return 1;
}

int process_unlisten(lua_State* L) {
  auto* ch = to_channel(L, 1);
  auto& self = engine_of(L);
  if (ch == nullptr || ch->source == nullptr || ch->source == self.incoming().inbox())
    return fail(L, error_kind::invalid, "process.unlisten takes a channel of process.listen");
  luaL_unref(L, LUA_REGISTRYINDEX, ch->source->anchor);
  self.incoming().unlisten(ch->source);
  ch->source = nullptr;
  ch->closed = true;
  while (auto* w = ch->receivers.first())
    self.wake(*w->who, -1);
  if (auto* inbox = self.incoming().inbox(); inbox != nullptr && !inbox->queue.empty())
    notify(self, *inbox->out);
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

// -- names --------------------------------------------------------------------

// A new version asks for the name of the one it replaces: it gets it when it has started.
bool claim_name(engine& self, const std::string& name, const hub::pid& owner) {
  auto* claims = self.actor().claims();
  if (claims == nullptr || owner != self.id())
    return false;
  std::lock_guard guard(claims->mutex);
  const auto holder = self.node().names().lookup(name);
  if (!holder || *holder != claims->held_by)
    return false;
  if (claims->is_over)
    self.node().names().hand_over({name}, claims->held_by, owner);
  else
    claims->names.push_back(name);
  return true;
}

enum class name_outcome : uint8_t { good, taken, too_many, no_process };

name_outcome add_name(engine& self, std::string_view name, std::string_view owner) {
  auto& node = self.node();
  auto id = self.id();
  if (!owner.empty()) {
    auto found = node.resolve(owner);
    if (!found)
      return name_outcome::no_process;
    id = found.self->id();
  }
  switch (node.names().add(std::string(name), id, self.program().limits().names)) {
  case hub::register_result::registered:
    return name_outcome::good;
  case hub::register_result::taken:
    return claim_name(self, std::string(name), id) ? name_outcome::good : name_outcome::taken;
  case hub::register_result::too_many:
    break;
  }
  hub::count(hub::counter::limit_names);
  return name_outcome::too_many;
}

constexpr size_t name_bytes_max = 1024; // names are held and shown outside of limits.memory

int registry_register(lua_State* L) {
  const auto name = text_at(L, 1);
  const auto owner = lua_isnoneornil(L, 2) ? std::string_view{} : text_at(L, 2);
  if (name.empty() || name.starts_with('{'))
    return fail(L, error_kind::invalid, "a name must not be empty or start with {");
  if (name.size() > name_bytes_max)
    return fail(L, error_kind::invalid, "a name has at most 1024 bytes");
  switch (add_name(engine_of(L), name, owner)) {
  case name_outcome::good:
    lua_pushboolean(L, 1);
    return 1;
  case name_outcome::taken:
    return fail(L, error_kind::already_exists, "name is registered by another process");
  case name_outcome::too_many:
    return fail(L, error_kind::rate_limited, "too many names: limit names reached");
  case name_outcome::no_process:
    break;
  }
  return fail(L, error_kind::not_found, "pid not registered");
}

hub::pid find_name(engine& self, std::string_view name) {
  return self.node().names().lookup(std::string(name)).value_or(hub::pid{});
}

int registry_lookup(lua_State* L) {
  const auto id = find_name(engine_of(L), text_at(L, 1));
  if (!id)
    return fail(L, error_kind::not_found, "name not registered");
  return push_pid(L, id);
}

// Names of a wider scope than this node are their holder's alone.
bool remove_name(engine& self, std::string_view name, bool only_own) {
  const auto holder = self.node().names().lookup(std::string(name));
  // The name went on to the version that replaced this process: it stays there.
  if (const auto next = self.node().successor_of(self.id().number()))
    if (holder == next.self->id())
      return true;
  if (only_own && holder != self.id())
    return false;
  return self.node().names().remove(std::string(name));
}

int registry_unregister(lua_State* L) {
  lua_pushboolean(L, remove_name(engine_of(L), text_at(L, 1),
                                 luaL_optinteger(L, 2, 0) > 0));
  return 1;
}

void push_registry(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"register", guarded<registry_register>},
                                    {"lookup", guarded<registry_lookup>},
                                    {"unregister", guarded<registry_unregister>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  constexpr const char* scopes[] = {"LOCAL", "EVENTUAL", "CONSISTENT", "STRONG"};
  for (int i = 0; i < 4; ++i) {
    lua_pushinteger(L, i);
    lua_setfield(L, -2, scopes[i]);
  }
}

// -- pubsub -------------------------------------------------------------------

// pubsub.message.new(from, to, topic, payload): `from` is always the caller, whatever is passed.
int pubsub_message_new(lua_State* L) {
  lua_settop(L, 4);
  lua_createtable(L, 0, 3);
  lua_pushvalue(L, 2);
  lua_setfield(L, -2, "to");
  lua_pushvalue(L, 3);
  lua_setfield(L, -2, "topic");
  lua_pushvalue(L, 4);
  lua_setfield(L, -2, "payload");
  return 1;
}

int pubsub_send(lua_State* L) {
  luaL_argexpected(L, lua_istable(L, 1), 1, "message of pubsub.message.new");
  lua_settop(L, 1);
  lua_getfield(L, 1, "to");
  lua_getfield(L, 1, "topic");
  lua_getfield(L, 1, "payload");
  lua_remove(L, 1);
  send_values(L);
  lua_pushboolean(L, lua_isboolean(L, 4) || lua_isinteger(L, 4));
  return 1;
}

} // namespace

int send_values(lua_State* L) {
  const int last = lua_gettop(L);
  const int dest = lua_type(L, 1);
  if (dest != LUA_TSTRING && dest != LUA_TTABLE)
    return fail(L, error_kind::invalid,
                "process.send: the destination must be a PID, a name, or a list of these");
  if (dest == LUA_TTABLE && lua_rawlen(L, 1) == 0 && lua_getmetatable(L, 1) != 0)
    return fail(L, error_kind::invalid,
                "process.send is no method: write process.send(dest, topic, ...) with a dot");
  if (lua_type(L, 2) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "process.send: the topic must be a text");
  if (*lua_tostring(L, 2) == '@')
    return fail(L, error_kind::invalid, "cannot send to @ topics");
  luaL_checkstack(L, 4, nullptr);
  auto& self = engine_of(L);
  const auto outcome = build_and_send(self, L, last);
  if (!outcome.built)
    return fail(L, outcome.kind, self.scratch);
  if (dest == LUA_TTABLE)
    lua_pushinteger(L, outcome.reached);
  else
    lua_pushboolean(L, 1);
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
  push_registry(L);
  lua_setfield(L, -2, "registry");
  return 1;
}

int open_pubsub(lua_State* L) {
  lua_createtable(L, 0, 2);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, pubsub_message_new);
  lua_setfield(L, -2, "new");
  lua_setfield(L, -2, "message");
  lua_pushcfunction(L, guarded<pubsub_send>);
  lua_setfield(L, -2, "send");
  return 1;
}

} // namespace natterjack::runtime::lua
