// hash.pbkdf2 and crypto.pbkdf2: keys of passwords. Meant to take long, so in slices, as Lua code.
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/codec/key_derivation.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/handle.hpp"

#include <new>

namespace natterjack::runtime::lua {

namespace {

const char derivation_key = 0; // registry: metatable of a derivation that runs

constexpr int job_index = 6; // behind the arguments
constexpr uint64_t iterations_each_look = 500; // some 0.4 ms

int collect_derivation(lua_State* L) {
  static_cast<key_derivation*>(lua_touserdata(L, 1))->~key_derivation();
  return 0;
}

key_derivation& push_derivation(lua_State* L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &derivation_key) == LUA_TNIL)
    make_handle_class(L, &derivation_key, collect_derivation);
  lua_pop(L, 1);
  auto* made = new (lua_newuserdatauv(L, sizeof(key_derivation), 0)) key_derivation;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &derivation_key);
  lua_setmetatable(L, -2);
  return *made;
}

// Runs to the end, or until the slice is over.
int go_on(lua_State* L, int, lua_KContext) {
  auto& self = engine_of(L);
  auto& job = *static_cast<key_derivation*>(lua_touserdata(L, job_index));
  while (!job.step(iterations_each_look)) {
    check_budget(L);
    if (self.mark().over != 0 && self.pinned == 0 && lua_isyieldable(L)) {
      self.cause = yield_cause::preempted;
      return lua_yieldk(L, 0, 0, guarded_k<go_on>);
    }
  }
  self.scratch = job.take();
  if (self.scratch.empty())
    return fail(L, error_kind::internal, "pbkdf2 failed");
  lua_pushlstring(L, self.scratch.data(), self.scratch.size());
  return 1;
}

} // namespace

int push_pbkdf2(lua_State* L) {
  lua_settop(L, job_index - 1);
  if (text_of(L, 1).empty() || text_of(L, 2).empty())
    return fail(L, error_kind::invalid, "pbkdf2 takes a password and a salt that are not empty");
  const auto iterations = lua_tointeger(L, 3);
  const auto length = lua_tointeger(L, 4);
  if (iterations < 1 || iterations > 10'000'000)
    return fail(L, error_kind::invalid, "pbkdf2: iterations must be from 1 to 10000000");
  if (length < 1 || length > 1024)
    return fail(L, error_kind::invalid, "pbkdf2: the length must be from 1 to 1024 bytes");
  const auto name = lua_isnil(L, 5) ? std::string_view("sha256") : text_of(L, 5);
  if (name != "sha256" && name != "sha512")
    return fail(L, error_kind::invalid, "pbkdf2: the hash must be sha256 or sha512");
  auto& job = push_derivation(L);
  if (!job.start(name.data(), text_of(L, 1), text_of(L, 2), static_cast<uint64_t>(iterations),
                 static_cast<size_t>(length)))
    return fail(L, error_kind::internal, "pbkdf2 failed");
  return go_on(L, LUA_OK, 0);
}

} // namespace natterjack::runtime::lua
