#include "actors/amqp/bridge.hpp"

#include "actors/amqp/bridge_desk.hpp"
#include "actors/amqp/quoted.hpp"

#include <caf/make_counted.hpp>

#include <spdlog/spdlog.h>

#include <utility>

namespace natterjack::amqp {

namespace {

const hub::shared_bytes& topic() {
  thread_local const hub::shared_bytes bytes(bridge_topic);
  return bytes;
}

} // namespace

std::shared_ptr<bridge> bridge::make(hub::node& node, relay::io_pool& threads,
                                     bridge_options options) {
  return std::shared_ptr<bridge>(new bridge(node, threads, std::move(options)));
}

bridge::bridge(hub::node& node, relay::io_pool& threads, bridge_options options)
    : node_(node), thread_(threads.next()),
      options_(std::move(options)), self_{options_.name.empty() ? make_client_name()
                                                                : options_.name,
                                          options_.exchange},
      group_("amqp#" + options_.id + "#" + self_.name), link_([this] {
        auto broker = options_.broker;
        if (broker.connection_name == broker_options{}.connection_name)
          broker.connection_name += " " + self_.name;
        return broker;
      }()) {
}

bridge::~bridge() = default;

void bridge::start(std::function<void(const std::string&)> on_first) {
  on_first_ = std::move(on_first);
  desk_ = std::make_shared<desk>(thread_, options_);
  node_.groups().join(group_, desk::start(desk_, thread_, node_));

  // Raw: the connection ends before the bridge does.
  link_.watch([this](const link_event& event) { on_link(event); });
  topology replies;
  replies.exchanges = {{options_.exchange, "topic", false, true, false, false}};
  replies.queue.name = options_.queue.empty() ? self_.name + "_replies" : options_.queue;
  replies.queue.exclusive = true;
  replies.bound_to = options_.exchange;
  replies.routing_keys = {"reply.#"};
  replies.prefetch = options_.prefetch;
  consumer_handlers handlers;
  handlers.on_delivery = [this](const delivery& from, const delivery_token_ptr& token) {
    on_delivery(from, token);
  };
  handlers.on_lost = [this](const std::string& why, int code) {
    if (code == 0)
      return;
    spdlog::error("{}: cannot consume replies as {}: {}", options_.id, self_.name, why);
    if (auto first = std::exchange(on_first_, nullptr)) {
      first_code_ = code;
      first(why);
    }
  };
  link_.consume(std::move(replies), std::move(handlers));
  link_.start();
}

void bridge::stop() {
  link_.stop();
  // Let go of here, not by the desk's thread, which may end before it gets to that: the two hold each other.
  if (const auto last = desk_ ? std::exchange(desk_->handle, nullptr) : nullptr)
    last->enqueue(nullptr, caf::make_message_id(), caf::make_message(hub::cancel_signal{}), nullptr);
}

// -- replies ------------------------------------------------------------------

void bridge::on_delivery(const delivery& from, const delivery_token_ptr& token) {
  auto fault = reply_fault::none;
  std::string why;
  reply_ptr made;
  try {
    made = read_reply(from, options_.replies, {keys_wanted_ > 0, deflated_wanted_ > 0}, fault, why);
  } catch (const std::bad_alloc&) {
    fault = reply_fault::too_big;
  }
  if (!made) {
    count_poison(fault, from, why);
    return; // the token acknowledges
  }
  ++stats_.replies.passed;
  pass(made, hub::credit(token, 0));
}

void bridge::pass(const reply_ptr& what, hub::credit inbound) {
  std::lock_guard guard(pass_mutex_);
  what->number = ++last_number_;
  auto message = hub::make_message(hub::pid{}, topic(), hub::payload{}, std::move(inbound));
  message->attach(what);
  node_.groups().broadcast(group_, message);
}

void bridge::announce(reply_ptr made) {
  pass(made, {});
}

void bridge::count_poison(reply_fault fault, const delivery& from, const std::string& why) {
  auto& count = stats_.replies.dropped[static_cast<size_t>(fault)];
  if (count.fetch_add(1) != 0 || fault == reply_fault::no_code || fault == reply_fault::foreign_id)
    return;
  spdlog::warn("{}: dropped a reply of {} bytes, routing key {}: {}{}{}; further ones are counted",
               options_.id, from.body_size, quoted(from.routing_key), to_string(fault),
               why.empty() ? "" : ": ", why);
}

void bridge::join(const hub::process_ref& client) {
  node_.groups().join(group_, client);
}

void bridge::read_history(size_t count,
                          std::function<void(std::vector<reply_ptr>, uint64_t)> take) {
  run([content = desk_, count, take = std::move(take)] {
    take(content->last(count), content->last_seen);
  });
}

// -- the link -----------------------------------------------------------------

void bridge::on_link(const link_event& event) {
  if (event.state == link_state::up || event.state == link_state::down)
    if (auto first = std::exchange(on_first_, nullptr)) {
      first_code_ = event.code;
      first(event.why);
    }
  const uint64_t connects = link_.stats().connects;
  auto notice = caf::make_counted<link_notice>();
  notice->state = event.state;
  // A first connection misses nothing that anybody waits for.
  notice->has_gap = last_connects_ != 0 && connects != last_connects_;
  if (std::exchange(last_state_, event.state) == event.state)
    return; // still down
  last_connects_ = connects;
  auto message = hub::make_message(hub::pid{}, topic(), hub::payload{});
  message->attach(notice);
  {
    std::lock_guard guard(pass_mutex_);
    node_.groups().broadcast(group_, message);
  }
  if (event.state == link_state::down)
    watch_deadlines();
  run([content = desk_, event] { content->tell(event); });
}

// The connection's thread may be waiting for a broker that does not answer, also while nobody has noticed
// yet that it is away; commands must not.
void bridge::watch_deadlines() {
  if (!watches_deadlines_.exchange(true))
    run([self = shared_from_this()] { self->look_at_deadlines(); });
}

void bridge::look_at_deadlines() {
  link_.expire();
  if (link_.state() == link_state::down || link_.has_waiting()) {
    later(std::chrono::milliseconds(200), [weak = weak_from_this()] {
      if (auto self = weak.lock())
        self->look_at_deadlines();
    });
    return;
  }
  watches_deadlines_ = false;
  if (link_.has_waiting()) // came since we looked, while its sender saw us watching
    watch_deadlines();
}

uint64_t bridge::listen(reply_listener listener) {
  desk_->listeners.emplace(++desk_->last_listener, std::move(listener));
  return desk_->last_listener;
}

void bridge::forget(uint64_t listener) {
  desk_->listeners.erase(listener);
}

uint64_t bridge::listen_link(std::function<void(const link_event&)> listener) {
  desk_->link_listeners.emplace(++desk_->last_listener, std::move(listener));
  return desk_->last_listener;
}

void bridge::forget_link(uint64_t listener) {
  desk_->link_listeners.erase(listener);
}

void bridge::later(std::chrono::nanoseconds delay, std::function<void()> call) {
  desk_->delayed.add(delay, std::move(call));
}

std::string bridge::stats_json() {
  auto number = [](uint64_t n) {
    return json_value(static_cast<int64_t>(n));
  };
  auto dropped = json_value::make_object();
  for (size_t i = 1; i < reply_fault_count; ++i)
    dropped.set(to_string(static_cast<reply_fault>(i)), number(stats_.replies.dropped[i]));
  const auto& lane = link_.lane_stats(0);
  const auto all = json_value::make_object({
      {"name", json_value(self_.name)},
      {"broker", json_value(to_string(options_.broker))},
      {"state", json_value(to_string(link_.state()))},
      {"connects", number(link_.stats().connects)},
      {"losses", number(link_.stats().losses)},
      {"deliveries", number(link_.stats().deliveries)},
      {"replies", number(stats_.replies.passed)},
      {"dropped", dropped},
      {"commands", number(stats_.commands)},
      {"commands_failed", number(stats_.commands_failed)},
      {"commands_waiting", number(link_.waiting(0))},
      {"published", number(lane.confirmed)},
      {"unroutable", number(lane.unroutable)},
      {"publish_failed", number(lane.failed)},
      {"clients", number(stats_.clients)},
      {"clients_ever", number(stats_.clients_ever)},
      {"clients_too_slow", number(stats_.clients_too_slow)},
  });
  std::string text;
  all.write(text, number_style::strict);
  return text;
}

} // namespace natterjack::amqp
