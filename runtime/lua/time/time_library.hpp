// `time`: the values of module_time_values and the functions that wait.
//
//   time.sleep(d)               waits                                d: duration, see read_duration
//   time.after(d)               channel that gives one Time
//   time.timer(d), ticker(d)    object: response() / channel(), stop(), a timer's reset(d)
#pragma once

#include <lua.hpp>

namespace natterjack::runtime::lua {

/// Pushes the library table.
int open_time(lua_State* L);

} // namespace natterjack::runtime::lua
