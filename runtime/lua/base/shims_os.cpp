// The table `os` as scripts have it: times and dates, no way to the system.
#include "runtime/lua/base/shims.hpp"

#include <chrono>
#include <climits>
#include <ctime>

namespace natterjack::runtime::lua {

namespace {

const auto started = std::chrono::steady_clock::now();

// A field of the table at index 1, or what it is without one.
int check_field(lua_State* L, const char* name, int otherwise, int offset) {
  const int type = lua_getfield(L, 1, name);
  int whole = 0;
  lua_Integer value = lua_tointegerx(L, -1, &whole);
  if (whole == 0 && lua_isnumber(L, -1) != 0)
    value = check_whole(L, -1);
  else if (type != LUA_TNIL && whole == 0)
    luaL_error(L, "field '%s' is not an integer", name);
  // Room for the offset, and for what mktime adds when it carries.
  constexpr lua_Integer most = INT_MAX / 2;
  if (value > most || value < -most)
    luaL_error(L, "field '%s' is out-of-bound", name);
  lua_pop(L, 1);
  return type == LUA_TNIL ? otherwise : static_cast<int>(value) - offset;
}

void set_field(lua_State* L, const char* name, int value) {
  lua_pushinteger(L, value);
  lua_setfield(L, 1, name);
}

// os.time(), os.time{year, month, day, hour, min, sec, isdst}: today at midnight where a field is
// absent. The table is brought to normal form, as in Lua.
int os_time(lua_State* L) {
  const std::time_t now = std::time(nullptr);
  if (lua_isnoneornil(L, 1)) {
    lua_pushinteger(L, static_cast<lua_Integer>(now));
    return 1;
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  std::tm today{};
  ::localtime_r(&now, &today);
  std::tm when{};
  when.tm_year = check_field(L, "year", today.tm_year, 1900);
  when.tm_mon = check_field(L, "month", today.tm_mon, 1);
  when.tm_mday = check_field(L, "day", today.tm_mday, 0);
  when.tm_hour = check_field(L, "hour", 0, 0);
  when.tm_min = check_field(L, "min", 0, 0);
  when.tm_sec = check_field(L, "sec", 0, 0);
  when.tm_isdst = lua_getfield(L, 1, "isdst") == LUA_TNIL ? -1 : lua_toboolean(L, -1);
  lua_pop(L, 1);
  const std::time_t result = std::mktime(&when);
  if (result == static_cast<std::time_t>(-1) && (when.tm_year < 69 || when.tm_year > 70))
    return luaL_error(L, "time result cannot be represented in this installation");
  set_field(L, "year", when.tm_year + 1900);
  set_field(L, "month", when.tm_mon + 1);
  set_field(L, "day", when.tm_mday);
  set_field(L, "hour", when.tm_hour);
  set_field(L, "min", when.tm_min);
  set_field(L, "sec", when.tm_sec);
  set_field(L, "wday", when.tm_wday + 1);
  set_field(L, "yday", when.tm_yday + 1);
  lua_pushboolean(L, when.tm_isdst > 0);
  lua_setfield(L, 1, "isdst");
  lua_pushinteger(L, static_cast<lua_Integer>(result));
  return 1;
}

// Seconds since the program started: processor time of all processes together would tell nothing.
int os_clock(lua_State* L) {
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - started;
  lua_pushnumber(L, elapsed.count());
  return 1;
}

int os_difftime(lua_State* L) {
  lua_pushnumber(L, luaL_checknumber(L, 1) - luaL_optnumber(L, 2, 0));
  return 1;
}

} // namespace

void push_os(lua_State* L) {
  constexpr luaL_Reg functions[] = {
      {"time", os_time}, {"clock", os_clock}, {"difftime", os_difftime}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  lua_pushcfunction(L, luaopen_os);
  lua_call(L, 0, 1);
  lua_getfield(L, -1, "date"); // bounded and free of side effects as it is
  push_lenient(L, 2);
  lua_setfield(L, -3, "date");
  lua_pop(L, 1);
  lua_pushliteral(L, "natterjack");
  lua_setfield(L, -2, "platform");
}

} // namespace natterjack::runtime::lua
