#include "relay/lean_actor.hpp"

#include "relay/io_thread.hpp"

#include <caf/default_attachable.hpp>
#include <caf/sec.hpp>

namespace natterjack::relay {

namespace {

void refuse(const caf::mailbox_element& element, caf::error why) {
  if (element.sender && element.mid.is_request())
    element.sender->enqueue(nullptr, element.mid.response_id(), caf::make_message(std::move(why)),
                            nullptr);
}

} // namespace

lean_actor::lean_actor(caf::actor_config& config, io_thread& home, hub::node& node,
                       const hub::host_name* host)
    : caf::monitorable_actor(config), pinned(home, node, host) {
  register_at_system();
}

void lean_actor::enqueue(caf::strong_actor_ptr from, caf::message_id mid, caf::message content,
                         caf::execution_unit*) {
  enqueue(caf::make_mailbox_element(std::move(from), mid, {}, std::move(content)), nullptr);
}

void lean_actor::enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) {
  thread().push(this, std::move(element));
}

void lean_actor::run(caf::mailbox_element_ptr element) {
  if (!is_running()) {
    refuse(*element, caf::make_error(caf::exit_reason::unreachable));
    return;
  }
  auto& content = element->content();
  if (content.match_elements<caf::down_msg>()) {
    on_down(content.get_as<caf::down_msg>(0));
  } else if (content.match_elements<caf::exit_msg>()) {
    const auto& exit = content.get_as<caf::exit_msg>(0);
    if (exit.reason == caf::exit_reason::kill)
      quit(exit.reason); // asks nobody
    else
      on_exit_signal(exit);
  } else if (!on_element(*element)) {
    refuse(*element, caf::make_error(caf::sec::unexpected_message));
  }
}

void lean_actor::on_destroy() {
  quit(caf::exit_reason::unreachable);
  caf::monitorable_actor::on_destroy();
}

void lean_actor::monitor(const caf::strong_actor_ptr& whom) {
  auto* observed = whom->get();
  observed->attach(caf::default_attachable::make_monitor(observed->address(), address()));
}

void lean_actor::demonitor(const caf::strong_actor_ptr& whom) {
  const caf::default_attachable::observe_token token{address(),
                                                     caf::default_attachable::monitor};
  whom->get()->detach(token);
}

void lean_actor::quit(caf::error reason) {
  if (!is_running())
    return;
  on_exit();
  if (cleanup(std::move(reason), &thread()))
    unregister_from_system();
}

} // namespace natterjack::relay
