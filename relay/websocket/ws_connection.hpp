// The actor behind connection.hpp, which says what it does; here is what it is made of.
//
//   connection.cpp          messages both ways, opening, closing
//   connection_target.cpp   joins and leaves, the end of a target, ws.control
//   connection_clock.cpp    heartbeats, pings, the look after a client that is not read from
#pragma once

#include "hub/counters.hpp"
#include "relay/close_codes.hpp"
#include "relay/inbound_budget.hpp"
#include "relay/target_watch.hpp"
#include "relay/websocket/connection.hpp"
#include "relay/websocket/target_hold.hpp"

namespace natterjack::relay {

using going_away_atom = caf::atom_constant<caf::atom("goingaway")>;
using succeed_atom = caf::atom_constant<caf::atom("succeed")>;
using remaining_ptr = std::shared_ptr<std::atomic<size_t>>; // connections that have not looked yet

class ws_connection final : public lean_actor, public ws_owner, private target_watch {
 public:
  ws_connection(caf::actor_config& config, io_thread& thread, connection_options options,
                std::shared_ptr<ws_transport> transport);

  const char* name() const override { return "ws_connection"; }
  size_t outbox_bytes() const noexcept override {
    return outbox_bytes_.load(std::memory_order_relaxed);
  }
  hub::process_facts facts() const override;

  // -- as an actor
  void on_down(const caf::down_msg&) override {} // targets are watched by all of a thread together
  void on_exit_signal(const caf::exit_msg& exit) override;
  bool on_element(caf::mailbox_element& element) override;
  void on_exit() override;

  // -- from processes
  void accept(const hub::message_ptr& what) override;
  void accept_run(message_run& run) override;
  void on_wake() override;

  // -- from the client
  void on_open() override;
  void on_message(message_kind kind, std::string_view body) override;
  void on_pong() override { pings_open_ = 0; }
  // A frame for each message is what most hubs give; of others one is not waited for long.
  bool owes_answers() const override { return state_ == state::open && target_ && unanswered_ > 0; }
  bool has_unheard() const override {
    return state_ == state::open && target_ && budget_->waiting() > 0;
  }
  void on_drained() override;
  void on_closed(const ws_end& end) override;
  void on_message_too_big() override;
  void on_not_utf8() override { close(close_cause::not_utf8); }
  void on_slow() override { end_slow(hub::counter::limit_outbox_soft_bytes); }

 private:
  enum class state : uint8_t { opening, open, closing, closed };
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr uint16_t unanswered_max = 1000;

  // -- output
  hub::shared_bytes encoded(const hub::message_ptr& what) const;
  void queue(hub::shared_bytes frames, size_t messages, size_t values);
  void end_slow(hub::counter limit);
  void note_drops();

  // -- input
  uint64_t message_count() const noexcept {
    return message_count_.load(std::memory_order_relaxed);
  }
  void read_more();
  void count_pause(bool heard);

  // -- closing
  void close(close_cause cause);
  void close(close_frame frame, close_cause cause);
  void begin_closing();

  // -- target
  bool attach(hub::process_ref target);
  void tell(const hub::shared_bytes& topic, const std::string& json, bool counted);
  void tell_leave();
  void on_target_down() override;
  void follow(hub::process_ref next);
  void rejoin(hub::process_ref next);
  bool go_over_to(hub::process_ref next, close_cause otherwise);
  void look_for_named();
  void remember_name(const std::string& said, const hub::process_ref& target);

  // -- without a target
  target_hold& hold();
  bool is_holding() const noexcept { return hold_ && hold_->is_waiting(); }
  bool wants_hold() const noexcept { return hold_ && hold_->wanted; }
  void set_hold(bool wanted);
  void stop_holding();
  void deliver_unheard();

  // -- ws.control
  void control(const hub::message& what);
  void apply(const relay_config& change, const hub::pid& from);
  void retarget(const std::string& text, const hub::pid& from);

  // -- time
  void start_timers();
  void cancel_timers();
  void set_heartbeat();
  void stop_heartbeat() noexcept;
  void set_clock();
  void look_at_clock();
  void beat();
  void ping();
  void start_watch();
  void watch_again();
  void watch();

  std::shared_ptr<gateway_context> gateway_;
  std::shared_ptr<ws_transport> transport_;
  std::unique_ptr<relay_config> config_; // until open
  hub::relay_dialect endpoint_dialect_;
  std::optional<hub::relay_dialect> forced_dialect_;
  hub::relay_dialect dialect_ = hub::relay_dialect::table;
  state state_ = state::opening;
  bool joined_ = false;
  bool paused_ = false;
  uint8_t gone_seen_ = 0;
  uint16_t code_ = 0;       // of our close frame
  uint16_t unanswered_ = 0; // messages of the client since which it has been sent fewer frames
  uint32_t pings_open_ = 0;
  hub::process_ref target_;
  caf::intrusive_ptr<pinned_budget> budget_;
  hub::shared_bytes topic_;
  hub::shared_bytes metadata_; // JSON text; empty: none was given
  std::atomic<uint64_t> message_count_{0}; // written here, read by operators
  uint64_t drops_seen_ = 0;
  const char* cause_ = nullptr; // of our close; null: the client began
  std::unique_ptr<target_hold> hold_;
  std::chrono::nanoseconds heartbeat_{0};
  time_point beat_due_ = time_point::max(); // never
  time_point ping_due_ = time_point::max();
  std::atomic<size_t> outbox_bytes_{0};
  timer_wheel::timer clock_timer_{this, [](void* self) {
                                    static_cast<ws_connection*>(self)->look_at_clock();
                                  }};
  rare_timer watch_timer_;
};

} // namespace natterjack::relay
