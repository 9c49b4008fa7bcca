// Calls a function when a moment has come, on a thread of the scheduler: for what is no process, whose timers
// the engine keeps.
//
//   set      rings then, unless it is set to an earlier moment already; once, then it may be set again
//   never    keeps anything alive but what its function holds: let that be weak
#pragma once

#include <caf/actor_control_block.hpp>

#include <cstdint>
#include <functional>

namespace natterjack::runtime::lua {

class lua_runtime;
class timer_service;

class alarm {
 public:
  /// @param ring  may still be running on another thread when this is destroyed
  alarm(lua_runtime& runtime, std::function<void()> ring);
  ~alarm();
  alarm(const alarm&) = delete;
  alarm& operator=(const alarm&) = delete;

  /// @param due_ns  on the steady clock
  void set(int64_t due_ns);

 private:
  uint64_t number() const noexcept;

  timer_service& timers_;
  caf::strong_actor_ptr bell_;
};

} // namespace natterjack::runtime::lua
