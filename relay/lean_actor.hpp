// A pinned actor without behaviours and mailbox: 0.9 kB less than an event_based_actor.
//
//   on_down            one of those it monitors has ended
//   on_exit_signal     somebody it is linked to has ended, or somebody asks it to end
//   on_element         any other content; what it does not know is answered with unexpected_message
//   on_exit            once, last, also after a kill
//   promises           monitor, link, exit and kill work as for any actor; it sends no requests
//
// With pinned_actor.hpp the one place that relies on parts of CAF 0.17 that are public but undocumented
// (monitorable_actor, default_attachable); tests/relay/lean_actor_test.cpp holds each promise.
#pragma once

#include "relay/pinned.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/make_actor.hpp>
#include <caf/monitorable_actor.hpp>
#include <caf/system_messages.hpp>

namespace natterjack::relay {

class lean_actor : public caf::monitorable_actor, public pinned {
 public:
  using hub::process::id; // the PID, not CAF's number

  void enqueue(caf::strong_actor_ptr sender, caf::message_id id, caf::message content,
               caf::execution_unit*) override;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) override;
  /// The last handle is gone, for instance at the end of its io thread.
  void on_destroy() override;

 protected:
  lean_actor(caf::actor_config& config, io_thread& home, hub::node& node,
             const hub::host_name* host);

  virtual void on_down(const caf::down_msg& down) = 0;
  virtual void on_exit_signal(const caf::exit_msg& exit) = 0;
  /// @returns false if it knows nothing of this content
  virtual bool on_element(caf::mailbox_element& element) = 0;
  virtual void on_exit() = 0;

  void monitor(const caf::strong_actor_ptr& whom);
  void demonitor(const caf::strong_actor_ptr& whom);
  /// Ends it: `on_exit`, then monitors and links hear of it.
  void quit(caf::error reason = {});

  bool is_running() const noexcept override { return !getf(is_terminated_flag); }
  void start() override {}
  void run(caf::mailbox_element_ptr element) override;
};

/// Makes a T (config, xs...) that lives on an io thread. @returns its only reference
template <class T, class... Ts>
caf::strong_actor_ptr spawn_lean(caf::actor_system& system, caf::execution_unit& unit, Ts&&... xs) {
  caf::actor_config config{&unit};
  return caf::make_actor<T, caf::strong_actor_ptr>(system.next_actor_id(), system.node(), &system,
                                                   config, std::forward<Ts>(xs)...);
}

} // namespace natterjack::relay
