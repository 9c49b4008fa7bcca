// A CAF actor that runs on one io thread, beside the socket it owns, without a lock between them.
//
//   enqueue    appends (actor, element) to the thread's one queue; the thread runs the element
//   deliver    appends (actor, message): no CAF tuple is built and no behaviour is searched
//   order      one sender's messages and elements arrive in the order they were sent
//   promises   monitor, link, exit, kill and request work as for any actor
//   never      runs on CAF's scheduler, runs on two threads
//
// This is the one file that relies on parts of CAF 0.17 that are public but undocumented (activate,
// push_to_cache, flags); tests/relay/pinned_actor_test.cpp holds each promise.
#pragma once

#include "hub/process.hpp"

#include <caf/event_based_actor.hpp>

namespace natterjack::relay {

class io_thread;
class message_run;

class pinned_actor : public caf::event_based_actor, public hub::process {
 public:
  pinned_actor(caf::actor_config& config, io_thread& home, hub::node& node,
               const hub::host_name* host);

  using hub::process::id; // the PID, not CAF's number

  io_thread& thread() const noexcept { return thread_; }

  // -- caf: everything goes through the io thread's queue
  void enqueue(caf::strong_actor_ptr sender, caf::message_id id, caf::message content,
               caf::execution_unit*) override;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) override;
  void launch(caf::execution_unit*, bool lazy, bool hide) override;

  // -- hub::process
  hub::send_result deliver(hub::message_ptr what) noexcept override;
  hub::delivery_domain* domain() const noexcept override;

 protected:
  /// One message, on the io thread, while the actor is alive.
  virtual void accept(const hub::message_ptr& what) = 0;
  /// Several at once, settled already; the actor may end in the middle.
  virtual void accept_run(message_run& run);
  /// Called on the io thread some time after `io_thread::push_wake`.
  virtual void on_wake() {}

 private:
  friend class io_thread;
  bool is_alive() const noexcept { return !getf(is_terminated_flag); }
  void start();
  void run(caf::mailbox_element_ptr element);
  void take(const hub::message_ptr& what) {
    if (is_alive())
      accept(what);
    else
      what->settle();
  }
  void take(message_run& run) {
    if (is_alive())
      accept_run(run);
  }

  io_thread& thread_;
};

} // namespace natterjack::relay
