// Wakes processes at a moment: one thread for all, one entry for each process that has timers.
//
//   set, process, due   it gets `timer_due_atom` then, unless an earlier one is set already
//   never               keeps a process in memory, wakes up without a reason
#pragma once

#include <caf/actor_control_block.hpp>
#include <caf/atom.hpp>
#include <caf/weak_intrusive_ptr.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace natterjack::runtime::lua {

using timer_due_atom = caf::atom_constant<caf::atom("timerDue")>;

class timer_service {
 public:
  timer_service();
  ~timer_service();
  timer_service(const timer_service&) = delete;
  timer_service& operator=(const timer_service&) = delete;

  /// @param number  of the process's PID
  /// @param due_ns  on the steady clock
  void set(uint64_t number, caf::actor_control_block* who, int64_t due_ns);
  /// The process has ended.
  void forget(uint64_t number) noexcept;

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::map<std::pair<int64_t, uint64_t>, caf::weak_actor_ptr> queue_; // (due, number)
  std::map<uint64_t, int64_t> due_;
  std::thread thread_;
};

} // namespace natterjack::runtime::lua
