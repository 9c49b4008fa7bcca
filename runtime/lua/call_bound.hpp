// What must not outlive the call of a function that has begun it: a transaction that would keep a database
// for itself, a subscription that somebody would be told for. A state goes back to its pool and need not
// collect garbage there for hours, so `__gc` comes too late.
//
//   bind_to_call   remembered until it is forgotten, the call (with its tasks) ends, or the state does
//   end_bound      the engine does this between two calls; a state that is closed does it by itself
#pragma once

#include "runtime/lua/host_api.hpp"

#include <functional>

namespace natterjack::runtime::lua {

/// Makes room for what is bound in this state. May raise: before anything is begun.
void prepare_to_bind(lua_State* L);
/// @param end  called at most once, on the process's thread: it must not touch the state
/// @returns a number for `forget_bound`
uint64_t bind_to_call(lua_State* L, std::function<void()> end);
/// It has ended by itself, or is ended now. Anything but a number of bind_to_call is passed over.
void forget_bound(lua_State* L, uint64_t number) noexcept;
void end_bound(lua_State* L, uint64_t number) noexcept;
/// All that is bound.
void end_bound(lua_State* L) noexcept;

} // namespace natterjack::runtime::lua
