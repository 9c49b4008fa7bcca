#include "runtime/lua/time/time_library.hpp"

#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/object_class.hpp"

namespace natterjack::runtime::lua {

namespace {

const char timer_key = 0;
constexpr int channel_slot = 1;

struct timer_object {
  uint64_t number;
  bool ticks;
};

timer_object& check_timer(lua_State* L, const char* method) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &timer_key);
  const void* identity = lua_topointer(L, -1);
  lua_pop(L, 1);
  auto* self = static_cast<timer_object*>(to_object(L, 1, identity));
  if (self == nullptr)
    raise_without_self(L, "timer", method);
  return *self;
}

int slept(lua_State*, int, lua_KContext) {
  return 0;
}

int time_sleep(lua_State* L) {
  int64_t delay = 0;
  const char* why = nullptr;
  if (!read_duration(L, 1, delay, why))
    return raise(L, why);
  auto& self = engine_of(L);
  self.check_can_wait(L);
  self.wake_after(L, delay > 0 ? delay : 0);
  return self.wait(L, 0, slept);
}

int time_after(lua_State* L) {
  int64_t delay = 0;
  const char* why = nullptr;
  if (!read_duration(L, 1, delay, why))
    return fail(L, error_kind::invalid, why);
  push_channel(L, 1);
  start_timer(L, lua_gettop(L), delay > 0 ? delay : 0);
  return 1;
}

int make_timer(lua_State* L, bool ticks) {
  int64_t delay = 0;
  const char* why = nullptr;
  if (!read_duration(L, 1, delay, why))
    return fail(L, error_kind::invalid, why);
  if (delay <= 0)
    return fail(L, error_kind::invalid, "the duration must be positive");
  auto* made = static_cast<timer_object*>(lua_newuserdatauv(L, sizeof(timer_object), 1));
  *made = {0, ticks};
  set_class(L, &timer_key);
  push_channel(L, 1);
  made->number = start_timer(L, lua_gettop(L), delay, ticks ? delay : 0);
  lua_setiuservalue(L, -2, channel_slot);
  return 1;
}

int time_timer(lua_State* L) {
  return make_timer(L, false);
}
int time_ticker(lua_State* L) {
  return make_timer(L, true);
}

int timer_channel(lua_State* L) {
  check_timer(L, "channel");
  lua_getiuservalue(L, 1, channel_slot);
  return 1;
}

int timer_stop(lua_State* L) {
  lua_pushboolean(L, stop_timer(L, check_timer(L, "stop").number));
  return 1;
}

int timer_reset(lua_State* L) {
  auto& self = check_timer(L, "reset");
  int64_t delay = 0;
  const char* why = nullptr;
  if (!read_duration(L, 2, delay, why))
    return fail(L, error_kind::invalid, why);
  if (delay <= 0)
    return fail(L, error_kind::invalid, "the duration must be positive");
  const bool was_running = stop_timer(L, self.number);
  lua_getiuservalue(L, 1, channel_slot);
  self.number = start_timer(L, lua_gettop(L), delay, self.ticks ? delay : 0);
  lua_pushboolean(L, was_running);
  return 1;
}

} // namespace

int open_time(lua_State* L) {
  constexpr luaL_Reg methods[] = {{"response", timer_channel},
                                  {"channel", timer_channel},
                                  {"stop", timer_stop},
                                  {"reset", guarded<timer_reset>},
                                  {nullptr, nullptr}};
  constexpr luaL_Reg hooks[] = {{nullptr, nullptr}};
  luaL_newlib(L, methods);
  make_class(L, &timer_key, hooks);

  lua_pushcfunction(L, open_time_values);
  lua_call(L, 0, 1);
  constexpr luaL_Reg functions[] = {{"sleep", guarded<time_sleep>},
                                    {"after", guarded<time_after>},
                                    {"timer", guarded<time_timer>},
                                    {"ticker", guarded<time_ticker>},
                                    {nullptr, nullptr}};
  luaL_setfuncs(L, functions, 0);
  return 1;
}

} // namespace natterjack::runtime::lua
