// What an io thread runs: a process that lives on it, beside the socket it owns.
//
//   deliver    appends (process, message) to the thread's one queue: no CAF tuple is built and no behaviour
//              is searched
//   order      one sender's messages and mailbox elements arrive in the order they were sent
//   never      runs on CAF's scheduler, runs on two threads
//
// Two kinds: `pinned_actor` is a whole event_based_actor, `lean_actor` has no behaviour and no mailbox of
// its own, for what there are ten thousands of.
#pragma once

#include "hub/process.hpp"

#include <caf/mailbox_element.hpp>

namespace natterjack::relay {

class io_thread;
class message_run;

class pinned : public hub::process {
 public:
  io_thread& thread() const noexcept { return thread_; }

  hub::send_result deliver(hub::message_ptr what) noexcept override;
  hub::delivery_domain* domain() const noexcept override;

 protected:
  pinned(io_thread& home, hub::node& node, const hub::host_name* host);

  /// For the most derived constructor: who it is to CAF. Also makes the PID known.
  void enter_as(caf::actor_control_block* self);

  /// One message, on the io thread, while the actor is alive.
  virtual void accept(const hub::message_ptr& what) = 0;
  /// One or several at once; their credit comes back with the last holder, so nothing is settled here. The
  /// actor may end in the middle.
  virtual void accept_run(message_run& run);
  /// Called on the io thread some time after `io_thread::push_wake`.
  virtual void on_wake() {}

  virtual bool is_running() const noexcept = 0;
  virtual void start() = 0;
  virtual void run(caf::mailbox_element_ptr element) = 0;

 private:
  friend class io_thread;
  void take(const hub::message_ptr& what) {
    if (is_running())
      accept(what);
    else
      what->settle();
  }
  void take(message_run& run) {
    if (is_running())
      accept_run(run);
  }

  io_thread& thread_;
  caf::actor_control_block* control_ = nullptr;
  uint64_t list_seen_ = 0; // of the thread's lists of receivers: the last one that was looked through
};

} // namespace natterjack::relay
