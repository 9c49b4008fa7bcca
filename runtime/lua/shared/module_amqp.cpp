#include "runtime/lua/shared/module_amqp.hpp"

#include "runtime/lua/program/lua_library.hpp"

namespace natterjack::runtime::lua {

int open_amqp(lua_State* L) {
  const auto source = library_text("amqp");
  if (luaL_loadbufferx(L, source.data(), source.size(), "=amqp", "t") != LUA_OK)
    return lua_error(L);
  lua_call(L, 0, 1);
  return 1;
}

} // namespace natterjack::runtime::lua
