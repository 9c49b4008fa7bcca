#include "actors/amqp/broker_desk.hpp"

#include "relay/pinned_actor.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>

#include <map>

namespace natterjack::amqp {

namespace {

constexpr size_t depth_max = 512;
constexpr double timeout_s_default = 30;
constexpr double timeout_s_max = 1e8;

std::string text_of(const json_value& fields, const char* name) {
  const auto* value = fields.find(name);
  return value == nullptr || value->is(json_value::kind::null) ? std::string()
                                                               : value->to_python_text();
}

bool flag_of(const json_value& fields, const char* name) {
  const auto* value = fields.find(name);
  return value != nullptr && value->is_truthy();
}

// @returns seconds; nothing with `problem` set
std::optional<double> read_timeout(const json_value& fields, std::string& problem) {
  const auto* value = fields.find("timeout");
  if (value == nullptr)
    return timeout_s_default;
  const auto seconds = value->is(json_value::kind::real)
                           ? value->real()
                           : static_cast<double>(value->integer().value_or(-1));
  if (seconds > 0 && seconds < timeout_s_max)
    return seconds;
  problem = "timeout: expected a number of seconds above 0, found " + value->to_python_text();
  return std::nullopt;
}

// @returns what is wrong, or an empty text
std::string read_binding(const json_value& fields, binding& to) {
  to.queue = text_of(fields, "queue");
  to.exchange = text_of(fields, "exchange");
  if (const auto type = text_of(fields, "exchange_type"); !type.empty())
    to.exchange_type = type;
  for (const char* known : {"topic", "direct", "fanout", "headers", "passive", ""})
    if (to.exchange_type == known)
      break;
    else if (*known == '\0')
      return "exchange_type: expected topic, direct, fanout, headers or passive, found \"" +
             to.exchange_type + '"';
  if (const auto* keys = fields.find("routing_keys"); keys != nullptr) {
    to.routing_keys.clear();
    for (const auto& key : keys->elements())
      to.routing_keys.push_back(key.to_python_text());
  } else if (const auto key = text_of(fields, "routing_key"); !key.empty()) {
    to.routing_keys = {key};
  }
  to.durable = flag_of(fields, "durable");
  to.exclusive = flag_of(fields, "exclusive");
  to.auto_delete = flag_of(fields, "auto_delete");
  to.passive = flag_of(fields, "passive");
  if (const auto* prefetch = fields.find("prefetch"); prefetch != nullptr) {
    const auto n = prefetch->integer().value_or(-1);
    if (n < 1 || n > 65'535)
      return "prefetch: expected 1 to 65535, found " + prefetch->to_python_text();
    to.prefetch = static_cast<uint16_t>(n);
  }
  if (to.queue.empty() && to.exchange.empty())
    return "\"queue\" and \"exchange\" are missing: one of them is needed";
  return {};
}

class broker_desk final : public relay::pinned_actor {
 public:
  broker_desk(caf::actor_config& config, std::shared_ptr<bridge> owner, broker_desk_options options)
      : pinned_actor(config, owner->thread(), owner->node(), owner->node().host(options.id)),
        bridge_(std::move(owner)), options_(std::move(options)) {
    enter(ctrl());
  }

  const char* name() const override { return "amqp_desk"; }

  caf::behavior make_behavior() override {
    set_down_handler([this](const caf::down_msg& down) { on_down(down.source); });
    set_default_handler([](caf::scheduled_actor*, caf::message_view&) {
      return caf::result<caf::message>{caf::sec::unexpected_message};
    });
    return {[this](const hub::cancel_signal&) {
      quit();
    }};
  }

  void on_exit() override {
    for (auto& [pid, one] : subscriptions_)
      one.source->stop();
    subscriptions_.clear();
    hub::process::leave();
  }

  void accept(const hub::message_ptr& what) override {
    what->settle();
    json_error error;
    std::optional<json_value> fields;
    if (!what->payloads().empty())
      fields = json_value::parse(what->payloads().front().bytes(), error, depth_max);
    if (!fields || !fields->is(json_value::kind::object))
      return; // nowhere to say so
    const asker from{what->from(), hub::shared_bytes(text_of(*fields, "answer")),
                     text_of(*fields, "id")};
    if (what->topic() == "publish")
      publish(*fields, *what, from);
    else if (what->topic() == "subscribe")
      subscribe(*fields, from);
    else if (what->topic() == "unsubscribe")
      unsubscribe(text_of(*fields, "feed"), from);
    else
      answer(from, "invalid", "known topics are publish, subscribe, unsubscribe");
  }

 private:
  struct asker {
    hub::pid who;
    hub::shared_bytes topic; // of the answer; empty: none is wanted
    std::string id;
  };
  struct subscription {
    std::shared_ptr<feed> source;
    caf::strong_actor_ptr subscriber;
  };

  void answer(const asker& to, const std::string& result, const std::string& text,
              const std::string& source = {}) {
    if (to.topic.empty())
      return;
    auto what =
        json_value::make_object({{"id", json_value(to.id)}, {"result", json_value(result)}});
    if (!text.empty())
      what.set("text", json_value(text));
    if (!source.empty())
      what.set("feed", json_value(source));
    std::string json;
    what.write(json, number_style::strict);
    home().send(to.who, hub::make_message(id(), to.topic, hub::payload::json(json)));
  }

  void publish(const json_value& fields, const hub::message& what, const asker& from) {
    std::string problem;
    const auto* message = fields.find("message");
    auto made = read_publication(message == nullptr ? json_value{} : *message, problem);
    const auto seconds = read_timeout(fields, problem);
    if (!made || !seconds) {
      answer(from, "invalid", problem);
      return;
    }
    if (what.payloads().size() > 1)
      made->body = what.payloads()[1].bytes();
    publish_options how;
    how.lane = 1;
    how.resend = flag_of(fields, "resend");
    how.deadline = publish_clock::now() + std::chrono::duration_cast<publish_clock::duration>(
                                              std::chrono::duration<double>(*seconds));
    bridge_->link().publish(
        std::move(*made), how,
        [this, keep = caf::strong_actor_ptr(ctrl()), from](const publish_outcome& end) {
          answer(from, to_string(end.result), end.text);
        });
  }

  void subscribe(const json_value& fields, const asker& from) {
    binding wanted;
    auto problem = read_binding(fields, wanted);
    auto asking = home().processes().find(from.who.number());
    if (subscriptions_.size() >= options_.subscriptions_max)
      problem = "too many subscriptions";
    if (!problem.empty() || !asking) {
      answer(from, "invalid", problem);
      return;
    }
    feed_options options;
    options.id = options_.id;
    options.queue = to_topology(wanted);
    options.process = to_string(from.who);
    if (const auto topic = text_of(fields, "topic"); !topic.empty())
      options.topic = topic;
    options.manual_acks = flag_of(fields, "manual_acks");
    auto made = feed::make(home(), thread(), bridge_->link(), std::move(options));
    const bool is_away = bridge_->link().state() != link_state::up;
    auto told = std::make_shared<bool>(is_away); // on this thread
    made->start([this, keep = caf::strong_actor_ptr(ctrl()), from, told,
                 weak = std::weak_ptr(made)](const std::string& why) {
      bridge_->run([this, keep, from, told, weak, why] {
        if (auto source = weak.lock(); source && !std::exchange(*told, true))
          on_first(source, from, why);
      });
    });
    const auto pid = to_string(made->process().self->id());
    monitor(asking.actor);
    subscriptions_.emplace(pid, subscription{std::move(made), std::move(asking.actor)});
    if (is_away)
      answer(from, "waiting", "the broker is away", pid);
  }

  void on_first(const std::shared_ptr<feed>& source, const asker& from, const std::string& why) {
    const auto pid = to_string(source->process().self->id());
    if (why.empty()) {
      answer(from, "subscribed", {}, pid);
      return;
    }
    answer(from, "refused", why);
    forget(pid);
  }

  void unsubscribe(const std::string& pid, const asker& from) {
    answer(from, forget(pid) ? "unsubscribed" : "unknown", {});
  }

  bool forget(const std::string& pid) {
    auto i = subscriptions_.find(pid);
    if (i == subscriptions_.end())
      return false;
    i->second.source->stop();
    demonitor(i->second.subscriber->address());
    subscriptions_.erase(i);
    return true;
  }

  void on_down(const caf::actor_addr& who) {
    for (auto i = subscriptions_.begin(); i != subscriptions_.end();) {
      if (i->second.subscriber->address() != who) {
        ++i;
        continue;
      }
      i->second.source->stop();
      i = subscriptions_.erase(i);
    }
  }

  std::shared_ptr<bridge> bridge_;
  broker_desk_options options_;
  std::map<std::string, subscription> subscriptions_; // by the feed's PID
};

} // namespace

topology to_topology(const binding& wanted) {
  topology made;
  if (!wanted.exchange.empty()) {
    exchange_options exchange;
    exchange.name = wanted.exchange;
    exchange.passive = wanted.exchange_type == "passive";
    exchange.type = exchange.passive ? "topic" : wanted.exchange_type;
    exchange.durable = wanted.durable;
    exchange.auto_delete = wanted.auto_delete;
    // The broker's own exchanges are there, and must not be declared.
    if (!wanted.exchange.starts_with("amq."))
      made.exchanges = {std::move(exchange)};
    made.bound_to = wanted.exchange;
    made.routing_keys = wanted.routing_keys;
  }
  made.queue.name = wanted.queue;
  made.queue.durable = wanted.durable;
  // A queue of the broker's making has no name by which anybody could find it again.
  made.queue.exclusive = wanted.exclusive || (wanted.queue.empty() && !wanted.durable);
  made.queue.auto_delete = wanted.auto_delete;
  made.queue.passive = wanted.passive;
  made.prefetch = wanted.prefetch;
  return made;
}

hub::process_ref start_broker_desk(std::shared_ptr<bridge> owner, broker_desk_options options) {
  caf::actor_config config{&owner->thread()};
  auto& system = owner->node().system();
  auto made = system.spawn_class<broker_desk, caf::no_spawn_options>(config, std::move(owner),
                                                                     std::move(options));
  hub::process_ref result;
  result.actor = caf::actor_cast<caf::strong_actor_ptr>(made);
  result.self = static_cast<broker_desk*>(result.actor->get());
  return result;
}

} // namespace natterjack::amqp
