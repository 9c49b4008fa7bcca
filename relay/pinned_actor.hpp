// A whole CAF actor (behaviours, requests, delayed sends) that runs on one io thread, without a lock
// between it and the sockets there.
//
//   enqueue    appends (actor, element) to the thread's one queue; the thread runs the element
//   promises   monitor, link, exit, kill and request work as for any actor
//
// Relies on parts of CAF 0.17 that are public but undocumented (activate, push_to_cache, flags);
// tests/relay/pinned_actor_test.cpp holds each promise.
#pragma once

#include "relay/pinned.hpp"

#include <caf/event_based_actor.hpp>

namespace natterjack::relay {

class pinned_actor : public caf::event_based_actor, public pinned {
 public:
  pinned_actor(caf::actor_config& config, io_thread& home, hub::node& node,
               const hub::host_name* host);

  using hub::process::id; // the PID, not CAF's number

  // -- caf: everything goes through the io thread's queue
  void enqueue(caf::strong_actor_ptr sender, caf::message_id id, caf::message content,
               caf::execution_unit*) override;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) override;
  void launch(caf::execution_unit*, bool lazy, bool hide) override;

 protected:
  void enter(caf::actor_control_block* self) { enter_as(self); }

 private:
  bool is_running() const noexcept override { return !getf(is_terminated_flag); }
  void start() override;
  void run(caf::mailbox_element_ptr element) override;
};

} // namespace natterjack::relay
