#include "runtime/lua/process/message_object.hpp"

#include "runtime/lua/engine/channel.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/object_class.hpp"
#include "runtime/lua/process/error_argument.hpp"
#include "runtime/lua/process/lua_process.hpp"
#include "runtime/lua/process/payload_object.hpp"
#include "runtime/lua/process/process_library.hpp"
#include "runtime/lua/reply.hpp"

#include <new>

namespace natterjack::runtime::lua {

namespace {

const char message_key = 0;
constexpr int payload_slot = 1; // user value of a message: its payload, once asked for

struct message_object {
  hub::message_ptr held;
};

const hub::message* check_message(lua_State* L, const char* method) {
  auto* self = static_cast<message_object*>(to_object(L, 1, engine_of(L).message_meta));
  if (self == nullptr)
    raise_without_self(L, "msg", method);
  if (!self->held) // a weak table may still show it when it has been finalized
    luaL_error(L, "msg:%s(): the message is gone, it was garbage", method);
  return self->held.get();
}

// -- messages -----------------------------------------------------------------

int message_gc(lua_State* L) {
  static_cast<message_object*>(lua_touserdata(L, 1))->held.reset();
  return 0;
}

int message_topic(lua_State* L) {
  const auto topic = check_message(L, "topic")->topic();
  lua_pushlstring(L, topic.data(), topic.size());
  return 1;
}

int message_from(lua_State* L) {
  return push_pid(L, check_message(L, "from")->from());
}

int message_payload(lua_State* L) {
  const auto* m = check_message(L, "payload");
  if (lua_getiuservalue(L, 1, payload_slot) != LUA_TNIL)
    return 1;
  lua_pop(L, 1);
  const auto values = m->payloads();
  if (values.empty()) {
    lua_pushnil(L);
    return 1;
  }
  const auto& held = static_cast<const message_object*>(lua_touserdata(L, 1))->held;
  if (values.size() == 1) {
    push_payload_of(L, held, 0);
  } else {
    lua_createtable(L, static_cast<int>(values.size()), 0);
    for (size_t i = 0; i < values.size(); ++i) {
      push_payload_of(L, held, i);
      lua_rawseti(L, -2, static_cast<lua_Integer>(i + 1));
    }
  }
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, payload_slot);
  return 1;
}

int message_tostring(lua_State* L) {
  const auto topic = check_message(L, "topic")->topic();
  lua_pushliteral(L, "message: ");
  lua_pushlstring(L, topic.data(), topic.size());
  lua_concat(L, 2);
  return 1;
}

int message_missing(lua_State* L) {
  return luaL_error(L, "a message has no field '%s': use msg:topic(), msg:from() or msg:payload()",
                    lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : luaL_typename(L, 2));
}

// -- events -------------------------------------------------------------------

const char* event_name(event_kind kind) noexcept {
  switch (kind) {
  case event_kind::cancel:
    return "pid.cancel";
  case event_kind::exit:
    return "pid.exit";
  case event_kind::link_down:
    return "pid.link.down";
  }
  return "";
}

void push_event(lua_State* L, const process_event& event) {
  lua_createtable(L, 0, 4);
  lua_pushstring(L, event_name(event.kind));
  lua_setfield(L, -2, "kind");
  push_pid(L, event.from);
  lua_setfield(L, -2, "from");
  lua_pushinteger(L, event.at);
  lua_setfield(L, -2, "at");
  if (event.kind == event_kind::cancel) {
    lua_pushlstring(L, event.reason.data(), event.reason.size());
    lua_setfield(L, -2, "reason");
    return;
  }
  lua_createtable(L, 0, 2);
  decode_error error;
  if (push_argument(L, event.result.value, error))
    lua_setfield(L, -2, "value");
  if (!event.result.error.empty()) {
    push_known_error(L, event.result.error, event.result.error_facts);
    lua_setfield(L, -2, "error");
  }
  lua_setfield(L, -2, "result");
}

void push_values(lua_State* L, const hub::message& what) {
  decode_error error;
  const auto values = what.payloads();
  if (values.size() <= 1) {
    if (values.empty() || !push_argument(L, values.front(), error))
      lua_pushnil(L);
    return;
  }
  lua_createtable(L, static_cast<int>(values.size()), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    if (!push_argument(L, values[i], error))
      lua_pushnil(L);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i + 1));
  }
}

// With the first message: not every process gets any.
void make_message_class(lua_State* L) {
  constexpr luaL_Reg message_methods[] = {{"topic", guarded<message_topic>},
                                          {"from", guarded<message_from>},
                                          {"payload", guarded<message_payload>},
                                          {nullptr, nullptr}};
  constexpr luaL_Reg message_hooks[] = {
      {"__gc", message_gc}, {"__tostring", message_tostring}, {nullptr, nullptr}};
  luaL_newlib(L, message_methods);
  lua_createtable(L, 0, 1); // what is no method is explained
  lua_pushcfunction(L, message_missing);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  engine_of(L).message_meta = make_class(L, &message_key, message_hooks);
}

void set_message_class(lua_State* L) {
  if (engine_of(L).message_meta == nullptr)
    make_message_class(L);
  set_class(L, &message_key);
}

} // namespace

bool has_arrived(engine& self, const channel& ch) noexcept {
  if (ch.source != nullptr)
    return !ch.source->queue.empty();
  return ch.feeds_events && !self.incoming().events().empty();
}

void push_arrived(engine& self, lua_State* L, channel& ch) {
  luaL_checkstack(L, 8, "too many values");
  if (ch.feeds_events) {
    push_event(L, self.incoming().events().front());
    self.incoming().events().pop_front();
    return;
  }
  auto& queue = ch.source->queue;
  if (ch.source->as_message) {
    auto* made = new (lua_newuserdatauv(L, sizeof(message_object), 1)) message_object{};
    set_message_class(L);
    made->held = queue.front().message;
  } else {
    push_values(L, *queue.front().message);
  }
  // Nothing can raise from here on.
  self.actor().box().received(*queue.front().message);
  queue.front().message->settle();
  queue.pop();
  if (ch.source->ends && queue.empty())
    self.close_stream(ch.source->stream);
}

} // namespace natterjack::runtime::lua
