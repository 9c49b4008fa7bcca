// What a Time can be asked.
#include "runtime/lua/time/module_time_values.hpp"

#include "runtime/lua/json/json_codec.hpp"

#include <climits>

namespace natterjack::runtime::lua {

namespace {

constexpr int64_t billion = 1'000'000'000;
constexpr int64_t year_one = -62'135'596'800; // 0001-01-01, where Go's zero Time is
constexpr int64_t far = 10'000'000'000'000'000;

const time_value& check_time(lua_State* L, int index) {
  const time_value* time = to_time(L, index);
  if (time == nullptr && index == 1)
    luaL_error(L, "this is a method of a Time: call it with a colon, as in t:unix()");
  if (time == nullptr)
    luaL_typeerror(L, index, "Time");
  return *time;
}

int64_t check_duration_argument(lua_State* L, int index) {
  int64_t nanoseconds = 0;
  const char* why = nullptr;
  if (!read_duration(L, index, nanoseconds, why))
    luaL_argerror(L, index, why);
  return nanoseconds;
}

int64_t within(int64_t seconds) {
  return seconds > far ? far : seconds < -far ? -far : seconds;
}

time_value later(const time_value& time, int64_t nanoseconds) {
  time_value result = time;
  const int64_t whole = floor_divide(nanoseconds, billion);
  const int64_t rest = (nanoseconds % billion + billion) % billion + time.nanoseconds;
  result.seconds = within(time.seconds + whole + rest / billion);
  result.nanoseconds = static_cast<int32_t>(rest % billion);
  return result;
}

int time_add(lua_State* L) {
  const time_value& time = check_time(L, 1);
  push_time_value(L, later(time, check_duration_argument(L, 2)));
  return 1;
}

int time_sub(lua_State* L) {
  const time_value& a = check_time(L, 1);
  const time_value& b = check_time(L, 2);
  __extension__ using wide = __int128;
  const wide between =
      static_cast<wide>(a.seconds - b.seconds) * billion + (a.nanoseconds - b.nanoseconds);
  push_duration(L, between > INT64_MAX   ? INT64_MAX
                   : between < INT64_MIN ? INT64_MIN
                                         : static_cast<int64_t>(between));
  return 1;
}

int time_add_date(lua_State* L) {
  const time_value& time = check_time(L, 1);
  lua_Integer more[3];
  for (int i = 0; i < 3; ++i) {
    more[i] = luaL_optinteger(L, 2 + i, 0);
    luaL_argcheck(L, more[i] >= -10'000'000 && more[i] <= 10'000'000, 2 + i, "out of range");
  }
  const civil_time at = time.civil();
  time_value result = time;
  result.seconds = within(
      from_wall_clock(time.where, seconds_to(at.year + more[0], at.month + more[1],
                                             at.day + more[2], at.hour, at.minute, at.second)));
  push_time_value(L, result);
  return 1;
}

template <int Order> int time_is(lua_State* L) {
  const time_value& a = check_time(L, 1);
  const time_value& b = check_time(L, 2);
  const auto key = [](const time_value& t) {
    return std::pair(t.seconds, t.nanoseconds);
  };
  lua_pushboolean(L, Order < 0 ? key(a) < key(b) : Order > 0 ? key(a) > key(b) : key(a) == key(b));
  return 1;
}

int push_formatted(lua_State* L, std::string_view layout) {
  byte_buffer& buffer = encode_buffer();
  if (!format_time(check_time(L, 1), layout, buffer))
    return luaL_error(L, "the layout is too long");
  lua_pushlstring(L, buffer.data(), buffer.size());
  return 1;
}

int time_format(lua_State* L) {
  check_time(L, 1);
  size_t size = 0;
  const char* layout = luaL_checklstring(L, 2, &size);
  return push_formatted(L, {layout, size});
}

int time_format_rfc3339(lua_State* L) {
  return push_formatted(L, "2006-01-02T15:04:05Z07:00");
}

int time_unix_seconds(lua_State* L) {
  lua_pushinteger(L, check_time(L, 1).seconds);
  return 1;
}

// Wraps outside the years 1678 to 2262, which 64 bits hold.
int time_unix_nano(lua_State* L) {
  const time_value& time = check_time(L, 1);
  lua_pushinteger(L, static_cast<lua_Integer>(static_cast<uint64_t>(time.seconds) * billion +
                                              static_cast<uint64_t>(time.nanoseconds)));
  return 1;
}

int time_date_parts(lua_State* L) {
  const civil_time at = check_time(L, 1).civil();
  lua_pushinteger(L, at.year);
  lua_pushinteger(L, at.month);
  lua_pushinteger(L, at.day);
  return 3;
}

int time_clock_parts(lua_State* L) {
  const civil_time at = check_time(L, 1).civil();
  lua_pushinteger(L, at.hour);
  lua_pushinteger(L, at.minute);
  lua_pushinteger(L, at.second);
  return 3;
}

template <auto Field> int time_part(lua_State* L) {
  lua_pushinteger(L, check_time(L, 1).civil().*Field);
  return 1;
}

int time_nanosecond(lua_State* L) {
  lua_pushinteger(L, check_time(L, 1).nanoseconds);
  return 1;
}

int time_is_zero(lua_State* L) {
  const time_value& time = check_time(L, 1);
  lua_pushboolean(L, time.seconds == year_one && time.nanoseconds == 0);
  return 1;
}

int push_moved(lua_State* L, const location& where) {
  time_value moved = check_time(L, 1);
  moved.where = where;
  push_time_value(L, moved);
  return 1;
}

int time_utc(lua_State* L) {
  return push_moved(L, utc_location);
}
int time_in_local(lua_State* L) {
  return push_moved(L, local_location());
}

int time_in_location(lua_State* L) {
  check_time(L, 1);
  const location* where = to_location(L, 2);
  if (where == nullptr)
    return luaL_typeerror(L, 2, "Location, such as time.utc");
  return push_moved(L, *where);
}

int time_location(lua_State* L) {
  push_location(L, check_time(L, 1).where);
  return 1;
}

// To a multiple of the duration since year 1: down, or to the nearest.
int push_rounded(lua_State* L, bool nearest) {
  const time_value& time = check_time(L, 1);
  const int64_t step = check_duration_argument(L, 2);
  if (step <= 0) {
    push_time_value(L, time);
    return 1;
  }
  __extension__ using wide = __int128;
  const wide since = static_cast<wide>(time.seconds - year_one) * billion + time.nanoseconds;
  auto over = static_cast<int64_t>(since % step);
  over += over < 0 ? step : 0;
  const bool up = nearest && over >= step - over;
  push_time_value(L, later(time, up ? step - over : -over));
  return 1;
}

int time_round(lua_State* L) {
  return push_rounded(L, true);
}
int time_truncate(lua_State* L) {
  return push_rounded(L, false);
}

struct layout_name {
  const char* name;
  const char* layout;
};

constexpr layout_name layouts[] = {
    {"RFC3339", "2006-01-02T15:04:05Z07:00"},
    {"RFC3339NANO", "2006-01-02T15:04:05.999999999Z07:00"},
    {"RFC822", "02 Jan 06 15:04 MST"},
    {"RFC822Z", "02 Jan 06 15:04 -0700"},
    {"RFC850", "Monday, 02-Jan-06 15:04:05 MST"},
    {"RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"},
    {"RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"},
    {"KITCHEN", "3:04PM"},
    {"STAMP", "Jan _2 15:04:05"},
    {"STAMP_MILLI", "Jan _2 15:04:05.000"},
    {"STAMP_MICRO", "Jan _2 15:04:05.000000"},
    {"STAMP_NANO", "Jan _2 15:04:05.000000000"},
    {"DATE_TIME", "2006-01-02 15:04:05"},
    {"DATE_ONLY", "2006-01-02"},
    {"TIME_ONLY", "15:04:05"},
};

struct unit_name {
  const char* name;
  int64_t nanoseconds;
};

constexpr unit_name units[] = {
    {"NANOSECOND", 1},   {"MICROSECOND", 1'000},   {"MILLISECOND", 1'000'000},
    {"SECOND", billion}, {"MINUTE", 60 * billion}, {"HOUR", 3'600 * billion},
};

// "January" -> JANUARY
void set_upper_case(lua_State* L, std::string_view name, int value) {
  char upper[16] = "";
  for (size_t i = 0; i < name.size(); ++i)
    upper[i] = name[i] >= 'a' && name[i] <= 'z' ? static_cast<char>(name[i] - 'a' + 'A') : name[i];
  lua_pushinteger(L, value);
  lua_setfield(L, -2, upper);
}

} // namespace

void set_time_methods(lua_State* L) {
  constexpr luaL_Reg methods[] = {{"add", guarded<time_add>},
                                  {"sub", guarded<time_sub>},
                                  {"add_date", guarded<time_add_date>},
                                  {"before", time_is<-1>},
                                  {"after", time_is<1>},
                                  {"equal", time_is<0>},
                                  {"format", guarded<time_format>},
                                  {"format_rfc3339", guarded<time_format_rfc3339>},
                                  {"unix", time_unix_seconds},
                                  {"unix_nano", time_unix_nano},
                                  {"date", time_date_parts},
                                  {"clock", time_clock_parts},
                                  {"year", time_part<&civil_time::year>},
                                  {"month", time_part<&civil_time::month>},
                                  {"day", time_part<&civil_time::day>},
                                  {"hour", time_part<&civil_time::hour>},
                                  {"minute", time_part<&civil_time::minute>},
                                  {"second", time_part<&civil_time::second>},
                                  {"nanosecond", time_nanosecond},
                                  {"weekday", time_part<&civil_time::weekday>},
                                  {"year_day", time_part<&civil_time::year_day>},
                                  {"is_zero", time_is_zero},
                                  {"utc", time_utc},
                                  {"in_local", guarded<time_in_local>},
                                  {"in_location", guarded<time_in_location>},
                                  {"location", time_location},
                                  {"round", guarded<time_round>},
                                  {"truncate", guarded<time_truncate>},
                                  {nullptr, nullptr}};
  luaL_setfuncs(L, methods, 0);
}

void set_time_constants(lua_State* L) {
  for (const layout_name& one : layouts) {
    lua_pushstring(L, one.layout);
    lua_setfield(L, -2, one.name);
  }
  for (const unit_name& one : units) {
    lua_pushinteger(L, one.nanoseconds);
    lua_setfield(L, -2, one.name);
  }
  int number = 1;
  for (const std::string_view name : month_names)
    set_upper_case(L, name, number++);
  number = 0;
  for (const std::string_view name : weekday_names)
    set_upper_case(L, name, number++);
}

} // namespace natterjack::runtime::lua
