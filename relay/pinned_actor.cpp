#include "relay/pinned_actor.hpp"

#include "relay/io_thread.hpp"

#include <caf/config.hpp>
#include <caf/detail/sync_request_bouncer.hpp>

// Mailboxes, schedulers and messages below are those of one line of releases.
static_assert(CAF_VERSION / 100 == 17, "this is written for CAF 0.17");

namespace natterjack::relay {

pinned_actor::pinned_actor(caf::actor_config& config, io_thread& home, hub::node& node,
                           const hub::host_name* host)
    : caf::event_based_actor(config), pinned(home, node, host) {}

void pinned_actor::enqueue(caf::strong_actor_ptr from, caf::message_id mid, caf::message content,
                           caf::execution_unit*) {
  enqueue(caf::make_mailbox_element(std::move(from), mid, {}, std::move(content)), nullptr);
}

void pinned_actor::enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) {
  thread().push(this, std::move(element));
}

void pinned_actor::launch(caf::execution_unit*, bool, bool hide) {
  if (!hide)
    register_at_system();
  thread().push_start(this);
}

void pinned_actor::start() {
  if (is_running())
    activate(&thread());
}

void pinned_actor::run(caf::mailbox_element_ptr element) {
  if (!is_running()) {
    if (element->mid.is_request()) {
      caf::detail::sync_request_bouncer bounce{caf::make_error(caf::exit_reason::unreachable)};
      bounce(*element);
    }
    return;
  }
  if (activate(&thread(), *element) == activation_result::skipped)
    push_to_cache(std::move(element));
}

} // namespace natterjack::relay
