// The Lua module `events`; its shape stands in library/events.lua.
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/call_bound.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/process/error_argument.hpp"
#include "runtime/lua/program/lua_library.hpp"
#include "runtime/lua/shared/services.hpp"

namespace natterjack::runtime::lua {

namespace {

// Ends with the call or the process that made it, if not before. @returns a number for that
uint64_t add_subscription(lua_State* L, std::string_view system, std::string_view kind,
                          const reply_address& to) {
  auto& bus = engine_of(L).runtime().shared().events;
  const auto number = bus.subscribe(std::string(system), std::string(kind), to);
  return bind_to_call(L, [&bus, number] { bus.unsubscribe(number); });
}

// system, kind -> channel, number of the stream, number by which the subscription is bound
int subscribe(lua_State* L) {
  const auto system = text_argument(L, 1);
  const auto kind = lua_isnoneornil(L, 2) ? std::string_view{} : text_argument(L, 2);
  prepare_to_bind(L);
  const auto to = open_stream(L);
  const auto number = add_subscription(L, system, kind, to);
  lua_pushinteger(L, static_cast<lua_Integer>(to.number));
  lua_pushinteger(L, static_cast<lua_Integer>(number));
  return 3;
}

// number of the stream, number by which the subscription is bound
int unsubscribe(lua_State* L) {
  end_bound(L, static_cast<uint64_t>(luaL_checkinteger(L, 2)));
  close_stream(L, static_cast<uint64_t>(luaL_checkinteger(L, 1)));
  return 0;
}

bool publish(engine& self, lua_State* L) {
  hub::payload data;
  encode_error error;
  if (!read_argument(L, 4, data, error)) {
    self.scratch = error.text;
    return false;
  }
  self.runtime().shared().events.send(text_argument(L, 1), text_argument(L, 2),
                                      text_argument(L, 3), data);
  return true;
}

// system, kind, path, data
int send(lua_State* L) {
  lua_settop(L, 4);
  for (int i = 1; i <= 3; ++i)
    text_argument(L, i);
  auto& self = engine_of(L);
  if (!publish(self, L))
    return fail(L, error_kind::invalid, self.scratch);
  lua_pushboolean(L, 1);
  return 1;
}

} // namespace

int open_events(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"subscribe", guarded<subscribe>},
                                    {"unsubscribe", guarded<unsubscribe>},
                                    {"send", guarded<send>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  run_library(L, "events");
  return 1;
}

} // namespace natterjack::runtime::lua
