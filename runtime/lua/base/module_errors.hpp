// Error objects: what a function returns behind nil, and what `errors` makes for scripts.
//
//   Lua                                      result
//   errors.new(text)                         error of kind UNKNOWN, which is ""
//   errors.new(kind, text)                   error of that kind
//   errors.new{message, kind, retryable, details}
//   errors.wrap(err, context)                reads "context: message"; message, kind and the rest are kept
//   errors.is(err, kind)                     boolean
//   errors.call_stack(err)                   {thread, frames = {{source, line, name}, …}} or nil
//   err:message() err:kind() err:retryable() err:details() err:stack()
//   tostring(err), "…" .. err                the message, with the context of a wrapped one
//   err:find(…), string.upper(err), …        functions of `string` take it as this text
//
//   retryable   nil unless a script said so; of errors that modules make: true for TIMEOUT, UNAVAILABLE and
//               RATE_LIMITED, else false
//
//   never  an error object has a destructor; reading one runs no Lua code and never raises
#pragma once

#include "runtime/lua/host_api.hpp"

namespace natterjack::runtime::lua {

/// What `err:kind()` says, such as "NotFound".
const char* to_string(error_kind kind) noexcept;

/// True if the value at `index` is an error object.
bool is_error(lua_State* L, int index) noexcept;

/// Pushes what the error object at `index` reads as a text; pushes nothing and returns false if it is
/// none.
bool read_error_text(lua_State* L, int index) noexcept;

/// As `fail` with a printf format; the text is cut at 400 bytes. @returns 2
[[gnu::format(printf, 3, 4)]] int fail_with(lua_State* L, error_kind kind, const char* format, ...);

/// Pushes an error object alone, with a printf format; for calls that return one error or nothing.
/// @returns 1
[[gnu::format(printf, 3, 4)]] int push_error_with(lua_State* L, error_kind kind, const char* format,
                                                  ...);

} // namespace natterjack::runtime::lua
