// What the engine keeps in the extra space of each coroutine: its engine, and in the lowest bit
// whether the engine (and not the script's own yield) has suspended it.
#pragma once

#include <lua.hpp>

#include <cstdint>

namespace natterjack::runtime::lua {

class process_context;

inline uintptr_t& thread_mark(lua_State* L) noexcept {
  static_assert(LUA_EXTRASPACE >= sizeof(uintptr_t));
  return *static_cast<uintptr_t*>(lua_getextraspace(L));
}

inline void set_context(lua_State* L, process_context* context) noexcept {
  thread_mark(L) = reinterpret_cast<uintptr_t>(context);
}

inline void mark_suspended(lua_State* L, bool suspended) noexcept {
  thread_mark(L) = (thread_mark(L) & ~uintptr_t{1}) | (suspended ? 1U : 0U);
}

/// Such a coroutine is part of a task that waits: nobody else may resume or close it.
inline bool is_suspended_by_engine(lua_State* L) noexcept {
  return (thread_mark(L) & 1U) != 0;
}

} // namespace natterjack::runtime::lua
