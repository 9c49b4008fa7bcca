// Ends time slices: no hook slows a running program down; a thread looks every few milliseconds
// which slices are overdue and arms the hook from a signal on that very thread.
//
//   slice      one turn of a process on a worker thread; made and ended on that thread
//   overdue    at two looks in a row, or as many as the limit `slice` makes: `over` is set, a count hook armed
//              on the innermost coroutine
//   never      wakes up while nothing has run for a while; signals a thread that is in no slice
//
// The signal is SIGURG: ignored by default, used by nobody else here.
#pragma once

#include <lua.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>
#include <vector>

#include <pthread.h>

namespace natterjack::runtime::lua {

/// What the signal handler needs to know of the slice on this thread.
struct slice_mark {
  lua_State* volatile running = nullptr; ///< innermost coroutine
  volatile std::sig_atomic_t over = 0;   ///< set by the signal: give way soon
};

class watchdog {
 public:
  /// @param hook  armed with LUA_MASKCOUNT in an overdue slice
  explicit watchdog(lua_Hook hook);
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  /// A turn on the calling thread; lives on its stack, never two at a time.
  class slice {
   public:
    /// @param length  it may run; the watchdog counts in looks of 5 ms
    slice(watchdog& dog, slice_mark& mark, std::chrono::milliseconds length) noexcept;
    ~slice();
    slice(const slice&) = delete;
    slice& operator=(const slice&) = delete;

   private:
    struct worker* worker_;
  };

 private:
  void look();

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::atomic<bool> dozing_{false};
  std::thread thread_;
};

} // namespace natterjack::runtime::lua
