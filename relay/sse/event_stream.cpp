#include "relay/sse/event_stream.hpp"

#include "hub/counters.hpp"
#include "hub/quantities.hpp"
#include "relay/frame.hpp"
#include "relay/inbound_budget.hpp"
#include "relay/io_thread.hpp"
#include "relay/sse/event_text.hpp"
#include "relay/target_watch.hpp"

#include <caf/actor_system.hpp>
#include <caf/make_counted.hpp>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>

namespace natterjack::relay {

namespace {

using closed_atom = caf::atom_constant<caf::atom("closed")>;
using going_away_atom = caf::atom_constant<caf::atom("goingaway")>; // as gateways send it

constexpr std::string_view own_topics[]{"sse.join", "sse.leave", "sse.heartbeat",
                                        "sse.control", "sse.close", "sse.done"};

bool is_own(std::string_view topic) {
  return std::find(std::begin(own_topics), std::end(own_topics), topic) != std::end(own_topics);
}

// A string is the reason, a table may have one; without a value it is the relay's word.
std::string reason_of(std::span<const hub::payload> values) {
  std::string otherwise = "closed by server";
  if (values.empty() || values.front().kind() == hub::payload_kind::nil)
    return otherwise;
  const auto& value = values.front();
  if (value.kind() != hub::payload_kind::json)
    return std::string(value.bytes());
  const auto parsed = nlohmann::json::parse(value.bytes(), nullptr, false);
  if (parsed.is_string())
    return parsed.get<std::string>();
  if (parsed.is_object()) {
    const auto reason = parsed.find("reason");
    return reason != parsed.end() && reason->is_string() ? reason->get<std::string>() : otherwise;
  }
  return parsed.is_discarded() || parsed.is_array() ? otherwise : std::string(value.bytes());
}

class event_stream final : public pinned_actor, public event_source, private target_watch {
 public:
  event_stream(caf::actor_config& config, io_thread& thread, std::shared_ptr<event_sink> sink,
               event_stream_options options)
      : pinned_actor(config, thread, options.gateway->node, options.gateway->host),
        gateway_(std::move(options.gateway)), sink_(std::move(sink)),
        endpoint_dialect_(options.dialect),
        budget_(caf::make_counted<pinned_budget>(*this, ctrl(), gateway_->limits)) {
    enter(ctrl());
  }

  const char* name() const override { return "event_stream"; }
  size_t outbox_bytes() const noexcept override {
    return outbox_bytes_.load(std::memory_order_relaxed);
  }

  caf::behavior make_behavior() override {
    set_exit_handler([this](const caf::exit_msg& exit) {
      if (exit.reason)
        end("closed by server");
    });
    set_default_handler([](caf::scheduled_actor*, caf::message_view&) {
      return caf::result<caf::message>{caf::sec::unexpected_message};
    });
    return {
        [this](closed_atom) { quit(); },
        [this](going_away_atom) { end("server is shutting down"); },
        [this](const hub::cancel_signal& cancel) {
          end(cancel.reason.empty() ? "closed by server" : cancel.reason);
        },
    };
  }

  // Also after a kill, which no handler hears of.
  void on_exit() override {
    end("closed by server");
    hub::process::leave();
  }

  void open(event_stream_options& options) {
    auto& config = options.config;
    opened_ = std::chrono::steady_clock::now();
    topic_ = config.message_topic.value_or(std::string(sse_default_topic));
    heartbeat_ = config.heartbeat_interval.value_or(sse_default_heartbeat);
    idle_ = config.idle_timeout.value_or(std::chrono::nanoseconds(0));
    metadata_ = config.metadata.value_or("");
    set_timer(heartbeat_timer_, heartbeat_);
    set_timer(idle_timer_, idle_);
    set_timer(hard_timer_, config.hard_timeout.value_or(std::chrono::nanoseconds(0)));
    if (options.target) {
      attach(std::move(options.target));
      return;
    }
    std::string ready = R"({"stream_pid":)";
    append_json_string(ready, to_string(id()));
    ready += R"(,"message_topic":)";
    append_json_string(ready, topic_);
    if (!metadata_.empty())
      ready += R"(,"metadata":)" + metadata_;
    send_event("ready", ready + "}");
  }

  // -- from processes

  void accept(const hub::message_ptr& what) override {
    what->settle();
    if (ended_)
      return;
    const auto topic = what->topic();
    if (topic == "sse.control")
      control(*what);
    else if (topic == "sse.close")
      end(reason_of(what->payloads()));
    else if (topic == topic_ || (topic_ == "*" && !is_own(topic)))
      if (auto events = events_of(what, sink_->is_chunked()); !events.empty()) {
        count_ += what->payloads().size();
        send(std::move(events));
      }
  }

  // -- from the client

  void on_progress() override {
    const auto waiting = sink_->waiting_bytes();
    outbox_bytes_.store(waiting, std::memory_order_relaxed);
    if (waiting <= gateway_->limits.outbox_soft_bytes) {
      soft_timer_.cancel();
      over_time_ = false;
    }
  }

  void on_client_gone() override { leave_client(false); }

 private:
  // -- to the client

  void send(hub::shared_bytes events) {
    const auto& limits = gateway_->limits;
    const auto hard = std::max(limits.outbox_hard_bytes, 2 * limits.message_bytes);
    const auto after = sink_->waiting_bytes() + events.size();
    if (after > hard || (over_time_ && after > limits.outbox_soft_bytes)) {
      if (limits.outbox_policy == outbox_policy::close)
        return slow(hub::counter::limit_outbox_hard_bytes);
      const auto bound = over_time_ ? limits.outbox_soft_bytes : hard;
      const auto room = events.size() < bound ? bound - events.size() : 0;
      if (limits.outbox_policy == outbox_policy::drop_newest)
        return count_drops(1);
      count_drops(sink_->drop_oldest(room));
      if (sink_->waiting_bytes() > room)
        return count_drops(1);
    }
    sink_->send(std::move(events));
    const auto waiting = sink_->waiting_bytes();
    outbox_bytes_.store(waiting, std::memory_order_relaxed);
    if (waiting > limits.outbox_soft_bytes && !over_time_ && !soft_timer_.is_set())
      thread().set_timer(soft_timer_, limits.outbox_soft_time);
    set_timer(idle_timer_, idle_);
  }

  void send_event(std::string_view name, std::string_view data) {
    std::string text;
    append_event(text, name, data);
    ++count_;
    send(frame_events(text, sink_->is_chunked()));
  }

  void on_soft_time() {
    over_time_ = true;
    if (gateway_->limits.outbox_policy == outbox_policy::close)
      slow(hub::counter::limit_outbox_soft_bytes);
    else if (gateway_->limits.outbox_policy == outbox_policy::drop_oldest)
      count_drops(sink_->drop_oldest(gateway_->limits.outbox_soft_bytes));
  }

  // By an outbox policy.
  void count_drops(size_t events) {
    if (events == 0)
      return;
    hub::count(hub::counter::outbox_dropped, events);
    hub::count(hub::counter::limit_outbox_hard_bytes);
    if (!std::exchange(has_dropped_, true))
      spdlog::warn("{} does not read: events for it are dropped from now on", to_string(id()));
  }

  void slow(hub::counter limit) {
    hub::count(limit);
    spdlog::warn("{} is a slow consumer: {} bytes queued; closing", to_string(id()),
                 sink_->waiting_bytes());
    auto sink = sink_;
    leave_client(false);
    sink->abort();
  }

  void end(std::string_view reason) {
    if (ended_)
      return;
    std::string data = R"({"reason":)", text;
    append_json_string(data, reason);
    append_event(text, "done", data + "}");
    sink_->send(frame_events(text, sink_->is_chunked()));
    leave_client(true);
  }

  // Once: tells the target, lets go of the client.
  void leave_client(bool finish) {
    if (std::exchange(ended_, true))
      return;
    const caf::strong_actor_ptr alive{ctrl()}; // the sink lets go of this
    for (auto* timer : {&heartbeat_timer_, &idle_timer_, &hard_timer_, &soft_timer_})
      timer->cancel();
    tell_leave();
    if (auto sink = std::exchange(sink_, nullptr); finish)
      sink->finish();
    ending().value = hub::payload::text("sse stream closed");
    enqueue(nullptr, caf::make_message_id(), caf::make_message(closed_atom::value), nullptr);
  }

  // -- target

  void on_target_down() override {
    target_ = {}; // nobody is left to tell
    // In a shutdown hubs end before their clients; these hear of the shutdown, each at its time.
    if (!gateway_->draining.load(std::memory_order_relaxed))
      end("target process exited");
  }

  // Watches, then joins: of a target that is dead already it is told as well.
  void attach(hub::process_ref target) {
    target_ = std::move(target);
    dialect_ = target_.self->dialect().value_or(endpoint_dialect_);
    watch_target(thread(), target_.actor);
    tell("sse.join", description(), true);
  }

  // @param counted  taken whatever waits at the target, as joins and leaves have to be
  void tell(std::string_view topic, const std::string& json, bool counted) {
    if (!target_)
      return;
    auto value = dialect_ == hub::relay_dialect::text ? hub::payload::text(json)
                                                      : hub::payload::json(json);
    target_.self->deliver(hub::make_message(id(), hub::shared_bytes(topic), std::move(value),
                                            counted ? budget_->take(0) : hub::credit{}));
  }

  void tell_leave() {
    if (!target_)
      return;
    tell("sse.leave", description(), true);
    unwatch_target();
    target_ = {};
  }

  std::string description(std::string_view more = {}) const {
    std::string pid_text;
    append_json_string(pid_text, to_string(id()));
    std::string result = R"({"client_pid":)" + pid_text + R"(,"stream_pid":)" + pid_text;
    result += more;
    if (!metadata_.empty())
      result += R"(,"metadata":)" + metadata_;
    return result += '}';
  }

  // -- sse.control: what is there counts, also when it is empty

  void control(const hub::message& what) {
    std::string error = "no value";
    std::optional<sse_config> change;
    if (!what.payloads().empty())
      change = parse_sse_config(what.payloads().front().bytes(), error);
    if (!change) {
      spdlog::error("{}: sse.control from {} ignored: {}", to_string(id()), to_string(what.from()),
                    error);
      return;
    }
    if (change->metadata)
      metadata_ = *change->metadata;
    if (change->message_topic)
      topic_ = *change->message_topic;
    if (change->heartbeat_interval)
      set_timer(heartbeat_timer_, heartbeat_ = *change->heartbeat_interval);
    if (change->idle_timeout)
      set_timer(idle_timer_, idle_ = *change->idle_timeout);
    if (change->hard_timeout)
      set_timer(hard_timer_, *change->hard_timeout);
    if (change->target_pid)
      retarget(*change->target_pid);
  }

  void retarget(const std::string& text) {
    if (text.empty()) {
      tell_leave();
      return;
    }
    std::string why;
    auto next = home().resolve(text, &why);
    if (!next || next.self == static_cast<hub::process*>(this)) {
      spdlog::warn("{}: sse.control: target_pid: {}; the old target stays", to_string(id()),
                   next ? "a stream cannot report to itself" : why);
      return;
    }
    if (target_ && next.self == target_.self)
      return;
    // The new one hears of the client before the old one loses it.
    auto old = std::exchange(target_, {});
    const auto old_dialect = dialect_;
    attach(std::move(next));
    if (!old)
      return;
    auto now = std::exchange(target_, std::move(old));
    const auto now_dialect = std::exchange(dialect_, old_dialect);
    tell("sse.leave", description(), true);
    target_ = std::move(now);
    dialect_ = now_dialect;
  }

  // -- time

  void set_timer(timer_wheel::timer& timer, std::chrono::nanoseconds delay) {
    if (delay.count() > 0)
      thread().set_timer(timer, delay);
    else
      timer.cancel();
  }

  void beat() {
    const auto uptime = hub::format_duration(std::chrono::steady_clock::now() - opened_);
    tell("sse.heartbeat", description(R"(,"uptime":")" + uptime + R"(","message_count":)" +
                                      std::to_string(count_)),
         false);
    // One ping is enough for a client that does not read.
    if (sink_->waiting_bytes() == 0)
      sink_->send(frame_events(": ping\n\n", sink_->is_chunked()));
    set_timer(heartbeat_timer_, heartbeat_);
  }

  std::shared_ptr<gateway_context> gateway_;
  std::shared_ptr<event_sink> sink_; // until ended
  hub::relay_dialect endpoint_dialect_;
  hub::relay_dialect dialect_ = hub::relay_dialect::table;
  hub::process_ref target_;
  caf::intrusive_ptr<pinned_budget> budget_;
  bool ended_ = false;
  bool over_time_ = false;
  bool has_dropped_ = false;
  std::string topic_;
  std::string metadata_; // JSON text; empty: none was given
  uint64_t count_ = 0;
  std::chrono::nanoseconds heartbeat_{0}, idle_{0};
  std::chrono::steady_clock::time_point opened_;
  std::atomic<size_t> outbox_bytes_{0};

  using self_type = event_stream;
  timer_wheel::timer heartbeat_timer_{this, [](void* s) { static_cast<self_type*>(s)->beat(); }};
  timer_wheel::timer idle_timer_{this,
                                 [](void* s) { static_cast<self_type*>(s)->end("idle timeout"); }};
  timer_wheel::timer hard_timer_{this,
                                 [](void* s) { static_cast<self_type*>(s)->end("hard timeout"); }};
  timer_wheel::timer soft_timer_{this, [](void* s) { static_cast<self_type*>(s)->on_soft_time(); }};
};

} // namespace

started_stream start_event_stream(io_thread& thread, std::shared_ptr<event_sink> sink,
                                  event_stream_options options) {
  auto& system = options.gateway->node.system();
  caf::actor_config config{&thread};
  auto handle = system.spawn_class<event_stream, caf::no_spawn_options>(config, thread,
                                                                       std::move(sink), options);
  auto actor = caf::actor_cast<caf::strong_actor_ptr>(handle);
  auto* self = static_cast<event_stream*>(actor->get());
  self->open(options);
  return {std::move(actor), self};
}

} // namespace natterjack::relay
