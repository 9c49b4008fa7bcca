#include "relay/pinned_actor.hpp"

#include "relay/io_thread.hpp"
#include "relay/message_run.hpp"

#include <caf/detail/sync_request_bouncer.hpp>

namespace natterjack::relay {

pinned_actor::pinned_actor(caf::actor_config& config, io_thread& home, hub::node& node,
                           const hub::host_name* host)
    : caf::event_based_actor(config), hub::process(node, host), thread_(home) {}

void pinned_actor::enqueue(caf::strong_actor_ptr from, caf::message_id mid, caf::message content,
                           caf::execution_unit*) {
  enqueue(caf::make_mailbox_element(std::move(from), mid, {}, std::move(content)), nullptr);
}

void pinned_actor::enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) {
  thread_.push(this, std::move(element));
}

void pinned_actor::launch(caf::execution_unit*, bool, bool hide) {
  if (!hide)
    register_at_system();
  thread_.push_start(this);
}

hub::send_result pinned_actor::deliver(hub::message_ptr what) noexcept {
  thread_.push(this, std::move(what));
  return hub::send_result::sent;
}

hub::delivery_domain* pinned_actor::domain() const noexcept { return &thread_; }

void pinned_actor::start() {
  if (is_alive())
    activate(&thread_);
}

void pinned_actor::accept_run(message_run& run) {
  for (const auto& what : run.messages())
    take(what);
}

void pinned_actor::run(caf::mailbox_element_ptr element) {
  if (!is_alive()) {
    if (element->mid.is_request()) {
      caf::detail::sync_request_bouncer bounce{caf::make_error(caf::exit_reason::unreachable)};
      bounce(*element);
    }
    return;
  }
  if (activate(&thread_, *element) == activation_result::skipped)
    push_to_cache(std::move(element));
}

} // namespace natterjack::relay
