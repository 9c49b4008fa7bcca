#include "runtime/lua/time/module_time_values.hpp"

#include "hub/quantities.hpp"
#include "hub/text.hpp"
#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/json/json_codec.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>

namespace natterjack::runtime::lua {

namespace {

char time_key; // their addresses name the metatables in the registry
char duration_key;
char location_key;

constexpr size_t duration_text_max = 100; // bytes
constexpr lua_Integer second_limit = 1'000'000'000'000'000; // 31 million years

// What `floor_divide` leaves below a second, also of the least number there is.
constexpr int32_t remainder_of(int64_t nanoseconds) noexcept {
  constexpr int64_t second = 1'000'000'000;
  return static_cast<int32_t>((nanoseconds % second + second) % second);
}

void* to_value(lua_State* L, int index, const void* key) noexcept {
  if (lua_type(L, index) != LUA_TUSERDATA || lua_getmetatable(L, index) == 0)
    return nullptr;
  lua_rawgetp(L, LUA_REGISTRYINDEX, key);
  const bool same = lua_rawequal(L, -1, -2) != 0;
  lua_pop(L, 2);
  return same ? lua_touserdata(L, index) : nullptr;
}

template <class T> void push_value(lua_State* L, const T& value, const void* key) {
  luaL_checkstack(L, 3, "no room for a time");
  *static_cast<T*>(lua_newuserdatauv(L, sizeof(T), 0)) = value;
  lua_rawgetp(L, LUA_REGISTRYINDEX, key);
  lua_setmetatable(L, -2);
}

const location& optional_location(lua_State* L, int index, const location& otherwise) {
  if (lua_isnoneornil(L, index))
    return otherwise;
  const location* where = to_location(L, index);
  if (where == nullptr)
    luaL_typeerror(L, index, "Location, such as time.utc");
  return *where;
}

lua_Integer check_bounded(lua_State* L, int index, lua_Integer otherwise, lua_Integer most) {
  const lua_Integer value = luaL_optinteger(L, index, otherwise);
  luaL_argcheck(L, value >= -most && value <= most, index, "out of range");
  return value;
}

int time_now(lua_State* L) {
  using namespace std::chrono;
  push_time(L, duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count());
  return 1;
}

int time_unix(lua_State* L) {
  luaL_checkinteger(L, 1);
  time_value time;
  const lua_Integer nanoseconds = luaL_optinteger(L, 2, 0);
  const int64_t carried = floor_divide(nanoseconds, 1'000'000'000);
  time.seconds = check_bounded(L, 1, 0, second_limit) + carried;
  time.nanoseconds = remainder_of(nanoseconds);
  time.where = local_location();
  push_time_value(L, time);
  return 1;
}

int time_date(lua_State* L) {
  for (int i = 1; i <= 3; ++i)
    luaL_checkinteger(L, i);
  constexpr lua_Integer most = 1'000'000'000'000;
  const lua_Integer nanoseconds = luaL_optinteger(L, 7, 0);
  const int64_t carried = floor_divide(nanoseconds, 1'000'000'000);
  time_value time;
  time.where = optional_location(L, 8, local_location());
  time.nanoseconds = remainder_of(nanoseconds);
  const int64_t wall =
      seconds_to(check_bounded(L, 1, 0, 10'000'000), check_bounded(L, 2, 1, 10'000'000),
                 check_bounded(L, 3, 1, 1'000'000'000), check_bounded(L, 4, 0, most),
                 check_bounded(L, 5, 0, most), check_bounded(L, 6, 0, most));
  time.seconds = from_wall_clock(time.where, wall) + carried;
  push_time_value(L, time);
  return 1;
}

// C++ strings live in here, and nothing that raises.
bool parse_into(std::string_view layout, std::string_view text, const location& where,
                time_value& time, char (&why)[400]) {
  const std::string said = parse_time(layout, text, where, time);
  std::snprintf(why, sizeof(why), "%s", said.c_str());
  return said.empty();
}

int time_parse(lua_State* L) {
  size_t layout_size = 0;
  size_t text_size = 0;
  const char* layout = luaL_checklstring(L, 1, &layout_size);
  if (lua_type(L, 2) != LUA_TSTRING)
    return fail_with(L, error_kind::invalid, "time.parse takes a layout and a text, got %s",
                     luaL_typename(L, 2));
  const char* text = lua_tolstring(L, 2, &text_size);
  const location& where = optional_location(L, 3, utc_location);
  time_value time;
  char why[400];
  if (!parse_into({layout, layout_size}, {text, text_size}, where, time, why))
    return fail(L, error_kind::invalid, why);
  push_time_value(L, time);
  return 1;
}

// Whether it is a time, but for its numbers.
bool is_too_long(std::string_view text) {
  std::string small;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_digit = text[i] >= '0' && text[i] <= '9';
    if (!is_digit)
      small += text[i];
    else if (i == 0 || text[i - 1] < '0' || text[i - 1] > '9')
      small += '1';
  }
  return small.size() <= duration_text_max && hub::parse_duration(small).has_value();
}

constexpr const char* duration_advice =
    "a duration is a text such as \"1m30s\" or \"250ms\", a number of nanoseconds, or a Duration";
constexpr const char* too_long = "the duration is too long: at most 292 years";

// @returns a sentence that holds until the next one of this thread
const char* refuse_duration(const char* sentence, std::string_view got) {
  thread_local char said[200];
  std::snprintf(said, sizeof said, "%s, got %.*s", sentence, static_cast<int>(got.size()), got.data());
  return said;
}

const char* refuse_duration_text(std::string_view text) {
  constexpr size_t shown_max = 40;
  const auto beginning = hub::beginning_of(text, shown_max);
  const auto shown =
      '"' + std::string(beginning) + (beginning.size() < text.size() ? "...\"" : "\"");
  return refuse_duration(text.size() <= 2 * duration_text_max && is_too_long(text) ? too_long : duration_advice,
                         shown);
}

int time_parse_duration(lua_State* L) {
  int64_t nanoseconds = 0;
  const char* why = nullptr;
  if (!read_duration(L, 1, nanoseconds, why))
    return fail(L, error_kind::invalid, why);
  push_duration(L, nanoseconds);
  return 1;
}

void set_location_name(location& where, std::string_view name) {
  const size_t length = name.size() < sizeof(where.name) ? name.size() : sizeof(where.name) - 1;
  name.copy(where.name, length);
  where.name[length] = '\0';
}

int time_load_location(lua_State* L) {
  size_t size = 0;
  const char* text = luaL_checklstring(L, 1, &size);
  const std::string_view name(text, size);
  location where;
  if (name == "UTC") {
    push_location(L, where);
    return 1;
  }
  if (name == "Local") {
    push_location(L, local_location());
    return 1;
  }
  zone_errc error = zone_errc::none;
  where.zone = load_zone(name, error);
  if (error == zone_errc::invalid)
    return fail_with(L, error_kind::invalid, "'%.60s' is no name of a time zone", text);
  if (error == zone_errc::not_found)
    return fail_with(L, error_kind::not_found, "unknown time zone '%.60s'", text);
  set_location_name(where, name);
  push_location(L, where);
  return 1;
}

int time_fixed_zone(lua_State* L) {
  size_t size = 0;
  const char* name = luaL_checklstring(L, 1, &size);
  location where;
  luaL_checkinteger(L, 2);
  where.offset = static_cast<int32_t>(check_bounded(L, 2, 0, 200 * 3'600));
  set_location_name(where, {name, size});
  push_location(L, where);
  return 1;
}

// -- Duration and Location --------------------------------------------------------------------

duration_value check_duration(lua_State* L) {
  const duration_value* duration = to_duration(L, 1);
  if (duration == nullptr)
    luaL_error(L, "this is a method of a Duration: call it with a colon, as in d:seconds()");
  return *duration;
}

template <int64_t Unit> int duration_float(lua_State* L) {
  const int64_t all = check_duration(L).nanoseconds;
  lua_pushnumber(L, static_cast<double>(all / Unit) +
                        static_cast<double>(all % Unit) / static_cast<double>(Unit));
  return 1;
}

template <int64_t Unit> int duration_whole(lua_State* L) {
  lua_pushinteger(L, check_duration(L).nanoseconds / Unit);
  return 1;
}

void write_duration(int64_t nanoseconds, char (&to)[64]) {
  std::snprintf(to, sizeof(to), "%s",
                hub::format_duration(std::chrono::nanoseconds(nanoseconds)).c_str());
}

int duration_text(lua_State* L) {
  char text[64];
  write_duration(check_duration(L).nanoseconds, text);
  lua_pushstring(L, text);
  return 1;
}

template <class Compare> int duration_compare(lua_State* L) {
  const duration_value* a = to_duration(L, 1);
  const duration_value* b = to_duration(L, 2);
  if (a == nullptr || b == nullptr)
    return luaL_error(L, "attempt to compare a Duration with a %s",
                      luaL_typename(L, a == nullptr ? 1 : 2));
  lua_pushboolean(L, Compare{}(a->nanoseconds, b->nanoseconds));
  return 1;
}

// Lua asks for any two userdata of which one is ours.
int duration_equal(lua_State* L) {
  const duration_value* a = to_duration(L, 1);
  const duration_value* b = to_duration(L, 2);
  lua_pushboolean(L, a != nullptr && b != nullptr && a->nanoseconds == b->nanoseconds);
  return 1;
}

int location_string(lua_State* L) {
  const location* where = to_location(L, 1);
  if (where == nullptr)
    return luaL_error(L,
                      "this is a method of a Location: call it with a colon, as in loc:string()");
  lua_pushstring(L, where->name);
  return 1;
}

// -- metatables ----------------------------------------------------------------------------------

// Closes the metatable whose methods are on top of the stack and keeps it.
void make_metatable(lua_State* L, const void* key, const char* name, const luaL_Reg* hooks) {
  lua_createtable(L, 0, 8);
  lua_insert(L, -2);
  lua_setfield(L, -2, "__index");
  luaL_setfuncs(L, hooks, 0);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

int compare_times(lua_State* L, int& order) {
  const time_value* a = to_time(L, 1);
  const time_value* b = to_time(L, 2);
  if (a == nullptr || b == nullptr)
    return luaL_error(L, "attempt to compare a Time with a %s",
                      luaL_typename(L, a == nullptr ? 1 : 2));
  const auto key = [](const time_value& t) {
    return std::pair(t.seconds, t.nanoseconds);
  };
  order = key(*a) < key(*b) ? -1 : key(*a) > key(*b) ? 1 : 0;
  return 0;
}

template <int Highest, int Lowest> int time_compare(lua_State* L) {
  int order = 0;
  compare_times(L, order);
  lua_pushboolean(L, order >= Lowest && order <= Highest);
  return 1;
}

int time_equal(lua_State* L) {
  const time_value* a = to_time(L, 1);
  const time_value* b = to_time(L, 2);
  lua_pushboolean(L, a != nullptr && b != nullptr && a->seconds == b->seconds &&
                         a->nanoseconds == b->nanoseconds);
  return 1;
}

int time_text(lua_State* L) {
  const time_value* time = to_time(L, 1);
  byte_buffer& buffer = encode_buffer();
  if (time != nullptr)
    format_time(*time, "2006-01-02 15:04:05.999999999 -0700 MST", buffer);
  lua_pushlstring(L, buffer.data(), buffer.size());
  return 1;
}

void make_metatables(lua_State* L) {
  constexpr luaL_Reg time_hooks[] = {{"__eq", time_equal},
                                     {"__lt", time_compare<-1, -1>},
                                     {"__le", time_compare<0, -1>},
                                     {"__tostring", guarded<time_text>},
                                     {nullptr, nullptr}};
  lua_newtable(L);
  set_time_methods(L);
  make_metatable(L, &time_key, "Time", time_hooks);

  constexpr luaL_Reg duration_methods[] = {{"hours", duration_float<3'600'000'000'000>},
                                           {"minutes", duration_float<60'000'000'000>},
                                           {"seconds", duration_float<1'000'000'000>},
                                           {"milliseconds", duration_whole<1'000'000>},
                                           {"microseconds", duration_whole<1'000>},
                                           {"nanoseconds", duration_whole<1>},
                                           {nullptr, nullptr}};
  constexpr luaL_Reg duration_hooks[] = {{"__eq", duration_equal},
                                         {"__lt", duration_compare<std::less<>>},
                                         {"__le", duration_compare<std::less_equal<>>},
                                         {"__tostring", guarded<duration_text>},
                                         {nullptr, nullptr}};
  luaL_newlib(L, duration_methods);
  make_metatable(L, &duration_key, "Duration", duration_hooks);

  constexpr luaL_Reg location_methods[] = {{"string", location_string}, {nullptr, nullptr}};
  constexpr luaL_Reg location_hooks[] = {{"__tostring", location_string}, {nullptr, nullptr}};
  luaL_newlib(L, location_methods);
  make_metatable(L, &location_key, "Location", location_hooks);
}

// Values are pushed by the engine's timers as well, perhaps before a script has required `time`.
void ensure_metatables(lua_State* L) {
  luaL_checkstack(L, 6, "no room for a time");
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &time_key) != LUA_TTABLE)
    make_metatables(L);
  lua_pop(L, 1);
}

} // namespace

time_value* to_time(lua_State* L, int index) noexcept {
  return static_cast<time_value*>(to_value(L, index, &time_key));
}

duration_value* to_duration(lua_State* L, int index) noexcept {
  return static_cast<duration_value*>(to_value(L, index, &duration_key));
}

location* to_location(lua_State* L, int index) noexcept {
  return static_cast<location*>(to_value(L, index, &location_key));
}

void push_time_value(lua_State* L, const time_value& time) {
  push_value(L, time, &time_key);
}

void push_duration(lua_State* L, int64_t nanoseconds) {
  push_value(L, duration_value{nanoseconds}, &duration_key);
}

void push_location(lua_State* L, const location& where) {
  push_value(L, where, &location_key);
}

void push_time(lua_State* L, int64_t unix_ns) {
  ensure_metatables(L);
  time_value time;
  time.seconds = floor_divide(unix_ns, 1'000'000'000);
  time.nanoseconds = remainder_of(unix_ns);
  time.where = local_location();
  push_time_value(L, time);
}

bool read_duration(lua_State* L, int index, int64_t& nanoseconds, const char*& why) noexcept try {
  switch (lua_type(L, index)) {
  case LUA_TNUMBER: {
    if (lua_isinteger(L, index) != 0) {
      nanoseconds = lua_tointeger(L, index);
      return true;
    }
    const double number = lua_tonumber(L, index);
    if (std::fabs(number) < 9.2e18) {
      nanoseconds = std::llround(number);
      return true;
    }
    why = std::isnan(number) ? refuse_duration(duration_advice, "nan")
                             : refuse_duration(too_long, std::to_string(number).substr(0, 40));
    return false;
  }
  case LUA_TSTRING: {
    size_t size = 0;
    const char* text = lua_tolstring(L, index, &size);
    const auto parsed = size <= duration_text_max ? hub::parse_duration({text, size}) : std::nullopt;
    if (parsed)
      nanoseconds = parsed->count();
    else
      why = refuse_duration_text({text, size});
    return parsed.has_value();
  }
  case LUA_TUSERDATA:
    if (const duration_value* duration = to_duration(L, index)) {
      nanoseconds = duration->nanoseconds;
      return true;
    }
    break;
  default:
    break;
  }
  why = refuse_duration(duration_advice, luaL_typename(L, index));
  return false;
} catch (const std::bad_alloc&) {
  why = "out of memory";
  return false;
}

int open_time_values(lua_State* L) {
  ensure_metatables(L);
  constexpr luaL_Reg functions[] = {{"now", guarded<time_now>},
                                    {"unix", guarded<time_unix>},
                                    {"date", guarded<time_date>},
                                    {"parse", guarded<time_parse>},
                                    {"parse_duration", guarded<time_parse_duration>},
                                    {"load_location", guarded<time_load_location>},
                                    {"fixed_zone", guarded<time_fixed_zone>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  push_location(L, utc_location);
  lua_setfield(L, -2, "utc");
  push_location(L, local_location());
  lua_setfield(L, -2, "localtz");
  set_time_constants(L);
  return 1;
}

} // namespace natterjack::runtime::lua
