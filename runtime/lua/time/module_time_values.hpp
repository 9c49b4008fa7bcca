// The values of the Lua module `time`: moments, durations and locations. Nothing here waits.
//
//   Lua                                          result
//   time.now()                                   Time, here
//   time.unix(sec, nsec?)                        Time, here
//   time.date(y, m, d, h?, mi?, s?, ns?, loc?)   Time; parts out of range carry
//   time.parse(layout, text, loc?)               Time         nil, err (INVALID)
//   time.parse_duration(v)                       Duration     nil, err (INVALID)
//   time.load_location(name)                     Location     nil, err (INVALID, NOT_FOUND)
//   time.fixed_zone(name, seconds)               Location
//   time.utc, time.localtz                       Location
//   t:add(d) sub(t) add_date(y, m, d) round(d) truncate(d)
//   t:before(t) after(t) equal(t) is_zero()
//   t:format(layout) format_rfc3339() unix() unix_nano() date() clock() year() month() day() hour()
//   t:minute() second() nanosecond() weekday() year_day()
//   t:utc() in_local() in_location(loc) location()
//   d:hours() minutes() seconds() milliseconds() microseconds() nanoseconds()
//   loc:string()
//   constants  NANOSECOND to HOUR, layouts RFC3339…, JANUARY…, SUNDAY…
//
//   a duration is a text ("1m30s"), a number of nanoseconds, or a Duration
//   Time and Duration compare with ==, < and <=, and have a text form
//
// `open_time_values`, `read_duration` and `push_time` stand in host_api.
#pragma once

#include "runtime/lua/host_api.hpp"
#include "runtime/lua/time/time_layout.hpp"

namespace natterjack::runtime::lua {

/// The userdata behind a Duration.
struct duration_value {
  int64_t nanoseconds;
};

void push_time_value(lua_State* L, const time_value& time);
void push_duration(lua_State* L, int64_t nanoseconds);
void push_location(lua_State* L, const location& where);

/// Null if the value at `index` is something else. Never raise.
time_value* to_time(lua_State* L, int index) noexcept;
duration_value* to_duration(lua_State* L, int index) noexcept;
location* to_location(lua_State* L, int index) noexcept;

/// Set the methods of Time into the table on top of the stack.
void set_time_methods(lua_State* L);
/// Set names of layouts, units, months and days into the table on top of the stack.
void set_time_constants(lua_State* L);

} // namespace natterjack::runtime::lua
