// `process.send`, and `pubsub`, the guide's alias of it.
#include "hub/multicast.hpp"
#include "hub/node.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/process/error_argument.hpp"
#include "runtime/lua/process/process_library.hpp"

#include <vector>

namespace natterjack::runtime::lua {

namespace {

// The length of a table says nothing of its size: keys 1, 2, 4, 8… make it 2^n.
constexpr lua_Unsigned destinations_max = 1'000'000;

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
    const int type = lua_rawgeti(L, 1, i);
    if (type == LUA_TSTRING) {
      bytes = lua_tolstring(L, -1, &size);
      if (auto found = self.destinations.find(self.node(), {bytes, size}, nullptr))
        (with_errors && !reads_errors(*found.self) ? others : receivers).add(std::move(found));
    } else if (type != LUA_TNIL) { // a hole is left by one that is gone
      outcome.built = false;
      outcome.kind = error_kind::invalid;
      self.scratch = "process.send: destination " + std::to_string(i) + " of the list must be a PID or a name, got " +
                     lua_typename(L, type);
      return outcome;
    }
    lua_pop(L, 1);
  }
  outcome.reached = static_cast<lua_Integer>(receivers.send(what));
  if (with_errors)
    outcome.reached += static_cast<lua_Integer>(others.send(for_others(what)));
  return outcome;
}

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
  if (dest == LUA_TTABLE && lua_rawlen(L, 1) > destinations_max)
    return fail(L, error_kind::invalid, "process.send: a list has at most 1000000 destinations");
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

int process_send(lua_State* L) {
  if (lua_gettop(L) < 2)
    return fail(L, error_kind::invalid, "process.send takes a destination, a topic and values");
  return send_values(L);
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
