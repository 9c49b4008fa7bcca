// The Lua module `queue`.
//
//   queue.publish(id, data, headers?)   true          nil, err (INVALID, NOT_FOUND, UNAVAILABLE: full for
//                                                     `publish_timeout`)
//   queue.message()                     message       nil, err (INVALID): no consumer calls
//   queue.info(id)                      {message_count, ready, unacked, consumer_count}
//   message:id() header(name) headers() ack() nack()
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/function_pool.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/process/error_argument.hpp"
#include "runtime/lua/process/payload_object.hpp"
#include "runtime/lua/program/lua_library.hpp"
#include "runtime/lua/shared/services.hpp"
#include "runtime/lua/storage/queue_broker.hpp"
#include "runtime/lua/time/time_library.hpp"

namespace natterjack::runtime::lua {

namespace {

queue_broker& broker_of(engine& self) {
  return self.runtime().shared().of<queue_broker>();
}

// When refused, the text is in `scratch` and what else is known in `facts`.
publish_result publish_now(engine& self, lua_State* L, const reply_address& told,
                           hub::payload& facts) {
  hub::payload data;
  hub::payload headers = hub::payload::json("{}");
  encode_error error;
  failure why;
  auto result = publish_result::refused;
  if (read_argument(L, 2, data, error) &&
      (!lua_istable(L, 3) || read_payload(L, 3, headers, error)))
    result = broker_of(self).publish(std::string(text_of(L, 1)), std::move(data),
                                     std::move(headers), told, why);
  else
    why = {error_kind::invalid, error.text, {}};
  self.scratch = std::move(why.text);
  if (result == publish_result::refused)
    facts = error_facts_of(why);
  return result;
}

int publish(lua_State* L, bool in_line) {
  lua_settop(L, 3);
  if (text_of(L, 1).empty())
    return fail(L, error_kind::invalid, "queue.publish takes the id of a queue first");
  if (lua_isnil(L, 2))
    return fail(L, error_kind::invalid, "queue.publish: the data is empty");
  auto& self = engine_of(L);
  auto& facts = push_empty_payload(L); // owned by the state: making the error may raise
  const auto told = in_line ? open_stream(L) : reply_address{};
  const auto result = publish_now(self, L, told, facts);
  if (result == publish_result::waits) {
    lua_pushinteger(L, static_cast<lua_Integer>(told.number));
    return 2; // behind the channel
  }
  if (told)
    close_stream(L, told.number);
  if (result == publish_result::taken) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  push_known_error(L, self.scratch, facts);
  return 2;
}

// id, data, headers -> true, or nil and an error
int publish_at_once(lua_State* L) { return publish(L, false); }

// The same; or, if the queue is full, a channel that gives `true` when the message has come in, and a number
int publish_in_line(lua_State* L) { return publish(L, true); }

// id, number -> whether the message was still waiting and will not come in
int withdraw(lua_State* L) {
  auto& self = engine_of(L);
  const auto number = static_cast<uint64_t>(luaL_checkinteger(L, 2));
  const auto leave = [&self, L, number] {
    return broker_of(self).withdraw(std::string(text_of(L, 1)), {&self.node(), self.id(), number});
  };
  const bool waited = leave();
  close_stream(L, number);
  lua_pushboolean(L, waited);
  return 1;
}

// id -> ns that publishing may wait for room
int patience(lua_State* L) {
  auto& self = engine_of(L);
  const auto find = [&self, L] {
    return broker_of(self).patience(std::string(text_of(L, 1))).count();
  };
  lua_pushinteger(L, static_cast<lua_Integer>(find()));
  return 1;
}

int info(lua_State* L) {
  queue_stats stats;
  auto& self = engine_of(L);
  const auto find = [&self, L, &stats] {
    return broker_of(self).stats(std::string(text_of(L, 1)), stats);
  };
  if (!find())
    return fail(L, error_kind::internal, "no queue.queue entry of this id");
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, static_cast<lua_Integer>(stats.waiting + stats.in_work));
  lua_setfield(L, -2, "message_count");
  lua_pushinteger(L, static_cast<lua_Integer>(stats.waiting));
  lua_setfield(L, -2, "ready");
  lua_pushinteger(L, static_cast<lua_Integer>(stats.in_work));
  lua_setfield(L, -2, "unacked");
  lua_pushinteger(L, static_cast<lua_Integer>(stats.consumers));
  lua_setfield(L, -2, "consumer_count");
  return 1;
}

queue_delivery* delivery_of(lua_State* L) noexcept {
  const auto* call = engine_of(L).call();
  return call == nullptr ? nullptr : static_cast<queue_delivery*>(call->attachment.get());
}

// -> id, headers, attempts; nothing outside a consumer's call
int current(lua_State* L) {
  const auto* delivery = delivery_of(L);
  if (delivery == nullptr)
    return 0;
  lua_pushlstring(L, delivery->message.id.data(), delivery->message.id.size());
  decode_error error;
  if (!push_payload(L, delivery->message.headers, error))
    lua_newtable(L);
  lua_pushinteger(L, static_cast<lua_Integer>(delivery->message.attempts));
  return 3;
}

// good? ; settles the message of the call that runs, if it is the one of this id
int settle(lua_State* L) {
  auto* delivery = delivery_of(L);
  const bool mine = delivery != nullptr && delivery->message.id == text_of(L, 1);
  if (mine)
    delivery->settle(lua_toboolean(L, 2) != 0);
  lua_pushboolean(L, mine);
  return 1;
}

} // namespace

int open_queue(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"publish", guarded<publish_at_once>},
                                    {"publish_in_line", guarded<publish_in_line>},
                                    {"withdraw", guarded<withdraw>},
                                    {"patience", guarded<patience>},
                                    {"info", guarded<info>},
                                    {"current", guarded<current>},
                                    {"settle", guarded<settle>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  open_time(L);
  lua_getfield(L, -1, "timer");
  lua_setfield(L, -3, "timer");
  lua_pop(L, 1);
  run_library(L, "queue");
  return 1;
}

} // namespace natterjack::runtime::lua
