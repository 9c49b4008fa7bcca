#include "runtime/lua/engine/method.hpp"

#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/process/error_argument.hpp"

namespace natterjack::runtime::lua {

namespace {

const char method_key = 0; // registry: the method, once the chunk has run

int method_returned(lua_State* L, int, lua_KContext) {
  return lua_gettop(L);
}

// Pushes the arguments of the call. @returns how many
int push_arguments(lua_State* L) {
  auto& self = engine_of(L);
  const auto count = static_cast<int>(self.arguments.size());
  luaL_checkstack(L, count + 4, "too many arguments");
  decode_error error;
  for (int i = 0; i < count; ++i)
    if (!push_argument(L, self.arguments[static_cast<size_t>(i)], error))
      lua_pushnil(L);
  return count;
}

// The method stands at index 1, alone.
int invoke(lua_State* L) {
  lua_callk(L, push_arguments(L), LUA_MULTRET, 0, method_returned);
  return method_returned(L, LUA_OK, 0);
}

// Says so also in the details of the error: to try again is no use then (runtime/supervision).
int raise_missing(lua_State* L, const lua_program& program) {
  push_error(L, error_kind::internal,
             lua_pushfstring(L,
                             "%s: method '%s' not found: the file must return a table with that "
                             "function, or the function itself",
                             program.chunk_name().c_str(), program.method().c_str()));
  lua_createtable(L, 0, 1);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, program.method().c_str());
  lua_setfield(L, -2, "missing_method");
  lua_setfield(L, -2, "details");
  set_error_more(L, -2);
  lua_pop(L, 1);
  return lua_error(L);
}

// What the chunk returned stands at index 1.
int chunk_returned(lua_State* L, int, lua_KContext) {
  const auto& program = engine_of(L).program();
  lua_settop(L, 1);
  if (lua_istable(L, 1)) {
    lua_getfield(L, 1, program.method().c_str());
    if (lua_isnil(L, -1) && program.method() == "run") { // what commands of other applications have
      lua_pop(L, 1);
      lua_getfield(L, 1, "main");
    }
    lua_replace(L, 1);
  }
  if (!lua_isfunction(L, 1))
    return raise_missing(L, program);
  lua_pushvalue(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &method_key);
  return invoke(L);
}

} // namespace

int call_method(lua_State* L) {
  lua_settop(L, 0);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &method_key) == LUA_TFUNCTION)
    return invoke(L);
  lua_settop(L, 0);
  const auto& program = engine_of(L).program();
  const auto code = program.bytecode();
  if (luaL_loadbufferx(L, code.data(), code.size(), program.chunk_name().c_str(), "b") != LUA_OK)
    return lua_error(L);
  if (program.method().empty()) { // the file itself is the method
    lua_pushvalue(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &method_key);
    return invoke(L);
  }
  lua_callk(L, 0, 1, 0, chunk_returned);
  return chunk_returned(L, LUA_OK, 0);
}

} // namespace natterjack::runtime::lua
