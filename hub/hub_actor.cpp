#include "hub/hub_actor.hpp"

#include "hub/hub_process.hpp"
#include "hub/multicast.hpp"
#include "hub/node.hpp"
#include "hub/relay_topics.hpp"

#include <caf/send.hpp>

namespace natterjack {

namespace {

// A hub has no address before it is started.
hub::hub_process& started(hub::hub_process* process) {
  if (process == nullptr)
    throw std::logic_error("a hub can do this from on_start on, not in its constructor");
  return *process;
}

} // namespace

// -- itself -------------------------------------------------------------------

const hub::pid& hub_actor::id() const { return started(process_).process_id(); }
const std::string& hub_actor::entry() const { return started(process_).options_.entry; }
const std::vector<json>& hub_actor::input() const { return started(process_).options_.input; }
const json& hub_actor::options() const { return started(process_).options_.options; }

void hub_actor::stop(const json& value) { started(process_).stop_value_ = to_payload(value); }

void hub_actor::log(log_level level, std::string_view text) const {
  const auto& options = started(process_).options_;
  if (options.log)
    options.log(level, options.entry, id(), text);
}

// -- clients ------------------------------------------------------------------

const std::map<hub::pid, client>& hub_actor::clients() const {
  return started(process_).clients_;
}

const client* hub_actor::find_client(const hub::pid& who) const {
  const auto& all = clients();
  const auto i = all.find(who);
  return i == all.end() ? nullptr : &i->second;
}

const std::string& hub_actor::client_group() const { return started(process_).client_group_; }

hub::send_result hub_actor::reconfigure(const hub::pid& client, const relay_change& change) {
  auto& known = started(process_).clients_;
  auto body = json::object();
  if (change.target)
    body["target_pid"] = *change.target;
  if (change.message_topic)
    body["message_topic"] = *change.message_topic;
  if (change.heartbeat_interval)
    body["heartbeat_interval"] = std::to_string(change.heartbeat_interval->count()) + "ms";
  if (change.metadata) {
    if (!change.metadata->is_object())
      throw std::invalid_argument("reconfigure: metadata must be an object");
    body["metadata"] = *change.metadata;
    const auto i = known.find(client);
    if (!change.target && !change.metadata->empty() && i != known.end())
      i->second.metadata = *change.metadata;
  }
  return send_payload(client, hub::control_topic, to_payload(body));
}

hub::send_result hub_actor::close(const hub::pid& client, std::string_view reason, int code) {
  const json body{{"code", code}, {"reason", reason.empty() ? "Connection closed by server" : reason}};
  return send_payload(client, hub::close_topic, to_payload(body));
}

// -- sending ------------------------------------------------------------------

hub::pid hub_actor::sender() const {
  const auto* message = started(process_).handled_;
  if (message == nullptr)
    throw std::logic_error("reply: no message is being handled");
  return (*message)->from();
}

hub::send_result hub_actor::send(const hub::pid& to, std::string_view topic) {
  auto& self = started(process_);
  return self.tell(
      to, hub::make_message(id(), self.topic_bytes(topic), std::vector<hub::payload>{}));
}

hub::send_result hub_actor::send_payload(const hub::pid& to, std::string_view topic,
                                         hub::payload value) {
  auto& self = started(process_);
  return self.tell(to, hub::make_message(id(), self.topic_bytes(topic), std::move(value)));
}

size_t hub_actor::send_payload(std::span<const hub::pid> to, std::string_view topic,
                               hub::payload value) {
  auto& self = started(process_);
  hub::multicast all;
  for (const auto& whom : to)
    if (auto who = self.home().processes().find(whom.number()); who && who.self->id() == whom)
      all.add(std::move(who));
  return all.send(hub::make_message(id(), self.topic_bytes(topic), std::move(value)));
}

size_t hub_actor::broadcast_payload(const std::string& group, std::string_view topic,
                                    hub::payload value) {
  auto& self = started(process_);
  return self.home().groups().broadcast(
      group, hub::make_message(id(), self.topic_bytes(topic), std::move(value)));
}

size_t hub_actor::broadcast_except_payload(const hub::pid& whom, std::string_view topic,
                                           hub::payload value) {
  std::vector<hub::pid> others;
  others.reserve(clients().size());
  for (const auto& [each, who] : clients())
    if (each != whom)
      others.push_back(each);
  return send_payload(others, topic, std::move(value));
}

// -- groups, names ------------------------------------------------------------

bool hub_actor::join(const std::string& group, const hub::pid& member) {
  auto& home = started(process_).home();
  const auto who = home.processes().find(member.number());
  return who && who.self->id() == member && home.groups().join(group, who);
}

bool hub_actor::leave(const std::string& group, const hub::pid& member) {
  return started(process_).home().groups().leave(group, member);
}

std::vector<hub::pid> hub_actor::members(const std::string& group) const {
  return started(process_).home().groups().members(group);
}

bool hub_actor::register_name(const std::string& name) {
  auto& self = started(process_);
  return self.home().names().add(name, id(), self.options_.limits.names) ==
         hub::register_result::registered;
}

bool hub_actor::unregister_name(const std::string& name) {
  auto& names = started(process_).home().names();
  const auto holder = names.lookup(name);
  return holder && *holder == id() && names.remove(name);
}

std::optional<hub::pid> hub_actor::lookup(const std::string& name) const {
  return started(process_).home().names().lookup(name);
}

// -- neighbours ---------------------------------------------------------------

bool hub_actor::monitor(const hub::pid& whom) {
  auto* entry = started(process_).neighbour_of(whom);
  if (entry == nullptr || std::exchange(entry->monitored, true))
    return false;
  process_->monitor(entry->who.actor);
  return true;
}

bool hub_actor::demonitor(const hub::pid& whom) {
  auto* entry = started(process_).neighbour_of(whom);
  const bool was = entry != nullptr && std::exchange(entry->monitored, false);
  if (entry == nullptr)
    return false;
  const auto who = entry->who;
  if (was)
    process_->demonitor(caf::actor_cast<caf::actor_addr>(who.actor));
  process_->forget_unused(who);
  return was;
}

bool hub_actor::link(const hub::pid& whom) {
  auto* entry = started(process_).neighbour_of(whom);
  if (entry == nullptr || std::exchange(entry->linked, true))
    return false;
  process_->link_to(caf::actor_cast<caf::actor_addr>(entry->who.actor));
  return true;
}

bool hub_actor::unlink(const hub::pid& whom) {
  auto* entry = started(process_).neighbour_of(whom);
  const bool was = entry != nullptr && std::exchange(entry->linked, false);
  if (entry == nullptr)
    return false;
  const auto who = entry->who;
  if (was)
    process_->unlink_from(caf::actor_cast<caf::actor_addr>(who.actor));
  process_->forget_unused(who);
  return was;
}

void hub_actor::trap_links(bool yes) { started(process_).traps_links_ = yes; }

result<hub::pid> hub_actor::spawn(std::string_view class_name, std::vector<json> input) {
  auto& self = started(process_);
  const auto* what = hub::find_hub_class(class_name);
  if (what == nullptr)
    return result<hub::pid>::failed("no hub class \"" + std::string(class_name) +
                                    "\" is registered");
  hub::hub_spawn_options options;
  options.entry = entry() + "/" + what->name;
  options.input = std::move(input);
  options.options = self.options_.options;
  options.limits = self.options_.limits;
  options.log = self.options_.log;
  auto made = hub::spawn_hub(self.home(), self.where_, *what, std::move(options));
  if (!made.process)
    return result<hub::pid>::failed(made.error);
  return result<hub::pid>(made.process.self->id());
}

bool hub_actor::cancel(const hub::pid& whom, const std::string& reason) {
  const auto who = started(process_).home().processes().find(whom.number());
  if (!who || who.self->id() != whom)
    return false;
  caf::anon_send(caf::actor_cast<caf::actor>(who.actor), hub::cancel_signal{id(), reason});
  return true;
}

// -- time ---------------------------------------------------------------------

hub_actor::time_point hub_actor::now() const { return started(process_).now(); }

hub_actor::timer hub_actor::after(duration delay, std::function<void()> call) {
  auto& self = started(process_);
  if (self.timers_.size() >= self.options_.limits.timers)
    return 0;
  const auto number =
      self.timers_.add(now() + std::max(delay, duration(0)), duration(0), std::move(call));
  self.set_clock();
  return number;
}

hub_actor::timer hub_actor::every(duration interval, std::function<void()> call) {
  auto& self = started(process_);
  if (interval <= duration(0))
    throw std::invalid_argument("every: the interval must be longer than nothing");
  if (self.timers_.size() >= self.options_.limits.timers)
    return 0;
  const auto number = self.timers_.add(now() + interval, interval, std::move(call));
  self.set_clock();
  return number;
}

bool hub_actor::cancel(timer which) { return started(process_).timers_.erase(which); }

} // namespace natterjack
