// The Lua module `pg` as scripts see it: the groups of module_pg.hpp, their bounds, and who joins
// and leaves. Its shape stands in library/pg.lua.
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/call_bound.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/program/lua_library.hpp"
#include "runtime/lua/shared/group_watch.hpp"
#include "runtime/lua/shared/module_pg.hpp"
#include "runtime/lua/shared/services.hpp"

namespace natterjack::runtime::lua {

namespace {

group_watch& watch_of(lua_State* L) {
  return engine_of(L).runtime().shared().of<group_watch>();
}

bool is_known(lua_State* L) {
  return watch_of(L).knows(std::string(text_of(L, 1)));
}

int knows(lua_State* L) {
  text_argument(L, 1);
  lua_pushboolean(L, is_known(L));
  return 1;
}

bool is_refused(engine& self, lua_State* L) {
  const std::string scope(text_of(L, 1));
  self.scratch = watch_of(L).refusal(self.node(), scope,
                                     scope + "/" + std::string(text_of(L, 2)));
  return !self.scratch.empty();
}

// scope, group -> why nobody may join, or nothing
int refusal(lua_State* L) {
  auto& self = engine_of(L);
  if (!is_refused(self, L))
    return 0;
  lua_pushlstring(L, self.scratch.data(), self.scratch.size());
  return 1;
}

hub::process_ref member_of(engine& self, std::string_view pid) {
  return pid.empty() ? self.node().processes().find(self.id().number()) : self.node().resolve(pid);
}

// scope, group, pid or nil
int joined(lua_State* L) {
  if (auto member = member_of(engine_of(L), text_of(L, 3)))
    watch_of(L).joined(std::string(text_of(L, 1)), std::string(text_of(L, 2)), member);
  return 0;
}

int left(lua_State* L) {
  auto& self = engine_of(L);
  auto id = self.id();
  if (!text_of(L, 3).empty()) {
    auto member = self.node().resolve(text_of(L, 3));
    if (!member)
      return 0;
    id = member.self->id();
  }
  watch_of(L).left(std::string(text_of(L, 1)), std::string(text_of(L, 2)), id);
  return 0;
}

int track(lua_State* L) {
  if (auto member = engine_of(L).node().resolve(text_of(L, 3)))
    watch_of(L).track(std::string(text_of(L, 1)), std::string(text_of(L, 2)), member);
  return 0;
}

// Ends with the call or the process that made it, if not before. @returns a number for that
uint64_t add_watch(lua_State* L, const reply_address& to) {
  auto& watched = watch_of(L);
  const auto number = watched.watch(std::string(text_of(L, 1)), std::string(text_of(L, 2)), to);
  return bind_to_call(L, [&watched, number] { watched.unwatch(number); });
}

// scope, group or "" -> channel, number of the stream, number by which the watch is bound
int watch(lua_State* L) {
  prepare_to_bind(L);
  const auto to = open_stream(L);
  const auto number = add_watch(L, to);
  lua_pushinteger(L, static_cast<lua_Integer>(to.number));
  lua_pushinteger(L, static_cast<lua_Integer>(number));
  return 3;
}

int unwatch(lua_State* L) {
  end_bound(L, static_cast<uint64_t>(luaL_checkinteger(L, 2)));
  close_stream(L, static_cast<uint64_t>(luaL_checkinteger(L, 1)));
  return 0;
}

} // namespace

int open_pg_module(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"knows", guarded<knows>},
                                    {"refusal", guarded<refusal>},
                                    {"joined", guarded<joined>},
                                    {"left", guarded<left>},
                                    {"track", guarded<track>},
                                    {"watch", guarded<watch>},
                                    {"unwatch", guarded<unwatch>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  lua_pushcfunction(L, open_pg);
  lua_call(L, 0, 1);
  lua_getfield(L, -1, "open");
  lua_setfield(L, -3, "open");
  lua_pop(L, 1);
  run_library(L, "pg");
  return 1;
}

} // namespace natterjack::runtime::lua
