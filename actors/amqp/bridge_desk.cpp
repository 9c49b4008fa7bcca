#include "actors/amqp/bridge_desk.hpp"

#include "relay/pinned_actor.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>

#include <algorithm>

namespace natterjack::amqp {

class bridge::desk::actor final : public relay::pinned_actor {
 public:
  actor(caf::actor_config& config, relay::io_thread& thread, hub::node& node,
        const hub::host_name* host, std::shared_ptr<desk> content)
      : pinned_actor(config, thread, node, host), desk_(std::move(content)) {
    enter(ctrl());
  }
  const char* name() const override { return "amqp_bridge"; }

  caf::behavior make_behavior() override {
    set_default_handler([](caf::scheduled_actor*, caf::message_view&) {
      return caf::result<caf::message>{caf::sec::unexpected_message};
    });
    return {[this](const hub::cancel_signal&) {
      quit();
    }};
  }
  void on_exit() override {
    hub::process::leave();
    desk_->delayed.clear();
    desk_->listeners.clear();
    desk_->link_listeners.clear();
  }

  void accept(const hub::message_ptr& what) override {
    // Not settled: the io threads share this message; its credit is given back by one of them alone.
    if (what->topic() != bridge_topic)
      return;
    if (const auto* r = dynamic_cast<const reply*>(what->attachment()))
      desk_->take(reply_ptr(const_cast<reply*>(r)));
  }

 private:
  std::shared_ptr<desk> desk_;
};

hub::process_ref bridge::desk::start(const std::shared_ptr<desk>& content, relay::io_thread& thread,
                                     hub::node& node) {
  caf::actor_config config{&thread};
  auto handle = node.system().spawn_class<actor, caf::no_spawn_options>(
      config, thread, node, node.host(content->options_.id), content);
  content->handle = caf::actor_cast<caf::strong_actor_ptr>(handle);
  return {content->handle, static_cast<actor*>(content->handle->get())};
}

void bridge::desk::take(const reply_ptr& what) {
  last_seen = what->number;
  for (auto i = listeners.begin(); i != listeners.end();) {
    auto now = i++; // a listener may forget itself
    now->second(what);
  }
  history_.push_back(what);
  history_bytes_ += what->frame.size();
  while (history_.size() > options_.history_messages || history_bytes_ > options_.history_bytes) {
    history_bytes_ -= history_.front()->frame.size();
    history_.pop_front();
  }
}

void bridge::desk::tell(const link_event& event) {
  for (auto i = link_listeners.begin(); i != link_listeners.end();) {
    auto now = i++; // as above
    now->second(event);
  }
}

std::vector<reply_ptr> bridge::desk::last(size_t count) const {
  const auto from = history_.size() - std::min(count, history_.size());
  return {history_.begin() + static_cast<long>(from), history_.end()};
}

} // namespace natterjack::amqp
