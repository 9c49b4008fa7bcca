#include "runtime/lua/base/shims.hpp"

#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/base/pattern.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>

namespace natterjack::runtime::lua {

namespace {

// The stock function would count n down even when there is nothing to repeat.
int string_rep(lua_State* L) {
  size_t size = 0;
  size_t between = 0;
  read_error_argument(L, 1);
  const char* text = luaL_checklstring(L, 1, &size);
  const lua_Integer times = check_whole(L, 2);
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

// The next `%…` of a format at or behind `from`; its letter is 0 where there is none.
struct conversion {
  size_t from = 0;
  size_t to = 0;
  char letter = '\0';
};

conversion next_conversion(std::string_view format, size_t from) {
  for (;;) {
    from = format.find('%', from);
    if (from == std::string_view::npos)
      return {};
    const size_t letter = format.find_first_not_of("-+ #0123456789.", from + 1);
    if (letter == std::string_view::npos)
      return {}; // the standard function says what is wrong
    if (format[letter] != '%')
      return {from, letter + 1, format[letter]};
    from = letter + 1;
  }
}

// A number at `index` that has a fraction, and an integer beside it.
bool has_fraction(lua_State* L, int index) {
  int is_number = 0;
  const lua_Number value = lua_tonumberx(L, index, &is_number);
  return is_number != 0 && std::isfinite(value) && std::trunc(value) != value;
}

// The format at 1 with words where arguments are missing.
void push_missing(lua_State* L, std::string_view format, int given) {
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  size_t done = 0;
  int argument = 1;
  for (auto one = next_conversion(format, 0); one.letter != '\0';
       one = next_conversion(format, one.to)) {
    if (++argument <= given)
      continue;
    luaL_addlstring(&out, format.data() + done, one.from - done);
    luaL_addstring(&out, "%%!");
    luaL_addchar(&out, one.letter);
    luaL_addstring(&out, "(MISSING)");
    done = one.to;
  }
  luaL_addlstring(&out, format.data() + done, format.size() - done);
  luaL_pushresult(&out);
}

// Upvalue: the standard function, which raises for a fraction under %d and for too few arguments.
int string_format(lua_State* L) {
  read_error_argument(L, 1);
  const int given = lua_gettop(L);
  size_t size = 0;
  const char* text = luaL_checklstring(L, 1, &size);
  const std::string_view format(text, size);
  int argument = 1;
  for (auto one = next_conversion(format, 0); one.letter != '\0';
       one = next_conversion(format, one.to)) {
    const bool is_whole = std::strchr("dicxXo", one.letter) != nullptr;
    if (++argument <= given && is_whole && has_fraction(L, argument)) {
      lua_pushinteger(L, check_whole(L, argument));
      lua_replace(L, argument);
    }
  }
  if (argument > given) {
    push_missing(L, format, given);
    lua_replace(L, 1);
  }
  return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

// Upvalues: the standard function, the first argument that shall be whole.
int lenient(lua_State* L) {
  read_error_argument(L, 1);
  const int count = lua_gettop(L);
  for (auto i = static_cast<int>(lua_tointeger(L, lua_upvalueindex(2))); i <= count; ++i) {
    if (lua_type(L, i) != LUA_TNUMBER || lua_isinteger(L, i) != 0)
      continue;
    lua_pushinteger(L, check_whole(L, i));
    lua_replace(L, i);
  }
  return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

// The same for math.random, which has upvalues of its own.
int math_random(lua_State* L) {
  lua_settop(L, std::min(lua_gettop(L), 3)); // more is too many in any case
  for (int i = 1; i <= lua_gettop(L); ++i) {
    lua_pushinteger(L, check_whole(L, i));
    lua_replace(L, i);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
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

void read_error_argument(lua_State* L, int index) {
  if (lua_type(L, index) == LUA_TUSERDATA && read_error_text(L, index))
    lua_replace(L, index);
}

lua_Integer check_whole(lua_State* L, int index) {
  int is_number = 0;
  const lua_Integer whole = lua_tointegerx(L, index, &is_number);
  if (is_number != 0)
    return whole;
  const lua_Number value = lua_tonumberx(L, index, &is_number);
  if (is_number == 0 || std::isnan(value))
    return luaL_checkinteger(L, index); // raises
  constexpr lua_Number beyond = 0x1p63;
  if (value >= beyond)
    return LUA_MAXINTEGER;
  return value < -beyond ? LUA_MININTEGER : static_cast<lua_Integer>(value);
}

void push_lenient(lua_State* L, int first) {
  lua_pushinteger(L, first);
  lua_pushcclosure(L, lenient, 2);
}

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
  lua_getfield(L, -1, "fmod");
  lua_setfield(L, -2, "mod");
  lua_getfield(L, -1, "random");
  lua_pushcclosure(L, math_random, 1);
  lua_setfield(L, -2, "random");
}

void install_shims(lua_State* L) {
  luaL_checkstack(L, 8, "no room for the libraries");
  constexpr luaL_Reg strings[] = {{"find", pattern_find},     {"match", pattern_match},
                                  {"gmatch", pattern_gmatch}, {"gfind", pattern_gmatch},
                                  {"gsub", pattern_gsub},     {"rep", string_rep},
                                  {nullptr, nullptr}};
  extend(L, "string", strings);
  constexpr std::pair<const char*, int> lenients[] = {
      {"byte", 2}, {"char", 1}, {"len", 2}, {"lower", 2}, {"reverse", 2}, {"sub", 2}, {"upper", 2}};
  for (const auto& [name, first] : lenients) {
    lua_getfield(L, -1, name);
    push_lenient(L, first);
    lua_setfield(L, -2, name);
  }
  lua_getfield(L, -1, "format");
  lua_pushcclosure(L, string_format, 1);
  lua_setfield(L, -2, "format");
  lua_pop(L, 1);

  constexpr luaL_Reg none[] = {{nullptr, nullptr}};
  extend(L, "table", none);
  shim_table(L);
  lua_getfield(L, -1, "unpack");
  lua_setglobal(L, "unpack");
  lua_pop(L, 1);
}

} // namespace natterjack::runtime::lua
