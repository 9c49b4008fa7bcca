#include "runtime/server/amqp_services.hpp"

#include "actors/amqp/address_book.hpp"
#include "actors/amqp/broker_desk.hpp"
#include "actors/amqp/client.hpp"
#include "actors/amqp/clu_actor.hpp"
#include "actors/amqp/feed.hpp"
#include "hub/address_schemes.hpp"
#include "relay/gateway.hpp"
#include "runtime/server/amqp_entries.hpp"

#include <caf/message_id.hpp>

#include <spdlog/spdlog.h>

#include <future>
#include <stdexcept>
#include <thread>

namespace natterjack::runtime {

namespace {

using namespace std::chrono_literals;

constexpr auto first_attempt_wait = 20s; // connecting and declaring have bounds of their own below

// Waits for the first word of something that starts.
class first_word {
 public:
  std::function<void(const std::string&)> teller() const {
    return [promise = promise_](const std::string& problem) {
      promise->set_value(problem);
    };
  }
  std::optional<std::string> wait(std::chrono::seconds most) {
    auto future = promise_->get_future();
    if (future.wait_for(most) == std::future_status::timeout)
      return std::nullopt;
    return future.get();
  }

 private:
  std::shared_ptr<std::promise<std::string>> promise_ =
      std::make_shared<std::promise<std::string>>();
};

void end(const hub::process_ref& who) {
  if (who)
    who.actor->enqueue(nullptr, caf::make_message_id(), caf::make_message(hub::cancel_signal{}),
                       nullptr);
}

} // namespace

struct amqp_services::state {
  struct connected {
    const amqp_bridge_entry& entry;
    std::shared_ptr<amqp::bridge> link;
    std::shared_ptr<amqp::address_book> book;
    hub::process_ref desk;
    bool is_up = false;
  };

  state(const application_options& all, hub::node& home) : options(all), node(home) {}

  const application_options& options;
  hub::node& node;
  std::map<std::string, connected> bridges; // by entry id
  std::vector<std::shared_ptr<amqp::clu_actor>> actors;
  std::vector<std::shared_ptr<amqp::feed>> feeds;
  bool stopped = false;

  void start(connected& one, bool is_first);
  void start_actor(const amqp_actor_entry& entry);
  void start_feed(const amqp_feed_entry& entry);
};

amqp_services::amqp_services(const application_options& options, hub::node& node,
                             relay::io_pool& threads)
    : state_(std::make_unique<state>(options, node)) {
  for (const auto& entry : options.amqp_bridges) {
    auto wanted = to_bridge(entry);
    for (const auto& gateway : options.gateways)
      if (gateway.id == entry.server_id) // a frame must fit an outbox with room to spare
        wanted.replies.frame_bytes_max = gateway.limits.outbox_hard_bytes / 2;
    state_->bridges.emplace(
        entry.id,
        state::connected{
            entry, amqp::bridge::make(node, threads, std::move(wanted)), nullptr, {}, false});
  }
}

amqp_services::~amqp_services() {
  stop();
}

void amqp_services::mount(const std::map<std::string, relay::gateway*>& gateways) {
  for (auto& [id, one] : state_->bridges) {
    const auto& entry = one.entry;
    if (entry.server_id.empty())
      continue;
    amqp::client_options client;
    client.host_entry = entry.server_id;
    client.commands_max = entry.limits.client_commands;
    client.command_bytes_max = entry.limits.client_bytes;
    client.ping_interval = entry.limits.ping_interval;
    client.ping_timeout = entry.limits.ping_timeout;
    amqp::mount(gateways.at(entry.server_id)->routes(),
                entry.path == "/" ? "/{path...}" : entry.path, one.link, client);
  }
}

void amqp_services::state::start(connected& one, bool is_first) {
  const auto& entry = one.entry;
  first_word word;
  one.link->start(word.teller());
  const auto problem = word.wait(first_attempt_wait);
  one.is_up = problem && problem->empty();
  const auto broker = "broker " + amqp::to_string(one.link->options().broker);
  if (problem && !problem->empty()) {
    const auto text = entry.place + ": " + entry.id + ": " + broker + ": " + *problem;
    if (one.link->first_code() != 0)
      throw std::runtime_error(text);
    spdlog::error("{}; going on while it is tried again", text);
  } else if (one.is_up) {
    spdlog::info("{}: {}, exchange {} as {}", entry.id, broker, entry.exchange,
                 one.link->self().name);
  }
  amqp::address_options addresses;
  addresses.scheme = entry.scheme;
  addresses.addresses_max = entry.limits.addresses;
  one.book = amqp::address_book::make(one.link, addresses);
  hub::add_scheme(node, entry.scheme,
                  [book = one.book](std::string_view address, std::string* why) {
                    return book->find(address, why);
                  });
  amqp::broker_desk_options desk;
  desk.id = entry.id;
  one.desk = amqp::start_broker_desk(one.link, std::move(desk));
  node.names().add("amqp/" + entry.id, one.desk.self->id());
  if (is_first) // what `amqp.publish` means when it names no bridge
    node.names().add("amqp", one.desk.self->id());
}

void amqp_services::start_bridges() {
  bool is_first = true;
  for (const auto& entry : state_->options.amqp_bridges)
    state_->start(state_->bridges.at(entry.id), std::exchange(is_first, false));
}

void amqp_services::state::start_actor(const amqp_actor_entry& entry) {
  const auto& one = bridges.at(entry.bridge_id);
  auto made = amqp::clu_actor::make(one.link, to_actor(entry));
  actors.push_back(made);
  first_word word;
  made->start(word.teller());
  node.names().add("amqp.actor/" + entry.actor, made->process().self->id());
  if (!one.is_up)
    return; // it starts when the broker is there
  const auto problem = word.wait(first_attempt_wait);
  if (problem && !problem->empty())
    throw std::runtime_error(entry.place + ": " + entry.id + ": cannot be actor \"" + entry.actor +
                             "\": " + *problem);
}

void amqp_services::state::start_feed(const amqp_feed_entry& entry) {
  const auto& one = bridges.at(entry.bridge_id);
  auto made = amqp::feed::make(node, one.link->thread(), one.link->link(), to_feed(entry));
  feeds.push_back(made);
  first_word word;
  made->start(word.teller());
  if (!one.is_up)
    return;
  const auto problem = word.wait(first_attempt_wait);
  if (problem && !problem->empty())
    throw std::runtime_error(entry.place + ": " + entry.id + ": cannot consume: " + *problem);
}

void amqp_services::start_actors() {
  for (const auto& entry : state_->options.amqp_actors)
    state_->start_actor(entry);
  for (const auto& entry : state_->options.amqp_feeds)
    state_->start_feed(entry);
}

void amqp_services::stop() {
  auto& s = *state_;
  if (std::exchange(s.stopped, true))
    return;
  for (auto& one : s.feeds)
    one->stop();
  for (auto& one : s.actors)
    one->stop();
  // Their last finals must be on their way before the connection is told to end.
  const auto deadline = std::chrono::steady_clock::now() + 1s;
  for (auto& one : s.actors)
    while (s.node.processes().find(one->process().self->id().number()) &&
           std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(2ms);
  for (auto& [id, one] : s.bridges) {
    hub::remove_scheme(s.node, one.entry.scheme);
    end(one.desk);
    if (one.book)
      one.book->stop();
  }
  for (auto& [id, one] : s.bridges)
    one.link->stop();
}

} // namespace natterjack::runtime
