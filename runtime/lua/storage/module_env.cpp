// The Lua module `env`: variables of the application and of the operating system.
//
//   env.get(name)          text            nil, err (NOT_FOUND, INVALID)
//   env.set(name, value)   true            nil, err (PERMISSION_DENIED, INVALID)
//   env.get_all()          table of what is declared
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/shared/services.hpp"
#include "runtime/lua/storage/env_variables.hpp"

namespace natterjack::runtime::lua {

namespace {

bool read_variable(engine& self, std::string_view name) {
  auto value = self.runtime().shared().env->get(std::string(name));
  self.scratch = value ? std::move(*value) : "no variable '" + std::string(name) + "'";
  return value.has_value();
}

int env_get(lua_State* L) {
  if (text_of(L, 1).empty())
    return fail(L, error_kind::invalid, "env.get takes the name of a variable");
  auto& self = engine_of(L);
  if (!read_variable(self, text_of(L, 1)))
    return fail(L, error_kind::not_found, self.scratch);
  lua_pushlstring(L, self.scratch.data(), self.scratch.size());
  return 1;
}

bool write_variable(engine& self, std::string_view name, std::string_view value,
                    error_kind& kind) {
  failure why;
  const bool done =
      self.runtime().shared().env->set(std::string(name), std::string(value), why);
  self.scratch = std::move(why.text);
  kind = why.kind;
  return done;
}

int env_set(lua_State* L) {
  if (text_of(L, 1).empty())
    return fail(L, error_kind::invalid, "env.set takes the name of a variable first");
  if (lua_type(L, 2) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "env.set: the value must be a text");
  auto& self = engine_of(L);
  error_kind kind = error_kind::unknown;
  if (!write_variable(self, text_of(L, 1), text_of(L, 2), kind))
    return fail(L, kind, self.scratch);
  lua_pushboolean(L, 1);
  return 1;
}

// Names and values one after the other, each behind a NUL, in `scratch`.
void list_variables(engine& self) {
  self.scratch.clear();
  for (const auto& [name, value] : self.runtime().shared().env->all()) {
    self.scratch.append(name.c_str()).push_back('\0');
    self.scratch.append(value.c_str()).push_back('\0');
  }
}

int env_get_all(lua_State* L) {
  auto& self = engine_of(L);
  list_variables(self);
  lua_newtable(L);
  const char* at = self.scratch.data();
  const char* end = at + self.scratch.size();
  while (at < end) {
    const char* name = at;
    at += std::char_traits<char>::length(at) + 1;
    lua_pushstring(L, at);
    lua_setfield(L, -2, name);
    at += std::char_traits<char>::length(at) + 1;
  }
  return 1;
}

} // namespace

int open_env(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"get", guarded<env_get>},
                                    {"set", guarded<env_set>},
                                    {"get_all", guarded<env_get_all>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

} // namespace natterjack::runtime::lua
