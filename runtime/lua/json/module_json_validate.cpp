// The Lua module `json` as scripts see it: module_json.hpp, and checks against a JSON Schema, which
// stand in library/json_schema.lua and are loaded when they are first asked for; what a
// schema looks like stands in library/json_schema_shape.lua.
//
//   json.validate(schema, value)          true; false, err (INVALID): where and why not
//   json.validate_string(schema, text)    the same of a JSON text
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/program/lua_library.hpp"
#include "runtime/lua/regex/search_function.hpp"

namespace natterjack::runtime::lua {

namespace {

const char schema_key = 0; // registry: the checking function

// text -> value; raises if it is no JSON
int parse(lua_State* L) {
  if (push_json(L, text_argument(L, 1)).what != nullptr)
    return luaL_error(L, "not JSON");
  return 1;
}

template <bool AsText> int validate(lua_State* L) {
  lua_settop(L, 2);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &schema_key) != LUA_TFUNCTION) {
    lua_pop(L, 1);
    constexpr luaL_Reg functions[] = {
        {"matches", guarded<search_text>}, {"parse", guarded<parse>}, {nullptr, nullptr}};
    luaL_newlib(L, functions);
    lua_newtable(L);
    run_library(L, "json_schema_shape");
    lua_setfield(L, -2, "shape");
    run_library(L, "json_schema");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &schema_key);
  }
  lua_insert(L, 1);
  lua_pushboolean(L, AsText);
  lua_call(L, 3, 2);
  return 2;
}

} // namespace

int open_json_module(lua_State* L) {
  lua_pushcfunction(L, open_json);
  lua_call(L, 0, 1);
  lua_pushcfunction(L, guarded<validate<false>>);
  lua_setfield(L, -2, "validate");
  lua_pushcfunction(L, guarded<validate<true>>);
  lua_setfield(L, -2, "validate_string");
  return 1;
}

} // namespace natterjack::runtime::lua
