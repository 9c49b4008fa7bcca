// Limits of a process: memory, budget and slices; what is over them ends, whatever a `pcall` does.
#include "hub/counters.hpp"
#include "runtime/lua/engine/clocks.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/engine/traceback.hpp"

#include <chrono>

namespace natterjack::runtime::lua {

namespace {

// While a task cannot yield (a sort comparator, say) the hook looks this often, in instructions.
constexpr int pinned_look_interval = 10'000;

} // namespace

void engine::set_fatal(lua_State* L, std::string text) noexcept {
  if (fatal_)
    return;
  fatal_ = true;
  const auto line = script_line(L);
  fatal_text_ = line.empty() ? std::move(text) : line + ": " + text;
  fatal_traceback_ = traceback(L);
}

void engine::out_of_memory(lua_State* L) noexcept {
  const auto limit = "limit memory (" + std::to_string(memory_.bytes_max() >> 10) + " KiB)";
  if (memory_.system_refused())
    return set_fatal(L, "out of memory: the system has no more; " + limit + " is not reached, " +
                            std::to_string(memory_.used() >> 10) + " KiB are used");
  if (!fatal_)
    hub::count(hub::counter::limit_memory);
  set_fatal(L, "out of memory: " + limit + " reached");
}

bool engine::over_budget(lua_State* L) noexcept {
  if (fatal_)
    return true;
  if (current_ == nullptr)
    return false;
  const auto& limits = program_->limits();
  const auto now = thread_cpu_ns();
  // Nobody looked at the clock when this slice began: it has lasted one slice at least.
  current_->used_ns +=
      slice_start_ns_ < 0 ? std::chrono::nanoseconds(limits.slice).count() : now - slice_start_ns_;
  slice_start_ns_ = now;
  if (current_->used_ns <= std::chrono::nanoseconds(limits.budget).count())
    return false;
  hub::count(hub::counter::limit_budget);
  set_fatal(L, "ran " + std::to_string(limits.budget.count()) +
                   " ms without waiting: limit budget reached");
  return true;
}

int engine::leave(lua_State* L) {
  if (pinned == 0 && lua_isyieldable(L)) {
    cause = yield_cause::ended;
    return lua_yield(L, 0);
  }
  lua_sethook(L, slice_hook, LUA_MASKCOUNT, 1); // a pcall that catches this gets no further
  return luaL_error(L, "the process is over a limit");
}

void engine::slice_hook(lua_State* L, lua_Debug*) {
  auto& self = engine_of(L);
  lua_sethook(L, nullptr, 0, 0);
  hub::count(hub::counter::slices_cut);
  if (self.over_budget(L)) {
    self.leave(L);
  } else if (self.pinned == 0 && lua_isyieldable(L)) {
    self.cause = yield_cause::preempted;
    lua_yield(L, 0);
  } else {
    lua_sethook(L, slice_hook, LUA_MASKCOUNT, pinned_look_interval);
  }
}

} // namespace natterjack::runtime::lua
