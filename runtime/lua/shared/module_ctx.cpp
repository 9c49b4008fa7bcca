// The Lua module `ctx`: values that came with the call or the spawn.
//
//   ctx.get(name)   the value         nil, err (NOT_FOUND; INVALID: no name)
//   ctx.all()       table of all
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/shared/call_context.hpp"

namespace natterjack::runtime::lua {

namespace {

const hub::payload* find_value(engine& self, std::string_view name) {
  if (!self.context)
    return nullptr;
  auto i = self.context->values.find(std::string(name));
  return i == self.context->values.end() ? nullptr : &i->second;
}

int ctx_get(lua_State* L) {
  const auto name = text_argument(L, 1);
  if (name.empty())
    return fail(L, error_kind::invalid, "ctx.get takes a name that is not empty");
  const auto* value = find_value(engine_of(L), name);
  if (value == nullptr)
    return fail(L, error_kind::not_found, "no such value in the context");
  decode_error error;
  if (!push_payload(L, *value, error))
    lua_pushnil(L);
  return 1;
}

int ctx_all(lua_State* L) {
  lua_newtable(L);
  const auto& context = engine_of(L).context;
  if (!context)
    return 1;
  for (const auto& [name, value] : context->values) {
    lua_pushlstring(L, name.data(), name.size());
    decode_error error;
    if (!push_payload(L, value, error))
      lua_pushnil(L);
    lua_rawset(L, -3);
  }
  return 1;
}

} // namespace

int open_ctx(lua_State* L) {
  constexpr luaL_Reg functions[] = {
      {"get", guarded<ctx_get>}, {"all", guarded<ctx_all>}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

} // namespace natterjack::runtime::lua
