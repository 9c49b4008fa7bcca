// A process that keeps what it is sent: the smallest actor with a PID.
#pragma once

#include "hub/node.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

namespace natterjack::hub {

class fake_process final : public caf::event_based_actor, public process {
 public:
  using process::id;
  fake_process(caf::actor_config& config, hub::node& home, const host_name* where)
      : caf::event_based_actor(config), process(home, where) {
    enter(ctrl());
  }
  send_result deliver(message_ptr what) noexcept override {
    std::lock_guard guard(mutex_);
    received_.push_back(std::move(what));
    return send_result::sent;
  }
  std::vector<message_ptr> received() const {
    std::lock_guard guard(mutex_);
    return received_;
  }
  caf::behavior make_behavior() override {
    return {[](caf::unit_t) {}};
  }
  void on_exit() override { process::leave(); }

 private:
  mutable std::mutex mutex_;
  std::vector<message_ptr> received_;
};

/// A node with nothing on it.
struct node_fixture {
  caf::actor_system_config config;
  caf::actor_system system{config};
  node home{system, "here"};

  // Processes take leave of their node, also those that a worker lets go of at the very end.
  ~node_fixture() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (const auto& one : home.processes().all())
      caf::anon_send_exit(one.actor, caf::exit_reason::kill);
    while (home.processes().size() != 0 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
  }

  process_ref spawn(const char* host = "app:host") {
    auto actor = caf::actor_cast<caf::strong_actor_ptr>(
        system.spawn<fake_process>(std::ref(home), home.host(host)));
    return {actor, static_cast<fake_process*>(actor->get())};
  }
  static std::vector<message_ptr> received(const process_ref& who) {
    return static_cast<fake_process*>(who.self)->received();
  }
  /// Ends a process and waits until it is gone.
  void end(process_ref& who) {
    caf::scoped_actor self{system};
    self->monitor(caf::actor_cast<caf::actor>(who.actor));
    caf::anon_send_exit(who.actor, caf::exit_reason::kill);
    self->receive([](const caf::down_msg&) {});
    who = {};
  }
};

inline message_ptr text_message(const char* topic, const char* text) {
  return make_message(pid{}, shared_bytes(topic), payload::text(text));
}

} // namespace natterjack::hub
