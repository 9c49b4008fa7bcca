// One process of a node with a bridge, worked by lines of JSON on stdin; what it receives goes to
// stdout. The tests' way to be a hub author.
//
//   {"op": "send", "to": ADDRESS, "topic": T, "value": V}   to an amqp: address, a PID or a name
//   {"op": "monitor", "to": ADDRESS}                        later: {"down": ADDRESS, "error": …}
//   {"op": "actor", "name": N, …}                           {"actor": N, "problem": …}
//   {"op": "stop_actor", "name": N}
//   {"op": "feed", "queue": Q, "topic": T, "manual": B, …}  {"feed": Q, "problem": …}
//   {"op": "publish", "id": I, "message": {…}}              {"published": I, "result": …}
//   {"op": "hold"}, {"op": "release"}   {"holds": B}        messages are not taken in between
//   {"op": "stats"}                                         {"stats": {…}}
//   a message                                               {"topic": …, "from": PID, "value": …}
#include "actors/amqp/address_book.hpp"
#include "actors/amqp/clu_actor.hpp"
#include "actors/amqp/feed.hpp"
#include "relay/pinned_actor.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <iostream>
#include <map>
#include <mutex>

using namespace natterjack;
using namespace natterjack::amqp;

namespace {

using kind = json_value::kind;

void print(const json_value& what) {
  static std::mutex mutex;
  std::string text;
  what.write(text, number_style::strict);
  std::lock_guard guard(mutex);
  std::cout << text << std::endl;
}

json_value parse(std::string_view text) {
  json_error error;
  return json_value::parse(text, error).value_or(json_value{});
}

std::string text_of(const json_value& object, const char* key) {
  const auto* value = object.find(key);
  return value == nullptr ? std::string() : value->to_python_text();
}

bool flag_of(const json_value& object, const char* key) {
  const auto* value = object.find(key);
  return value != nullptr && value->is_truthy();
}

class console_process final : public relay::pinned_actor {
 public:
  console_process(caf::actor_config& config, relay::io_thread& thread, hub::node& node)
      : pinned_actor(config, thread, node, node.host("test:console")) {
    enter(ctrl());
    home().names().add("console", id());
  }
  caf::behavior make_behavior() override {
    set_down_handler([this](const caf::down_msg& down) {
      auto i = watched_.find(down.source);
      if (i == watched_.end())
        return;
      print(
          json_value::make_object({{"down", json_value(i->second.first)},
                                   {"error", json_value(i->second.second.self->result().error)}}));
      watched_.erase(i);
    });
    return {[](const hub::cancel_signal&) {
    }};
  }
  void on_exit() override { hub::process::leave(); }
  void accept(const hub::message_ptr& what) override {
    json_value value;
    if (!what->payloads().empty()) {
      const auto& p = what->payloads().front();
      value = p.kind() == hub::payload_kind::json ? parse(p.bytes()) : json_value(p.bytes());
    }
    if (!hold)
      what->settle();
    else
      held.push_back(what);
    print(json_value::make_object({{"topic", json_value(what->topic())},
                                   {"from", json_value(to_string(what->from()))},
                                   {"value", value}}));
  }
  void unwatch(const std::string& address) {
    for (auto i = watched_.begin(); i != watched_.end();) {
      const auto one = i++;
      if (one->second.first != address)
        continue;
      demonitor(one->first);
      watched_.erase(one);
    }
  }
  void watch(const std::string& address, const hub::process_ref& who) {
    watched_.emplace(who.actor->address(), std::pair{address, who});
    monitor(who.actor);
  }

  bool hold = false; // messages are not taken until let go
  std::vector<hub::message_ptr> held;

 private:
  std::map<caf::actor_addr, std::pair<std::string, hub::process_ref>> watched_;
};

struct system_config : caf::actor_system_config {
  system_config() { set("scheduler.max-threads", size_t{1}); }
};

std::vector<command_spec> read_commands(const json_value& list) {
  std::vector<command_spec> result;
  for (const auto& one : list.elements()) {
    command_spec spec;
    spec.name = text_of(one, "name");
    spec.help = text_of(one, "help");
    spec.is_raw = flag_of(one, "raw");
    if (const auto* parameters = one.find("parameters"))
      for (const auto& p : parameters->elements()) {
        parameter_spec made;
        made.name = text_of(p, "name");
        const auto type = text_of(p, "type");
        made.type = type == "integer"  ? parameter_type::integer
                    : type == "number" ? parameter_type::number
                                       : parameter_type::text;
        made.is_option = flag_of(p, "option");
        made.is_flag = flag_of(p, "flag");
        made.required = !made.is_option && !flag_of(p, "optional");
        made.help = text_of(p, "help");
        spec.parameters.push_back(std::move(made));
      }
    result.push_back(std::move(spec));
  }
  return result;
}

class console {
 public:
  console(const broker_options& broker, const std::string& name)
      : node_(system_, "test"), threads_(system_, 2) {
    bridge_options options;
    options.broker = broker;
    options.name = name;
    options.hold_time = std::chrono::seconds(20);
    owner_ = bridge::make(node_, threads_, options);
    threads_.start();
    auto& thread = threads_.next();
    caf::actor_config config{&thread};
    handle_ = caf::actor_cast<caf::strong_actor_ptr>(
        system_.spawn_class<console_process, caf::no_spawn_options>(config, thread, node_));
    self_ = static_cast<console_process*>(handle_->get());
    owner_->start([](const std::string& problem) {
      print(json_value::make_object(
          {{"ready", json_value(problem.empty())}, {"problem", json_value(problem)}}));
    });
    address_options addresses;
    addresses.presence_interval = std::chrono::milliseconds(200);
    addresses.outage_grace = std::chrono::seconds(3);
    addresses.idle_time = std::chrono::seconds(5);
    book_ = address_book::make(owner_, addresses);
  }

  ~console() {
    for (auto& [name, actor] : actors_)
      actor->stop();
    for (auto& one : feeds_)
      one->stop();
    book_->stop();
    owner_->stop();
    for (auto& process : node_.processes().all())
      caf::anon_send_exit(process.actor, caf::exit_reason::kill);
    for (int i = 0; i < 400 && node_.processes().size() != 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    threads_.stop();
  }

  void run(const json_value& line) {
    const auto op = text_of(line, "op");
    if (op == "send")
      send(line);
    else if (op == "monitor")
      monitor(text_of(line, "to"));
    else if (op == "demonitor")
      self_->thread().push_call([self = self_, keep = handle_, address = text_of(line, "to")] {
        self->unwatch(address);
      });
    else if (op == "addresses")
      print(json_value::make_object(
          {{"addresses", json_value(static_cast<int64_t>(book_->size()))}}));
    else if (op == "actor")
      start_actor(line);
    else if (op == "stop_actor")
      actors_.at(text_of(line, "name"))->stop();
    else if (op == "feed")
      start_feed(line);
    else if (op == "publish")
      publish(line);
    else if (op == "hold" || op == "release")
      self_->thread().push_call([self = self_, keep = handle_, hold = op == "hold"] {
        self->hold = hold;
        print(json_value::make_object({{"holds", json_value(hold)}}));
        if (!hold)
          for (auto& what : std::exchange(self->held, {}))
            what->settle();
      });
    else if (op == "stats")
      print(json_value::make_object({{"stats", parse(owner_->stats_json())}}));
    else
      print(json_value::make_object({{"problem", json_value("unknown op " + op)}}));
  }

 private:
  hub::process_ref find(const std::string& address) {
    std::string why;
    auto found =
        address.starts_with("amqp:") ? book_->find(address, &why) : node_.resolve(address, &why);
    if (!found)
      print(json_value::make_object({{"problem", json_value(why)}}));
    return found;
  }

  void send(const json_value& line) {
    auto to = find(text_of(line, "to"));
    if (!to)
      return;
    const auto* value = line.find("value");
    std::string text;
    if (value != nullptr && !value->is(kind::text))
      value->write(text, number_style::strict);
    auto payload = value == nullptr        ? hub::payload{}
                   : value->is(kind::text) ? hub::payload::text(value->text())
                                           : hub::payload::json(text);
    to.self->deliver(hub::make_message(self_->id(), hub::shared_bytes(text_of(line, "topic")),
                                       std::move(payload)));
  }

  void monitor(const std::string& address) {
    if (auto who = find(address))
      self_->thread().push_call(
          [self = self_, keep = handle_, address, who] { self->watch(address, who); });
  }

  void start_actor(const json_value& line) {
    actor_options options;
    options.name = text_of(line, "name");
    options.version = "1.2.3";
    options.process = line.find("process") != nullptr ? text_of(line, "process") : "console";
    if (const auto* schema = line.find("schema"))
      options.schema = *schema;
    if (const auto* commands = line.find("commands"))
      options.commands = read_commands(*commands);
    auto report = [name = options.name](const std::string& problem) {
      print(
          json_value::make_object({{"actor", json_value(name)}, {"problem", json_value(problem)}}));
    };
    try {
      auto made = clu_actor::make(owner_, options);
      actors_[options.name] = made;
      made->start(report);
    } catch (const std::invalid_argument& e) {
      report(e.what());
    }
  }

  void start_feed(const json_value& line) {
    feed_options options;
    options.process = "console";
    options.topic = text_of(line, "topic");
    options.manual_acks = flag_of(line, "manual");
    options.queue.queue.name = text_of(line, "queue");
    options.queue.queue.durable = flag_of(line, "durable");
    if (line.find("exchange") != nullptr) {
      options.queue.exchanges = {
          {text_of(line, "exchange"), "topic", flag_of(line, "durable"), false, false, false}};
      options.queue.bound_to = text_of(line, "exchange");
      options.queue.routing_keys = {text_of(line, "key")};
    }
    auto made = feed::make(node_, threads_.front(), owner_->link(), options);
    feeds_.push_back(made);
    made->start([queue = options.queue.queue.name](const std::string& problem) {
      print(
          json_value::make_object({{"feed", json_value(queue)}, {"problem", json_value(problem)}}));
    });
    print(
        json_value::make_object({{"feed_pid", json_value(to_string(made->process().self->id()))}}));
  }

  void publish(const json_value& line) {
    std::string problem;
    const auto id = text_of(line, "id");
    auto what = read_publication(*line.find("message"), problem);
    if (!what) {
      print(json_value::make_object(
          {{"published", json_value(id)}, {"problem", json_value(problem)}}));
      return;
    }
    publish_options how;
    how.lane = 1;
    how.resend = flag_of(line, "resend");
    if (const auto* time = line.find("time"))
      how.deadline = publish_clock::now() + std::chrono::milliseconds(time->integer().value_or(0));
    owner_->link().publish(std::move(*what), how, [id](const publish_outcome& outcome) {
      print(json_value::make_object({{"published", json_value(id)},
                                     {"result", json_value(to_string(outcome.result))},
                                     {"text", json_value(outcome.text)}}));
    });
  }

  system_config config_;
  caf::actor_system system_{config_};
  hub::node node_;
  relay::io_pool threads_;
  std::shared_ptr<bridge> owner_;
  caf::strong_actor_ptr handle_;
  console_process* self_ = nullptr;
  std::shared_ptr<address_book> book_;
  std::map<std::string, std::shared_ptr<clu_actor>> actors_;
  std::vector<std::shared_ptr<feed>> feeds_;
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: console AMQP-URL [NAME]\n";
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("console"));
  broker_options broker;
  read_amqp_url(argv[1], broker);
  console one(broker, argc > 2 ? argv[2] : "");
  for (std::string line; std::getline(std::cin, line);)
    one.run(parse(line));
  return 0;
}
