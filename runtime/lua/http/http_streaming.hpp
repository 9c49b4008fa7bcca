// Bodies in pieces, both ways: what the module `http` needs of the engine, since it means to wait.
//
//   start_answer       gives the head and what is written so far; the rest goes through `send_body`
//   send_body          waits while the client does not read
//   collect_body       takes in what has come of the request's body
//   await_body         waits for more of it
#pragma once

#include "runtime/lua/host_api.hpp"

namespace natterjack::runtime::lua {

void start_answer(http_exchange& exchange);

/// Gives bytes of an answer that has been started. `return send_body(...)`: it may wait.
/// @returns 0, or 1 with an error pushed: the client has gone
int send_body(lua_State* L, http_exchange& exchange, std::string_view bytes);

void collect_body(http_exchange& exchange);
/// No more of it is wanted; the rest is thrown away as it comes.
void close_body(http_exchange& exchange);
/// `return await_body(...)`: calls `k` when more has come, the body has ended, or it is due. Raises where
/// the task cannot wait.
int await_body(lua_State* L, const http_exchange& exchange, int64_t due_ns, lua_KFunction k);
/// The first thing `k` does.
void end_await(lua_State* L, lua_KContext context) noexcept;

} // namespace natterjack::runtime::lua
