#include "relay/websocket/ws_connection.hpp"

#include "relay/io_thread.hpp"
#include "relay/websocket/client_description.hpp"
#include "relay/websocket/connection_requests.hpp"
#include "relay/websocket/shared_topics.hpp"

#include <spdlog/spdlog.h>

namespace natterjack::relay {

// Watches, then joins: of a target that is dead already it is told later.
bool ws_connection::attach(hub::process_ref target) {
  if (target.self == static_cast<hub::process*>(this))
    return false;
  target_ = std::move(target);
  dialect_ = forced_dialect_ ? *forced_dialect_
                             : target_.self->dialect().value_or(endpoint_dialect_);
  watch_target(thread(), target_.actor);
  joined_ = true;
  tell(shared_topics::of_this_thread().join,
       describe_client(id(), metadata_.view(), dialect_), true);
  return true;
}

void ws_connection::tell(const hub::shared_bytes& topic, const std::string& json, bool counted) {
  if (!target_)
    return;
  auto value = dialect_ == hub::relay_dialect::text ? hub::payload::text(json)
                                                    : hub::payload::json(json);
  target_.self->deliver(hub::make_message(id(), topic, std::move(value),
                                          counted ? budget_->take(0) : hub::credit{}));
}

void ws_connection::tell_leave() {
  if (std::exchange(joined_, false) && target_) {
    tell(shared_topics::of_this_thread().leave,
         describe_client(id(), metadata_.view(), dialect_), true);
    unwatch_target();
    target_ = {};
  }
}

// -- a target that ends

// Who waits for a name needs one: the target was named, or has a name of its own.
void ws_connection::remember_name(const std::string& said, const hub::process_ref& target) {
  if (hold_)
    hold_->name.clear();
  if (!wants_hold())
    return;
  if (!said.starts_with('{'))
    hold_->name = said;
  else if (target)
    if (auto names = home().names().names_of(target.self->id()); !names.empty())
      hold_->name = names.front();
}

void ws_connection::on_target_down() {
  const auto before = target_.self->id();
  target_ = {}; // nobody is left to tell
  // In a shutdown hubs end before their clients; these hear of the shutdown, each at its time.
  if (gateway_->draining.load(std::memory_order_relaxed))
    return;
  if (auto next = home().successor_of(before.number())) {
    joined_ = false;
    rejoin(std::move(next));
  } else if (wants_hold() && !hold_->name.empty() && state_ == state::open) {
    joined_ = false;
    hub::count(hub::counter::connections_held);
    stop_heartbeat();
    hold_->begin(thread(), home().names(), ctrl());
  } else {
    close(close_cause::target_exited);
  }
}

// A new version took over while the old one lives: it is not told of a leave, since nobody left.
void ws_connection::follow(hub::process_ref next) {
  if (!next || next.self == target_.self || state_ != state::open)
    return;
  unwatch_target();
  target_ = {};
  joined_ = false;
  rejoin(std::move(next));
}

void ws_connection::look_for_named() {
  if (auto next = home().resolve(hold_->name))
    rejoin(std::move(next));
  else
    hold_->look_again(home().names(), ctrl());
}

void ws_connection::rejoin(hub::process_ref next) {
  if (state_ == state::open && !target_ && go_over_to(std::move(next), close_cause::target_exited))
    set_heartbeat();
}

// @returns false if it closes, since there is nobody
bool ws_connection::go_over_to(hub::process_ref next, close_cause otherwise) {
  stop_holding();
  if (!next || !attach(std::move(next))) {
    close(otherwise);
    return false;
  }
  deliver_unheard();
  read_more();
  return true;
}

target_hold& ws_connection::hold() {
  if (!hold_)
    hold_ = std::make_unique<target_hold>(this, [](void* self) {
      static_cast<ws_connection*>(self)->close(close_cause::target_exited);
    });
  return *hold_;
}

void ws_connection::set_hold(bool wanted) {
  if (hold_ || wanted)
    hold().wanted = wanted;
}

void ws_connection::stop_holding() {
  if (hold_)
    hold_->end(home().names());
}

void ws_connection::deliver_unheard() {
  if (hold_)
    for (auto& one : std::exchange(hold_->unheard, {}))
      target_.self->deliver(std::move(one));
}

// -- ws.control

void ws_connection::control(const hub::message& what) {
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
  apply(*change, what.from());
}

void ws_connection::apply(const relay_config& change, const hub::pid& from) {
  if (change.metadata && *change.metadata != "{}")
    metadata_ = hub::shared_bytes(*change.metadata);
  if (change.message_topic && !change.message_topic->empty())
    topic_ = hub::shared_bytes(*change.message_topic);
  if (change.payload_format) {
    forced_dialect_ = change.payload_format;
    dialect_ = *forced_dialect_;
  }
  if (change.heartbeat_interval) {
    heartbeat_ = *change.heartbeat_interval;
    set_heartbeat();
  }
  if (change.hold_timeout)
    hold().hold_time = *change.hold_timeout;
  if (change.on_exit) {
    set_hold(*change.on_exit == on_exit_policy::hold);
    if (target_)
      remember_name(to_string(target_.self->id()), target_);
  }
  if (change.target_pid && !change.target_pid->empty())
    retarget(*change.target_pid, from);
}

void ws_connection::retarget(const std::string& text, const hub::pid& from) {
  std::string why;
  auto next = home().resolve(text, &why);
  if (!next && !hub::parse_pid(text)) {
    spdlog::error("{}: ws.control from {}: target_pid: {}", to_string(id()), to_string(from), why);
    return;
  }
  if (next && target_ && next.self == target_.self)
    return;
  const bool had_no_heartbeat = is_holding();
  tell_leave();
  remember_name(text, next);
  if (go_over_to(std::move(next), close_cause::new_target_unknown) && had_no_heartbeat)
    set_heartbeat();
}

} // namespace natterjack::relay
