#include "runtime/lua/base/base_library.hpp"

#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/engine/traceback.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/program/sandbox.hpp"

#include <cstring>

namespace natterjack::runtime::lua {

namespace {

// -- pcall, xpcall ------------------------------------------------------------

// luaL_argerror says where its function was called, but not if that was by pcall itself.
void add_place(lua_State* L) {
  constexpr const char* beginning = "bad argument #";
  if (lua_type(L, -1) != LUA_TSTRING ||
      std::strncmp(lua_tostring(L, -1), beginning, std::strlen(beginning)) != 0)
    return;
  push_placed(L, lua_tostring(L, -1));
  lua_replace(L, -2);
}

// `below` counts the stack slots that are not results.
int protected_done(lua_State* L, int status, lua_KContext below) {
  auto& self = engine_of(L);
  if (status == LUA_ERRMEM)
    self.out_of_memory(L); // nobody survives its limit
  if (self.is_fatal())
    return self.leave(L);
  if (status == LUA_OK || status == LUA_YIELD)
    return lua_gettop(L) - static_cast<int>(below);
  add_place(L);
  lua_pushboolean(L, 0);
  lua_pushvalue(L, -2);
  return 2;
}

int base_pcall(lua_State* L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, 1); // first result if all goes well
  lua_insert(L, 1);
  const int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, protected_done);
  return protected_done(L, status, 0);
}

int base_xpcall(lua_State* L) {
  const int arguments = lua_gettop(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2); // handler below, then true and the function
  const int status = lua_pcallk(L, arguments - 2, LUA_MULTRET, 2, 2, protected_done);
  return protected_done(L, status, 2);
}

// -- setmetatable -------------------------------------------------------------

// A finaliser would run where no limit holds.
int base_setmetatable(lua_State* L) {
  const int type = lua_type(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
  lua_settop(L, 2);
  lua_pushglobaltable(L);
  if (lua_rawequal(L, 1, 3) != 0)
    make_all_libraries(L);
  lua_settop(L, 2);
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
    return luaL_error(L, "cannot change a protected metatable");
  if (type == LUA_TTABLE) {
    lua_pushliteral(L, "__gc");
    if (lua_rawget(L, 2) != LUA_TNIL) {
      lua_pushliteral(L, "__gc");
      lua_pushnil(L);
      lua_rawset(L, 2);
    }
  }
  lua_settop(L, 2);
  lua_setmetatable(L, 1);
  return 1;
}

// -- print --------------------------------------------------------------------

int base_print(lua_State* L) {
  const int count = lua_gettop(L);
  luaL_Buffer line;
  luaL_buffinit(L, &line);
  for (int i = 1; i <= count; ++i) {
    if (i > 1)
      luaL_addchar(&line, ' ');
    luaL_tolstring(L, i, nullptr);
    luaL_addvalue(&line);
  }
  luaL_addchar(&line, '\n');
  luaL_pushresult(&line);
  size_t size = 0;
  const char* bytes = lua_tolstring(L, -1, &size);
  engine_of(L).runtime().print({bytes, size});
  return 0;
}

// -- casts --------------------------------------------------------------------

template <int Type> int cast(lua_State* L) {
  luaL_checktype(L, 1, Type);
  lua_settop(L, 1);
  return 1;
}

// `string` is the library: the call of a table has that table in front.
int cast_string(lua_State* L) {
  lua_remove(L, 1);
  return cast<LUA_TSTRING>(L);
}

int cast_integer(lua_State* L) {
  int whole = 0;
  const lua_Integer value = lua_type(L, 1) == LUA_TNUMBER ? lua_tointegerx(L, 1, &whole) : 0;
  if (whole == 0)
    return luaL_typeerror(L, 1, "integer");
  lua_pushinteger(L, value);
  return 1;
}

} // namespace

lua_CFunction find_cast(std::string_view name) noexcept {
  if (name == "string")
    return cast_string;
  if (name == "number")
    return cast<LUA_TNUMBER>;
  if (name == "integer")
    return cast_integer;
  return name == "boolean" ? cast<LUA_TBOOLEAN> : nullptr;
}

void open_base_library(lua_State* L) {
  lua_pushglobaltable(L);
  constexpr luaL_Reg functions[] = {{"pcall", base_pcall},
                                    {"xpcall", base_xpcall},
                                    {"setmetatable", base_setmetatable},
                                    {"print", guarded<base_print>},
                                    {nullptr, nullptr}};
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}

} // namespace natterjack::runtime::lua
