// What one script hands to another: arguments, messages, events, results. An error object arrives
// as what it was, also inside a table; everything else as in any message.
//
//   read_argument, push_argument    in place of read_payload, push_payload: a script is at the other end
//   reads_errors, receiver          whether a script is; everybody else gets `for_others(message)`
//   deliver, broadcast              to one process, to a group: each in the form it understands
#pragma once

#include "hub/message.hpp"
#include "hub/process.hpp"
#include "runtime/lua/host_api.hpp"
#include "runtime/lua/json/json_errors.hpp"

#include <string>

namespace natterjack::runtime::lua {

/// As read_payload.
bool read_argument(lua_State* L, int index, hub::payload& out, encode_error& error) noexcept;

/// As push_payload.
inline bool push_argument(lua_State* L, const hub::payload& value, decode_error& error) {
  return holds_errors(value) ? decode_with_errors(L, value.bytes(), error)
                             : push_payload(L, value, error);
}

/// True for Lua processes.
bool reads_errors(const hub::process& receiver) noexcept;

bool holds_errors(const hub::message& what) noexcept;

/// The same message with each error as its text; one without errors as it is.
hub::message_ptr for_others(const hub::message_ptr& what);

inline hub::send_result deliver(hub::process& receiver, const hub::message_ptr& what) {
  return receiver.deliver(holds_errors(*what) && !reads_errors(receiver) ? for_others(what) : what);
}

void broadcast(hub::node& node, const std::string& group, const hub::message_ptr& what);

} // namespace natterjack::runtime::lua
