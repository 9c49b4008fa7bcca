// Payloads as the script sees them: of messages, or made by `payload.new`.
//
//   p:data()  p:unmarshal()  p:get_format()  p:transcode(format)
//   payload.new(v)   payload.json(text)   payload.format.{JSON, STRING, …}
#pragma once

#include "hub/message.hpp"

#include <lua.hpp>

namespace natterjack::runtime::lua {

/// Pushes a Payload object and gives access to what it holds, nil at first.
hub::payload& push_empty_payload(lua_State* L);
/// Pushes the payload of a message that the object at index 1 holds; it keeps that object.
/// @param message  inside the object at index 1
void push_payload_of(lua_State* L, const hub::message_ptr& message, size_t place);
/// The payload inside the object at `index`, or null.
const hub::payload* to_payload(lua_State* L, int index) noexcept;

/// Pushes the `payload` library.
int open_payload(lua_State* L);

} // namespace natterjack::runtime::lua
