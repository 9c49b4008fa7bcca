// Between the exchange of a CLU system and this node: everybody's replies in, our commands out.
//
//   comes in      from                 goes to
//   a reply       the exchange         every client and listener, as one shared frame
//   a command     a client, a process  the exchange, mandatory and confirmed
//   link states   the connection       clients that asked for them
//
//   a command that            fails
//   no queue wants            by a failure on the exchange, as CLU's own client does it
//   waits too long            by the same failure, made here, to all clients
//   nobody wants after an     not yet: it is tried again until its deadline, for the actors, too,
//     outage                  need a moment to return
//
//   acks     a reply once every io thread has handed it to its clients
//   poison   is acknowledged, counted, logged once a kind
//
// One bridge has one connection, one name, one exclusive reply queue; all three outlive reconnects.
#pragma once

#include "actors/amqp/command.hpp"
#include "actors/amqp/connection.hpp"
#include "actors/amqp/reply.hpp"
#include "hub/node.hpp"
#include "relay/io_pool.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace natterjack::amqp {

struct bridge_options {
  std::string id = "amqp:bridge"; ///< entry id: host of its PIDs, first word of its log lines
  broker_options broker;
  std::string exchange = "sdss_exchange";
  std::string name;        ///< on the exchange; empty: amqp-client-<12 hex>
  std::string queue;       ///< for replies; empty: <name>_replies
  uint16_t prefetch = 500; ///< replies on their way through
  reply_options replies;
  std::chrono::milliseconds hold_time{15'000}; ///< how long a command may wait for the broker
  size_t history_messages = 100;               ///< kept for clients that ask
  size_t history_bytes = 4 << 20;
};

struct command_outcome {
  bool accepted = false; ///< the broker has it and an actor's queue took it
  std::string error;
};

struct bridge_stats {
  reply_stats replies;
  std::atomic<uint64_t> commands{0};
  std::atomic<uint64_t> commands_failed{0};
  std::atomic<uint64_t> clients{0}; ///< now
  std::atomic<uint64_t> clients_ever{0};
  std::atomic<uint64_t> clients_too_slow{0}; ///< closed for not reading
};

/// What a client may hear of the connection.
class link_notice final : public hub::message_attachment {
 public:
  link_state state = link_state::connecting;
  bool has_gap = false; ///< replies may have been missed before this
};

class bridge final : public std::enable_shared_from_this<bridge> {
 public:
  using command_done = std::function<void(const command_outcome&)>;
  using reply_listener = std::function<void(const reply_ptr&)>;

  static std::shared_ptr<bridge> make(hub::node& node, relay::io_pool& threads,
                                      bridge_options options);
  ~bridge();

  /// @param on_first  called once, when the first attempt to connect has ended: an empty text if
  ///                  all is well, else what went wrong; the bridge goes on trying
  void start(std::function<void(const std::string& problem)> on_first = {});
  /// The broker's code for what `on_first` was told; 0: it could not be reached.
  int first_code() const noexcept { return first_code_; }
  /// Ends the connection. What waits for the broker is `done` when this returns, as failed;
  /// commands that wait to be tried again are forgotten. Not from an io thread.
  void stop();

  const bridge_options& options() const noexcept { return options_; }
  const speaker& self() const noexcept { return self_; }
  hub::node& node() const noexcept { return node_; }
  connection& link() noexcept { return link_; }
  /// Where listeners and delayed calls run.
  relay::io_thread& thread() const noexcept { return thread_; }
  bridge_stats& stats() noexcept { return stats_; }
  /// Everything there is to count, as one JSON object.
  std::string stats_json();

  // -- from any thread

  /// Sends a command; its deadline is now + hold_time unless it has one.
  /// @param done  called once, from any thread
  void submit(std::shared_ptr<command> wanted, command_done done);
  /// A reply of our own making to all clients and listeners.
  void announce(reply_ptr made);
  /// Members get every reply and link notice as hub messages, in order.
  void join(const hub::process_ref& client);
  /// Whether replies note the keys of their bodies, for filters; counted.
  void want_keys(bool wanted) noexcept { keys_wanted_ += wanted ? 1 : -1; }
  /// Whether replies are compressed, too; counted.
  void want_deflated(bool wanted) noexcept { deflated_wanted_ += wanted ? 1 : -1; }
  /// The last `count` replies, oldest first.
  /// @param take  called on the bridge's thread, with the number of the newest reply it has seen
  void read_history(size_t count, std::function<void(std::vector<reply_ptr>, uint64_t)> take);
  void run(std::function<void()> call) { thread_.push_call(std::move(call)); }

  // -- on the bridge's thread

  /// @returns a number for `forget`
  uint64_t listen(reply_listener listener);
  void forget(uint64_t listener);
  uint64_t listen_link(std::function<void(const link_event&)> listener);
  void forget_link(uint64_t listener);
  void later(std::chrono::nanoseconds delay, std::function<void()> call);

 private:
  class desk; // what lives on the bridge's thread

  bridge(hub::node& node, relay::io_pool& threads, bridge_options options);
  void on_delivery(const delivery& from, const delivery_token_ptr& token);
  void pass(const reply_ptr& what, hub::credit inbound);
  void on_link(const link_event& event);
  void watch_deadlines();
  void look_at_deadlines();
  void count_poison(reply_fault fault, const delivery& from, const std::string& why);
  void send(std::shared_ptr<command> wanted, command_done done);
  void on_outcome(const std::shared_ptr<command>& wanted, const publish_outcome& outcome,
                  const command_done& done);
  void fail(const std::shared_ptr<command>& wanted, const command_done& done);

  hub::node& node_;
  relay::io_thread& thread_;
  bridge_options options_;
  speaker self_;
  std::string group_;
  connection link_;
  bridge_stats stats_;
  std::atomic<bool> watches_deadlines_{false};
  std::mutex pass_mutex_; // numbers and broadcasts in one order
  uint64_t last_number_ = 0;
  std::atomic<int> keys_wanted_{0};
  std::atomic<int> deflated_wanted_{0};
  link_state last_state_ = link_state::connecting; // the connection's thread only, as the next two
  uint64_t last_connects_ = 0;
  std::function<void(const std::string&)> on_first_; // the connection's thread only
  std::atomic<int> first_code_{0};
  std::shared_ptr<desk> desk_;
};

/// Topic of the messages that members get; the content is the attachment.
inline constexpr std::string_view bridge_topic = "amqp.bridge";

} // namespace natterjack::amqp
