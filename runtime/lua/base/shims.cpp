#include "runtime/lua/base/shims.hpp"

#include "runtime/lua/base/pattern.hpp"

#include <cmath>
#include <cstring>

namespace natterjack::runtime::lua {

namespace {

// The stock function would count n down even when there is nothing to repeat.
int string_rep(lua_State* L) {
  size_t size = 0;
  size_t between = 0;
  const char* text = luaL_checklstring(L, 1, &size);
  const lua_Integer times = luaL_checkinteger(L, 2);
  const char* separator = luaL_optlstring(L, 3, "", &between);
  if (times <= 0 || size + between == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  const auto count = static_cast<uint64_t>(times);
  constexpr uint64_t bytes_max = uint64_t{1} << 40; // the process's memory limit comes long before
  if (count > bytes_max / (size + between))
    return luaL_error(L, "resulting string too large");
  const size_t total = size * count + between * (count - 1);
  luaL_Buffer out;
  char* const bytes = luaL_buffinitsize(L, &out, total);
  std::memcpy(bytes, text, size);
  size_t done = size;
  if (done < total) {
    std::memcpy(bytes + done, separator, between);
    done += between;
  }
  while (done < total) { // what is there already begins with a whole period
    const size_t part = done < total - done ? done : total - done;
    std::memcpy(bytes + done, bytes, part);
    done += part;
  }
  luaL_pushresultsize(&out, total);
  return 1;
}

template <double (*Function)(double)> int math_one(lua_State* L) {
  lua_pushnumber(L, Function(luaL_checknumber(L, 1)));
  return 1;
}

template <double (*Function)(double, double)> int math_two(lua_State* L) {
  lua_pushnumber(L, Function(luaL_checknumber(L, 1), luaL_checknumber(L, 2)));
  return 1;
}

// Adds functions to a global library table, which is made if it is not there.
void extend(lua_State* L, const char* library, const luaL_Reg* functions) {
  if (lua_getglobal(L, library) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setglobal(L, library);
  }
  luaL_setfuncs(L, functions, 0);
}

} // namespace

void push_math(lua_State* L) {
  luaL_checkstack(L, 4, "no room for the libraries");
  constexpr luaL_Reg numbers[] = {{"pow", math_two<std::pow>},
                                  {"atan2", math_two<std::atan2>},
                                  {"log10", math_one<std::log10>},
                                  {"sinh", math_one<std::sinh>},
                                  {"cosh", math_one<std::cosh>},
                                  {"tanh", math_one<std::tanh>},
                                  {nullptr, nullptr}};
  lua_pushcfunction(L, luaopen_math);
  lua_call(L, 0, 1);
  luaL_setfuncs(L, numbers, 0);
}

void install_shims(lua_State* L) {
  luaL_checkstack(L, 8, "no room for the libraries");
  constexpr luaL_Reg strings[] = {{"find", pattern_find},     {"match", pattern_match},
                                  {"gmatch", pattern_gmatch}, {"gsub", pattern_gsub},
                                  {"rep", string_rep},        {nullptr, nullptr}};
  extend(L, "string", strings);
  lua_pop(L, 1);

  constexpr luaL_Reg none[] = {{nullptr, nullptr}};
  extend(L, "table", none);
  shim_table(L);
  lua_getfield(L, -1, "unpack");
  lua_setglobal(L, "unpack");
  lua_pop(L, 1);
}

} // namespace natterjack::runtime::lua
