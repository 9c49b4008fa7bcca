#include "relay/websocket/ws_connection.hpp"

#include "hub/log_fields.hpp"
#include "hub/quantities.hpp"
#include "hub/relay_topics.hpp"
#include "relay/close_counts.hpp"
#include "relay/deflated_frame.hpp"
#include "relay/io_thread.hpp"
#include "relay/message_run.hpp"
#include "relay/websocket/connection_requests.hpp"
#include "relay/websocket/shared_topics.hpp"

#include <caf/actor_system.hpp>
#include <caf/make_counted.hpp>

#include <spdlog/spdlog.h>

namespace natterjack::relay {

namespace {

constexpr auto default_heartbeat = std::chrono::seconds(30);

// What endpoints say of all clients alike is kept once a thread.
hub::shared_bytes given_topic(const std::string& name) {
  thread_local hub::shared_bytes last;
  if (last.view() != name)
    last = hub::shared_bytes(name);
  return last;
}

} // namespace

ws_connection::ws_connection(caf::actor_config& config, io_thread& thread,
                             connection_options options, std::shared_ptr<ws_transport> transport)
    : lean_actor(config, thread, options.gateway->node, options.gateway->host),
      gateway_(std::move(options.gateway)), transport_(std::move(transport)),
      config_(std::make_unique<relay_config>(std::move(options.config))),
      endpoint_dialect_(options.dialect),
      budget_(caf::make_counted<pinned_budget>(*this, ctrl(), gateway_->limits)),
      topic_(shared_topics::of_this_thread().message) {
  enter_as(ctrl());
}

hub::process_facts ws_connection::facts() const {
  return {"connection", {}, budget_->waiting(), 0, message_count(), 0};
}

// -- as an actor

void ws_connection::on_exit_signal(const caf::exit_msg& exit) {
  if (exit.reason)
    close(close_cause::by_hub);
}

bool ws_connection::on_element(caf::mailbox_element& element) {
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
void ws_connection::on_exit() {
  close(close_cause::by_hub);
  tell_leave();
  ending().value = hub::payload::text("websocket connection closed");
  cancel_timers();
  stop_holding();
  hub::process::leave();
}

// -- from processes

void ws_connection::accept(const hub::message_ptr& what) {
  what->settle();
  if (state_ != state::open)
    return;
  const auto topic = what->topic();
  if (topic == hub::control_topic) {
    control(*what);
  } else if (topic == hub::close_topic) {
    std::string problem;
    auto frame = read_close_request(what->payloads(), problem);
    if (!problem.empty())
      spdlog::error("{}: ws.close from {}: {}", to_string(id()), to_string(what->from()), problem);
    close(std::move(frame), close_cause::by_hub);
  } else if (auto frames = encoded(what); !frames.empty()) {
    queue(std::move(frames), 1, std::max<size_t>(what->payloads().size(), 1));
  }
}

void ws_connection::accept_run(message_run& run) {
  if (state_ != state::open)
    return;
  const int window_bits = transport_->deflate_bits();
  const auto& frames = window_bits == 0 ? run.frames() : run.deflated_frames(window_bits);
  if (!frames.empty())
    queue(frames, run.messages().size(), run.values());
}

hub::shared_bytes ws_connection::encoded(const hub::message_ptr& what) const {
  const int window_bits = transport_->deflate_bits();
  return window_bits == 0 ? frames_of(what) : deflated_frames_of(what, window_bits);
}

// @param values  frames in `frames`
void ws_connection::queue(hub::shared_bytes frames, size_t messages, size_t values) {
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

void ws_connection::end_slow(hub::counter limit) {
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
void ws_connection::note_drops() {
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

void ws_connection::on_wake() {
  if (state_ == state::closed)
    quit();
  else
    read_more();
}

// -- from the client

void ws_connection::on_open() {
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
    hold().hold_time = *config->hold_timeout;
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

void ws_connection::on_message(message_kind kind, std::string_view body) {
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
    hold().unheard.push_back(make());
  read_more();
}

// Reads on unless the hub owes us credit or the client does not read what it is sent.
void ws_connection::read_more() {
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
    start_watch();
  }
}

void ws_connection::count_pause(bool heard) {
  hub::count(heard ? hub::counter::paused_outbox : hub::counter::paused_inbound);
  if (!heard && !is_holding())
    hub::count(budget_->full_of_messages() ? hub::counter::limit_inbound_messages
                                           : hub::counter::limit_inbound_bytes);
}

void ws_connection::on_drained() {
  outbox_bytes_.store(0, std::memory_order_relaxed);
  if (paused_)
    read_more();
}

void ws_connection::on_message_too_big() {
  auto frame = close_for(close_cause::message_too_big, gateway_->limits.strict_close_codes);
  frame.reason = "message exceeds " + std::to_string(gateway_->limits.message_bytes) + " bytes";
  hub::count(hub::counter::limit_message_bytes);
  close(std::move(frame), close_cause::message_too_big);
}

// -- closing

void ws_connection::close(close_cause cause) {
  close(close_for(cause, gateway_->limits.strict_close_codes), cause);
}

void ws_connection::close(close_frame frame, close_cause cause) {
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
void ws_connection::begin_closing() {
  state_ = state::closing;
  cancel_timers();
  stop_holding();
  tell_leave();
}

void ws_connection::on_closed(const ws_end& end) {
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

// -- for those outside

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
