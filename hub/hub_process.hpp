// The actor around a hub in C++: mail, clients, timers, neighbours, and how it ends.
//
//   receives        does
//   hub::message    queued (deliver); then on_join, on_message, on_heartbeat, on_leave or on_topic
//   cancel_signal   on_stop behind what was queued before it, then ends
//   down            on_down behind what that process had sent
//   exit            on_link_down or its own failure, for those it links; else ends it
//
//   result   what stop() was given, or "entry: callback: what()"
//   never    runs more than a batch of messages without letting others run, except before it tells of an end
#pragma once

#include "hub/directory.hpp"
#include "hub/hub_actor.hpp"
#include "hub/inbox.hpp"
#include "hub/registration.hpp"
#include "hub/timer_queue.hpp"
#include "hub/wake_list.hpp"

#include <atomic>
#include <caf/event_based_actor.hpp>

#include <map>
#include <memory>
#include <set>

namespace natterjack::hub {

class process_host;

struct hub_limits {
  mailbox_limits mailbox{}; ///< of messages of other processes not yet handled
  size_t timers = 100'000;
  size_t names = 1'000; ///< registered
};

using hub_log = std::function<void(log_level, const std::string& entry, const pid& who,
                                   std::string_view text)>;

struct hub_spawn_options {
  std::string entry; ///< id, for logs and errors
  std::vector<json> input;
  json options = json::object();
  hub_limits limits;
  hub_log log; ///< empty: nothing is logged
  /// Called once, from any thread: on_start has returned, or the process has ended before.
  std::function<void()> on_first_wait;
};

struct hub_spawned {
  process_ref process; ///< null if it failed
  std::string error;
};

/// Starts a hub of this class on a host.
hub_spawned spawn_hub(node& home, process_host& where, const hub_class& what,
                      hub_spawn_options options);

class hub_process final : public caf::event_based_actor, public process, public wakeable {
 public:
  hub_process(caf::actor_config& config, hub::node& home, process_host& where, const hub_class& what,
              hub_spawn_options options);
  ~hub_process() override;

  send_result deliver(message_ptr what) noexcept override;
  std::optional<relay_dialect> dialect() const noexcept override { return relay_dialect::table; }
  process_facts facts() const override {
    return {"hub", options_.entry, inbox_.waiting(), 0, received_.load(std::memory_order_relaxed), 0};
  }
  void wake() noexcept override;
  const pid& process_id() const noexcept { return process::id(); }
  /// Runs for the first time soon; once, by who spawned it.
  void start() { wake(); }

  const char* name() const override { return "hub_process"; }
  caf::behavior make_behavior() override;
  void on_exit() override;
  /// One mailbox element a turn: between two batches others run.
  caf::resumable::resume_result resume(caf::execution_unit* context, size_t) override;

 private:
  friend class natterjack::hub_actor;

  struct neighbour {
    process_ref who;
    bool monitored = false;
    bool linked = false;
  };
  template <class Call> void call(const char* callback, Call&& run);
  void run();
  send_result tell(const pid& to, message_ptr what);
  /// The bytes of a topic: a hub says few, so the last one is kept.
  const shared_bytes& topic_bytes(std::string_view topic);
  void begin();
  void handle_queued(size_t most);
  void handle(const message_ptr& what);
  void joined(const incoming& what);
  void left(const incoming& what);
  void beat(const incoming& what);
  void neighbour_down(const caf::actor_addr& who);
  void neighbour_exit(const caf::exit_msg& how);
  void fire_timers(hub_actor::time_point due);
  void set_clock();
  hub_actor::time_point now() noexcept;
  void end_if_asked();
  void fail(std::string error);
  void first_wait();
  neighbour* neighbour_of(const pid& whom);
  void forget_unused(const process_ref& whom);

  process_host& where_;
  const hub_class& class_;
  hub_spawn_options options_;
  inbox inbox_;
  std::atomic<uint64_t> received_{0}; // for operators
  std::unique_ptr<hub_actor> hub_;
  std::string client_group_;
  std::map<pid, client> clients_;
  std::vector<message_ptr> queued_; // taken from the inbox
  size_t next_ = 0;                 // of them
  const message_ptr* handled_ = nullptr;
  shared_bytes last_topic_;
  uint64_t told_number_ = 0; // whose PID was sent to last in this slice
  process_ref told_;         // and who has it, or does its work now
  timer_queue timers_;
  std::set<hub_actor::time_point> clock_set_; // wake-ups on their way
  std::map<caf::actor_addr, neighbour> neighbours_;
  std::optional<payload> stop_value_;
  bool traps_links_ = false;
  bool ended_ = false;
};

} // namespace natterjack::hub
