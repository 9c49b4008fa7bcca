#include "relay/websocket/connection.hpp"

#include "hub/counters.hpp"
#include "hub/log_fields.hpp"
#include "hub/quantities.hpp"
#include "relay/close_codes.hpp"
#include "relay/close_counts.hpp"
#include "relay/deflated_frame.hpp"
#include "relay/inbound_budget.hpp"
#include "relay/message_run.hpp"
#include "relay/target_watch.hpp"
#include "relay/websocket/close_request.hpp"

#include <caf/actor_system.hpp>
#include <caf/make_counted.hpp>
#include <caf/send.hpp>

#include <spdlog/spdlog.h>

namespace natterjack::relay {

namespace {

using going_away_atom = caf::atom_constant<caf::atom("goingaway")>;
using named_atom = caf::atom_constant<caf::atom("named")>;
using succeed_atom = caf::atom_constant<caf::atom("succeed")>;
using remaining_ptr = std::shared_ptr<std::atomic<size_t>>; // connections that have not looked yet

constexpr auto default_heartbeat = std::chrono::seconds(30);
constexpr auto default_hold = std::chrono::seconds(10);
constexpr auto watch_interval = std::chrono::seconds(1); // of a client we do not read from

// One copy a thread: connections on several threads must not meet at a count.
const hub::shared_bytes& topic_of(const char* name) {
  thread_local std::unordered_map<const char*, hub::shared_bytes> topics;
  auto& topic = topics[name];
  if (topic.empty())
    topic = hub::shared_bytes(name);
  return topic;
}

// What endpoints say of all clients alike is kept once a thread.
hub::shared_bytes given_topic(const std::string& name) {
  thread_local hub::shared_bytes last;
  if (last.view() != name)
    last = hub::shared_bytes(name);
  return last;
}

constexpr const char* join_topic = "ws.join";
constexpr const char* leave_topic = "ws.leave";
constexpr const char* heartbeat_topic = "ws.heartbeat";
constexpr const char* message_topic = "ws.message";
constexpr std::string_view control_topic = "ws.control";
constexpr std::string_view close_topic = "ws.close";

class ws_connection final : public lean_actor, public ws_owner, private target_watch {
 public:
  ws_connection(caf::actor_config& config, io_thread& thread, connection_options options,
                std::shared_ptr<ws_transport> transport)
      : lean_actor(config, thread, options.gateway->node, options.gateway->host),
        gateway_(std::move(options.gateway)), transport_(std::move(transport)),
        config_(std::make_unique<relay_config>(std::move(options.config))),
        endpoint_dialect_(options.dialect),
        budget_(caf::make_counted<pinned_budget>(*this, ctrl(), gateway_->limits)),
        topic_(topic_of(message_topic)) {
    enter_as(ctrl());
  }

  const char* name() const override { return "ws_connection"; }

  size_t outbox_bytes() const noexcept override {
    return outbox_bytes_.load(std::memory_order_relaxed);
  }

  hub::process_facts facts() const override {
    return {"connection", {}, budget_->waiting(), 0, message_count(), 0};
  }

  void on_down(const caf::down_msg&) override {} // targets are watched by all of a thread together

  void on_exit_signal(const caf::exit_msg& exit) override {
    if (exit.reason)
      close(close_cause::by_hub);
  }

  bool on_element(caf::mailbox_element& element) override {
    auto& content = element.content();
    if (content.match_elements<going_away_atom>()) {
      if (state_ != state::opening) // else it looks for itself when it opens
        close(close_cause::going_away);
    } else if (content.match_elements<named_atom>()) {
      if (is_holding())
        look_for_named();
    } else if (content.match_elements<succeed_atom, uint64_t, remaining_ptr>()) {
      const auto before = content.get_as<uint64_t>(1);
      if (target_ && target_.self->id().number() == before)
        follow(home().successor_of(before));
    } else if (content.match_elements<hub::cancel_signal>()) {
      const auto& cancel = content.get_as<hub::cancel_signal>(0);
      close({1000, cancel.reason.empty() ? close_for(close_cause::by_hub, false).reason
                                         : as_utf8(cancel.reason)},
            close_cause::by_hub);
    } else {
      return false;
    }
    return true;
  }

  // Also after a kill, which no handler hears of.
  void on_exit() override {
    close(close_cause::by_hub);
    tell_leave();
    ending().value = hub::payload::text("websocket connection closed");
    release();
  }

  // -- from processes

  void accept(const hub::message_ptr& what) override {
    what->settle();
    if (state_ != state::open)
      return;
    const auto topic = what->topic();
    if (topic == control_topic) {
      control(*what);
    } else if (topic == close_topic) {
      close(read_close_request(what->payloads()), close_cause::by_hub);
    } else if (auto frames = encoded(what); !frames.empty()) {
      queue(std::move(frames), 1, std::max<size_t>(what->payloads().size(), 1));
    }
  }

  void accept_run(message_run& run) override {
    if (state_ != state::open)
      return;
    const int window_bits = transport_->deflate_bits();
    const auto& frames = window_bits == 0 ? run.frames() : run.deflated_frames(window_bits);
    if (!frames.empty())
      queue(frames, run.messages().size(), run.values());
  }

  void on_wake() override {
    if (state_ == state::closed)
      quit();
    else
      read_more();
  }

  // -- from the client

  void on_open() override {
    state_ = state::open;
    hub::count(hub::counter::connections_opened);
    const auto config = std::move(config_);
    if (config->message_topic && !config->message_topic->empty())
      topic_ = given_topic(*config->message_topic);
    forced_dialect_ = config->payload_format;
    heartbeat_ = config->heartbeat_interval.value_or(default_heartbeat);
    if (config->metadata)
      metadata_ = hub::shared_bytes(*config->metadata);
    set_hold(config->on_exit == on_exit_policy::hold);
    if (config->hold_timeout)
      plan().hold_time = *config->hold_timeout;
    if (gateway_->draining) { // those who were there have been told already
      close(close_cause::going_away);
      return;
    }
    auto target = home().resolve(config->target_pid.value_or(""));
    remember_name(config->target_pid.value_or(""), target);
    if (!target || !attach(std::move(target))) {
      close(close_cause::target_unknown);
      return;
    }
    start_timers();
    read_more();
  }

  void on_message(message_kind kind, std::string_view body) override {
    pings_open_ = 0;
    if (state_ != state::open)
      return;
    message_count_.store(message_count() + 1, std::memory_order_relaxed);
    if (unanswered_ < unanswered_max)
      ++unanswered_;
    hub::count(hub::counter::messages_in);
    hub::count(hub::counter::bytes_in, body.size());
    auto make = [this, kind, body] {
      return hub::make_message(id(), topic_,
                               kind == message_kind::text ? hub::payload::text(body)
                                                          : hub::payload::binary(body),
                               budget_->take(body.size()));
    };
    // One that comes between the end of a hub and the news of it waits for who comes next.
    if (!target_ ? is_holding() : target_.self->deliver(make()) == hub::send_result::no_process)
      keep_unheard(make());
    read_more();
  }

  void on_pong() override { pings_open_ = 0; }

  // A frame for each message is what most hubs give; of others one is not waited for long.
  bool owes_answers() const override { return state_ == state::open && target_ && unanswered_ > 0; }
  bool has_unheard() const override { return state_ == state::open && target_ && budget_->waiting() > 0; }

  void on_drained() override {
    outbox_bytes_.store(0, std::memory_order_relaxed);
    if (paused_)
      read_more();
  }

  void on_closed(const ws_end& end) override {
    if (spdlog::should_log(spdlog::level::debug)) {
      std::string reason; // the client's own words: escaped, so that they are no line of their own
      append_json_string(reason, end.reason);
      spdlog::debug("{} closed by {} code={} reason={}", to_string(id()),
                    end.clean ? "handshake" : "loss", end.code, reason);
    }
    hub::count(hub::counter::connections_closed);
    count_close(cause_ == nullptr ? end.clean ? "client" : "lost" : cause_,
                code_ != 0 ? code_ : end.clean && end.code != 0 ? end.code : uint16_t{1006});
    note_drops();
    state_ = state::closed;
    hub::process::leave(); // who has heard of the leave finds nobody any more
    tell_leave();
    cancel_timers();
    ending().value = hub::payload::text("websocket connection closed");
    thread().push_wake(this); // quits there: the transport is in the middle of something
  }

  void on_message_too_big() override {
    auto frame = close_for(close_cause::message_too_big, gateway_->limits.strict_close_codes);
    frame.reason = "message exceeds " + std::to_string(gateway_->limits.message_bytes) + " bytes";
    hub::count(hub::counter::limit_message_bytes);
    close(std::move(frame), close_cause::message_too_big);
  }

  void on_not_utf8() override { close(close_cause::not_utf8); }

  void on_slow() override { end_slow(hub::counter::limit_outbox_soft_bytes); }

 private:
  enum class state : uint8_t { opening, open, closing, closed };

  // What is done when the target ends, and what came meanwhile; most have none.
  struct hold_plan {
    explicit hold_plan(ws_connection& self)
        : timer(&self, [](void* who) {
            static_cast<ws_connection*>(who)->close(close_cause::target_exited);
          }) {}
    bool holds = false;        // the client waits for somebody under the target's name
    bool is_waiting = false;   // now
    std::string name;          // empty: the target has none
    uint64_t watch_number = 0; // of that name, while it is waited for
    std::chrono::nanoseconds hold_time = default_hold;
    timer_wheel::timer timer;
    std::vector<hub::message_ptr> unheard; // came when nobody was there
  };
  hold_plan& plan() {
    if (!plan_)
      plan_ = std::make_unique<hold_plan>(*this);
    return *plan_;
  }

  void end_slow(hub::counter limit) {
    if (state_ != state::open)
      return;
    hub::count(limit);
    cause_ = to_string(close_cause::slow_consumer).data();
    const hub::log_scope about({.connection = id()});
    spdlog::warn("{} is a slow consumer: {} bytes queued, limit {} for {} or {}; closing",
                 to_string(id()), transport_->outbox_bytes(), gateway_->limits.outbox_soft_bytes,
                 hub::format_duration(gateway_->limits.outbox_soft_time),
                 gateway_->limits.outbox_hard_bytes);
    begin_closing();
    auto frame = close_for(close_cause::slow_consumer, gateway_->limits.strict_close_codes);
    code_ = frame.code;
    transport_->close_now(frame.code, frame.reason);
  }

  // What an outbox policy has thrown away since the last look.
  void note_drops() {
    if (gateway_->limits.outbox_policy == outbox_policy::close)
      return;
    const auto now = transport_->dropped();
    if (now == drops_seen_)
      return;
    hub::count(hub::counter::outbox_dropped, now - drops_seen_);
    hub::count(hub::counter::limit_outbox_hard_bytes);
    if (drops_seen_ == 0) {
      const hub::log_scope about({.connection = id()});
      spdlog::warn("{} does not read: messages for it are dropped from now on", to_string(id()));
    }
    drops_seen_ = now;
  }

  hub::shared_bytes encoded(const hub::message_ptr& what) const {
    const int window_bits = transport_->deflate_bits();
    return window_bits == 0 ? frames_of(what) : deflated_frames_of(what, window_bits);
  }

  // @param values  frames in `frames`
  void queue(hub::shared_bytes frames, size_t messages, size_t values) {
    unanswered_ = static_cast<uint16_t>(unanswered_ - std::min<size_t>(unanswered_, values));
    const auto bytes = frames.size();
    const auto admitted = transport_->send(std::move(frames), messages);
    if (admitted == outbox::admitted::queued) {
      hub::count(hub::counter::messages_out, values);
      hub::count(hub::counter::bytes_out, bytes);
    } else if (admitted == outbox::admitted::overflow) {
      end_slow(hub::counter::limit_outbox_hard_bytes);
    }
    note_drops();
    outbox_bytes_.store(transport_->outbox_bytes(), std::memory_order_relaxed);
  }

  uint64_t message_count() const noexcept {
    return message_count_.load(std::memory_order_relaxed);
  }

  // -- target

  // Watches, then joins: of a target that is dead already it is told later.
  bool attach(hub::process_ref target) {
    if (target.self == static_cast<hub::process*>(this))
      return false;
    target_ = std::move(target);
    dialect_ = forced_dialect_ ? *forced_dialect_
                               : target_.self->dialect().value_or(endpoint_dialect_);
    watch_target(thread(), target_.actor);
    joined_ = true;
    tell(join_topic, description(), true);
    return true;
  }

  // -- a target that ends

  // Who waits for a name needs one: the target was named, or has a name of its own.
  void remember_name(const std::string& said, const hub::process_ref& target) {
    if (plan_)
      plan_->name.clear();
    if (!holds())
      return;
    if (!said.starts_with('{'))
      plan_->name = said;
    else if (target)
      if (auto names = home().names().names_of(target.self->id()); !names.empty())
        plan_->name = names.front();
  }

  void on_target_down() override {
    const auto before = target_.self->id();
    target_ = {}; // nobody is left to tell
    // In a shutdown hubs end before their clients; these hear of the shutdown, each at its time.
    if (gateway_->draining.load(std::memory_order_relaxed))
      return;
    if (auto next = home().successor_of(before.number())) {
      joined_ = false;
      rejoin(std::move(next));
    } else if (holds() && !plan_->name.empty() && state_ == state::open) {
      hold();
    } else {
      close(close_cause::target_exited);
    }
  }

  // A new version took over while the old one lives: it is not told of a leave, since nobody left.
  void follow(hub::process_ref next) {
    if (!next || next.self == target_.self || state_ != state::open)
      return;
    unwatch_target();
    target_ = {};
    joined_ = false;
    rejoin(std::move(next));
  }

  void hold() {
    joined_ = false;
    plan_->is_waiting = true;
    hub::count(hub::counter::connections_held);
    beat_due_ = never;
    thread().set_timer(plan_->timer, plan_->hold_time);
    wait_for_name();
  }

  void wait_for_name() {
    plan_->watch_number = home().names().watch(
        plan_->name, [weak = caf::weak_actor_ptr(ctrl())](const hub::pid&) {
          if (auto self = weak.lock())
            self->enqueue(nullptr, caf::make_message_id(), caf::make_message(named_atom::value),
                          nullptr);
        });
  }

  // Whoever took the name may have ended since, and be started again: the time goes on that the client waits.
  void look_for_named() {
    plan_->watch_number = 0; // it has told us
    if (auto next = home().resolve(plan_->name))
      rejoin(std::move(next));
    else
      wait_for_name();
  }

  void rejoin(hub::process_ref next) {
    if (state_ != state::open || target_)
      return;
    stop_holding();
    if (!next || !attach(std::move(next))) {
      close(close_cause::target_exited);
      return;
    }
    deliver_unheard();
    set_heartbeat();
    read_more();
  }

  void stop_holding() {
    if (!plan_)
      return;
    plan_->timer.cancel();
    plan_->is_waiting = false;
    if (const auto number = std::exchange(plan_->watch_number, 0))
      home().names().unwatch(number);
  }

  bool is_holding() const noexcept { return plan_ && plan_->is_waiting; }

  bool holds() const noexcept { return plan_ && plan_->holds; }

  void set_hold(bool holds) {
    if (plan_ || holds)
      plan().holds = holds;
  }

  void keep_unheard(hub::message_ptr what) { plan().unheard.push_back(std::move(what)); }

  void deliver_unheard() {
    if (plan_)
      for (auto& one : std::exchange(plan_->unheard, {}))
        target_.self->deliver(std::move(one));
  }

  void tell(const char* topic, const std::string& json, bool counted) {
    if (!target_)
      return;
    auto value = dialect_ == hub::relay_dialect::text ? hub::payload::text(json)
                                                      : hub::payload::json(json);
    target_.self->deliver(hub::make_message(id(), topic_of(topic), std::move(value),
                                            counted ? budget_->take(0) : hub::credit{}));
  }

  void tell_leave() {
    if (std::exchange(joined_, false) && target_) {
      tell(leave_topic, description(), true);
      unwatch_target();
      target_ = {};
    }
  }

  // {"client_pid":…,"metadata":…}; the guide's dialect has both spellings and always a Metadata.
  std::string description(std::string_view more = {}, std::string_view more_guide = {}) const {
    std::string pid_text;
    append_json_string(pid_text, to_string(id()));
    std::string result = R"({"client_pid":)" + pid_text;
    result += more;
    if (dialect_ == hub::relay_dialect::table) {
      if (!metadata_.empty())
        result.append(R"(,"metadata":)").append(metadata_.view());
      return result += '}';
    }
    const auto metadata = metadata_.empty() ? no_metadata : metadata_.view();
    result.append(R"(,"metadata":)").append(metadata).append(R"(,"ClientPID":)").append(pid_text);
    result.append(more_guide).append(R"(,"Metadata":)").append(metadata);
    return result += '}';
  }

  // -- ws.control

  void control(const hub::message& what) {
    std::string error = "no value";
    std::optional<relay_config> change;
    if (!what.payloads().empty())
      change = read_control_request(what.payloads().front(), error);
    if (!change) {
      spdlog::error("{}: ws.control from {} ignored: {}", to_string(id()), to_string(what.from()),
                    error);
      return;
    }
    for (const auto* list : {&change->problems, &change->warnings})
      for (const auto& problem : *list)
        spdlog::error("{}: ws.control from {}: {}", to_string(id()), to_string(what.from()),
                      problem);
    if (change->metadata && *change->metadata != no_metadata)
      metadata_ = hub::shared_bytes(*change->metadata);
    if (change->message_topic && !change->message_topic->empty())
      topic_ = hub::shared_bytes(*change->message_topic);
    if (change->payload_format) {
      forced_dialect_ = change->payload_format;
      dialect_ = *forced_dialect_;
    }
    if (change->heartbeat_interval) {
      heartbeat_ = *change->heartbeat_interval;
      set_heartbeat();
    }
    if (change->hold_timeout)
      plan().hold_time = *change->hold_timeout;
    if (change->on_exit) {
      set_hold(*change->on_exit == on_exit_policy::hold);
      if (target_)
        remember_name(to_string(target_.self->id()), target_);
    }
    if (change->target_pid && !change->target_pid->empty())
      retarget(*change->target_pid);
  }

  void retarget(const std::string& text) {
    std::string why;
    auto next = home().resolve(text, &why);
    if (!next && !hub::parse_pid(text)) {
      spdlog::error("{}: ws.control: target_pid: {}", to_string(id()), why);
      return;
    }
    if (next && target_ && next.self == target_.self)
      return;
    tell_leave();
    stop_holding();
    remember_name(text, next);
    if (!next || !attach(std::move(next))) {
      close(close_cause::new_target_unknown);
      return;
    }
    deliver_unheard();
    read_more();
  }

  // -- reading

  // Reads on unless the hub owes us credit or the client does not read what it is sent.
  void read_more() {
    if (state_ != state::open || gateway_->draining.load(std::memory_order_relaxed))
      return;
    const bool heard = !is_holding() && budget_->has_room();
    const bool room = heard && transport_->outbox_bytes() <= gateway_->limits.outbox_soft_bytes;
    if (!room && !paused_)
      count_pause(heard);
    if (room) {
      paused_ = false;
      transport_->read();
    } else if (!paused_) {
      paused_ = true;
      gone_seen_ = 0;
      if (!watch_timer_)
        watch_timer_ = std::make_unique<timer_wheel::timer>(
            this, [](void* self) { static_cast<ws_connection*>(self)->watch(); });
      thread().set_timer(*watch_timer_, watch_interval);
    }
  }

  void count_pause(bool heard) {
    hub::count(heard ? hub::counter::paused_outbox : hub::counter::paused_inbound);
    if (!heard && !is_holding())
      hub::count(budget_->full_of_messages() ? hub::counter::limit_inbound_messages
                                             : hub::counter::limit_inbound_bytes);
  }

  // While we do not read, a hang-up shows only when asked for. What the client said before it is still
  // wanted, so a FIN is given a second look; a hub that takes nothing for so long loses the rest.
  void watch() {
    if (!paused_ || state_ != state::open)
      return;
    gone_seen_ = transport_->peer_is_gone() ? gone_seen_ + 1 : 0;
    if (gone_seen_ >= 2)
      transport_->abort();
    else
      thread().set_timer(*watch_timer_, watch_interval);
  }

  // -- time

  using time_point = std::chrono::steady_clock::time_point;
  static constexpr auto never = time_point::max();

  static time_point due_in(std::chrono::nanoseconds interval) {
    return interval.count() > 0 ? std::chrono::steady_clock::now() + interval : never;
  }

  void start_timers() {
    ping_due_ = due_in(gateway_->limits.ping_interval);
    set_heartbeat();
  }

  void cancel_timers() {
    clock_timer_.cancel();
    if (watch_timer_)
      watch_timer_->cancel();
  }

  void set_heartbeat() {
    beat_due_ = due_in(heartbeat_);
    set_clock();
  }

  // One timer for heartbeats and pings: there are ten thousands of us.
  void set_clock() {
    const auto due = std::min(beat_due_, ping_due_);
    if (due == never)
      clock_timer_.cancel();
    else
      thread().set_timer(clock_timer_, std::max<std::chrono::nanoseconds>(
                                           due - std::chrono::steady_clock::now(), {}));
  }

  void look_at_clock() {
    const auto now = std::chrono::steady_clock::now();
    if (beat_due_ <= now)
      beat();
    if (ping_due_ <= now)
      ping();
    if (state_ == state::open)
      set_clock();
  }

  void beat() {
    if (state_ != state::open)
      return;
    const auto uptime = hub::format_duration(std::chrono::steady_clock::now() - born());
    const auto count = std::to_string(message_count());
    tell(heartbeat_topic,
         description(R"(,"uptime":")" + uptime + R"(","message_count":)" + count,
                     R"(,"Uptime":")" + uptime + R"(","MessageCount":)" + count),
         false);
    beat_due_ = due_in(heartbeat_);
  }

  void ping() {
    if (state_ != state::open)
      return;
    if (paused_) {
      // Pongs stand behind what we do not read: they cannot be missed.
    } else if (pings_open_ > 0 && transport_->is_draining()) {
      pings_open_ = 1; // our last ping stands behind what the client still reads
    } else if (pings_open_ >= gateway_->limits.ping_missed) {
      const hub::log_scope about({.connection = id()});
      spdlog::debug("{}: {} pings unanswered", to_string(id()), pings_open_);
      hub::count(hub::counter::limit_ping_missed);
      cause_ = "ping_missed";
      transport_->abort();
      return;
    } else {
      ++pings_open_;
      transport_->send_ping();
    }
    ping_due_ = due_in(gateway_->limits.ping_interval);
  }

  // -- closing

  void close(close_cause cause) {
    close(close_for(cause, gateway_->limits.strict_close_codes), cause);
  }

  void close(close_frame frame, close_cause cause) {
    if (state_ == state::closing || state_ == state::closed)
      return;
    cause_ = to_string(cause).data();
    code_ = frame.code;
    const bool has_opened = state_ == state::open;
    begin_closing();
    if (has_opened)
      transport_->close(frame.code, cut_reason(frame.reason));
    else
      transport_->abort(); // a close frame would stand in front of the 101
  }

  // Nothing the client says from now on reaches the hub, so the leave need not wait for its answer.
  void begin_closing() {
    state_ = state::closing;
    cancel_timers();
    stop_holding();
    tell_leave();
  }

  void release() {
    cancel_timers();
    stop_holding();
    hub::process::leave();
  }

  static constexpr std::string_view no_metadata = "{}";
  static constexpr uint16_t unanswered_max = 1000;

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
  std::unique_ptr<hold_plan> plan_;
  std::chrono::nanoseconds heartbeat_{0};
  time_point beat_due_ = never;
  time_point ping_due_ = never;
  std::atomic<size_t> outbox_bytes_{0};
  timer_wheel::timer clock_timer_{this, [](void* self) {
                                    static_cast<ws_connection*>(self)->look_at_clock();
                                  }};
  std::unique_ptr<timer_wheel::timer> watch_timer_; // from the first time we did not read
};

} // namespace

void start_connection(io_thread& thread, std::shared_ptr<ws_transport> transport,
                      const http_request& upgrade, const header_list& extra,
                      connection_options options) {
  auto& system = options.gateway->node.system();
  auto* raw = transport.get();
  auto actor = spawn_lean<ws_connection>(system, thread, thread, std::move(options),
                                         std::move(transport));
  auto* self = static_cast<ws_connection*>(actor->get());
  raw->accept(upgrade, extra, std::move(actor), *self);
}

void send_going_away(const hub::process_ref& connection) {
  connection.actor->enqueue(nullptr, caf::make_message_id(),
                            caf::make_message(going_away_atom::value), nullptr);
}

void lead_to_successor(hub::node& node, const hub::pid& before,
                       const remaining_ptr& left) {
  for (const auto& process : node.processes().all()) {
    if (dynamic_cast<ws_connection*>(process.self) == nullptr)
      continue;
    ++*left;
    // Counted by the life of the message: one that has ended does not look at it.
    const remaining_ptr look(left.get(), [left](std::atomic<size_t>* remaining) { --*remaining; });
    process.actor->enqueue(nullptr, caf::make_message_id(),
                           caf::make_message(succeed_atom::value, before.number(), look), nullptr);
  }
}

} // namespace natterjack::relay
