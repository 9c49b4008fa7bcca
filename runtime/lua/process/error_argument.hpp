// Arguments of processes and functions: an error object arrives as what it was, everything else as
// in a message.
//
//   on its way   JSON of a member no script would name: {"\\u0001error": message, "kind": …, …}
//   only         the argument itself; inside a table an error is its message, as in any JSON
#pragma once

#include "runtime/lua/host_api.hpp"

namespace natterjack::runtime::lua {

/// As read_payload.
bool read_argument(lua_State* L, int index, hub::payload& out, encode_error& error) noexcept;

/// As push_payload.
bool push_argument(lua_State* L, const hub::payload& value, decode_error& error);

} // namespace natterjack::runtime::lua
