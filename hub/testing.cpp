#include "hub/testing.hpp"

#include "hub/relay_topics.hpp"

#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <stdexcept>

namespace natterjack::testing {

namespace {

using end_atom = caf::atom_constant<caf::atom("testEnd")>;

constexpr size_t steps_max = 1'000'000; // of one run: two processes that answer each other never rest
constexpr size_t processes_max = 100'000;

// Bytes are told from a text, which `json_of` does not do.
json data_of(const hub::payload& value) {
  if (value.kind() == hub::payload_kind::binary)
    return json::binary({value.bytes().begin(), value.bytes().end()});
  return json_of(value);
}

caf::scheduler::test_coordinator& stepped(caf::actor_system& system) {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
}

} // namespace

// A process that keeps what it is sent and, once it has joined, does what a connection does.
class test_actor final : public caf::event_based_actor, public hub::process {
 public:
  test_actor(caf::actor_config& config, hub::node& home, const hub::host_name* where)
      : caf::event_based_actor(config), hub::process(home, where) {
    set_default_handler(caf::drop);
    set_down_handler([this](const caf::down_msg& down) {
      if (target_ && down.source == target_.actor) {
        target_ = {};
        close({1000, "target process exited"});
      }
    });
    enter(ctrl());
  }

  hub::send_result deliver(hub::message_ptr what) noexcept override {
    what->settle();
    enqueue(nullptr, caf::make_message_id(), caf::make_message(std::move(what)), nullptr);
    return hub::send_result::sent;
  }

  caf::behavior make_behavior() override {
    return {
        [this](const hub::message_ptr& what) { accept(*what); },
        [this](end_atom, const std::string& error) {
          tell_leave();
          ending().error = error;
          quit(error.empty() ? caf::error(caf::exit_reason::normal)
                             : caf::make_error(caf::sec::runtime_error, error));
        },
        [this](const hub::cancel_signal& signal) { close({1000, signal.reason}); },
    };
  }

  void on_exit() override { hub::process::leave(); }

  const hub::pid& process_id() const noexcept { return hub::process::id(); }

  void attach(hub::process_ref target) {
    target_ = std::move(target);
    is_client_ = true;
    monitor(target_.actor);
    tell(hub::join_topic, about());
  }

  void tell(std::string_view topic, const json& body) { pass(topic, to_payload(body)); }
  void pass(std::string_view topic, hub::payload value) {
    if (target_)
      target_.self->deliver(
          hub::make_message(process_id(), hub::shared_bytes(topic), std::move(value)));
  }

  json about() const {
    json body{{"client_pid", to_string(process_id())}};
    if (!metadata.empty())
      body["metadata"] = metadata;
    return body;
  }

  json metadata = json::object();
  std::string message_topic{hub::message_topic};
  uint64_t messages = 0;
  std::vector<frame> frames;
  std::optional<closing> closed;
  const hub::process_ref& target() const noexcept { return target_; }

 private:
  void accept(const hub::message& what) {
    if (closed)
      return;
    if (is_client_ && what.topic() == hub::close_topic)
      return read_close(what);
    if (is_client_ && what.topic() == hub::control_topic)
      return control(what);
    for (const auto& value : what.payloads())
      frames.push_back({std::string(what.topic()), data_of(value)});
    if (!is_client_ && what.payloads().empty())
      frames.push_back({std::string(what.topic()), nullptr});
  }

  void read_close(const hub::message& what) {
    closing how{1000, "Connection closed by server"};
    if (!what.payloads().empty()) {
      const auto body = data_of(what.payloads().front());
      if (body.is_string())
        how.reason = body;
      else if (body.is_object())
        how = {code_of(body), text_of(body, "reason")};
    }
    close(how);
  }

  // What is of another type counts as not said: a connection logs it and goes on.
  static std::string text_of(const json& body, const char* name) {
    const auto i = body.find(name);
    return i != body.end() && i->is_string() ? i->get<std::string>() : std::string();
  }
  static int code_of(const json& body) {
    const auto i = body.find("code");
    return i != body.end() && i->is_number_integer() ? i->get<int>() : 1000;
  }

  void control(const hub::message& what) {
    auto change = what.payloads().empty() ? json() : data_of(what.payloads().front());
    if (change.is_string()) // the same as JSON text
      change = json::parse(change.get<std::string>(), nullptr, false);
    if (!change.is_object())
      return;
    if (const auto topic = text_of(change, "message_topic"); !topic.empty())
      message_topic = topic;
    if (const auto wanted = change.find("metadata");
        wanted != change.end() && wanted->is_object() && !wanted->empty())
      metadata = *wanted;
    const auto text = text_of(change, "target_pid");
    if (text.empty())
      return;
    auto next = home().resolve(text);
    if (next && next.self == target_.self)
      return;
    tell_leave();
    if (next)
      attach(std::move(next));
    else
      close({1000, "Failed to monitor new target PID"});
  }

  void tell_leave() {
    if (!target_)
      return;
    tell(hub::leave_topic, about());
    demonitor(target_.actor->address());
    target_ = {};
  }

  void close(closing how) {
    if (closed)
      return;
    tell_leave();
    closed = std::move(how);
    ending().value = hub::payload::text("websocket connection closed");
    quit();
  }

  hub::process_ref target_;
  bool is_client_ = false;
};

// -- test_process ---------------------------------------------------------------

test_process::test_process(world& where, hub::process_ref self)
    : world_(&where), self_(std::move(self)) {}

test_actor& test_process::self() const { return static_cast<test_actor&>(*self_.self); }

const hub::pid& test_process::id() const { return self_.self->id(); }

bool test_process::is_alive() const { return world_->is_alive(id()); }

hub::send_result test_process::send(const hub::pid& to, std::string_view topic,
                                    const json& value) const {
  auto sent = value.is_string() ? to_payload(value.get<std::string>()) : to_payload(value);
  return world_->node().send(
      to, hub::make_message(id(), hub::shared_bytes(topic), std::move(sent)));
}

std::vector<std::string> test_process::topics() {
  world_->run();
  std::vector<std::string> result;
  for (const auto& one : self().frames)
    result.push_back(one.topic);
  return result;
}

json test_process::take(std::string_view topic) {
  world_->run();
  auto& frames = self().frames;
  const auto found = std::find_if(frames.begin(), frames.end(),
                                  [topic](const frame& one) { return one.topic == topic; });
  if (found == frames.end()) {
    std::string text = "nothing was heard under the topic " + std::string(topic) + ", but:";
    for (const auto& one : frames)
      text += "\n  " + one.topic + " " + one.data.dump();
    for (const auto& line : world_->log())
      text += "\n  log: " + line;
    throw std::runtime_error(text);
  }
  auto data = std::move(found->data);
  frames.erase(found);
  return data;
}

std::vector<frame> test_process::take_all() {
  world_->run();
  return std::exchange(self().frames, {});
}

void test_process::end(const std::string& error) {
  caf::anon_send(caf::actor_cast<caf::actor>(self_.actor), end_atom::value, error);
  world_->run();
}

// -- test_client ----------------------------------------------------------------

void test_client::say(std::string_view text) const {
  ++self().messages;
  self().pass(self().message_topic, hub::payload::text(text));
}

void test_client::say(const json& value) const { say(std::string_view(value.dump())); }

void test_client::say_bytes(std::string_view bytes) const {
  ++self().messages;
  self().pass(self().message_topic, hub::payload::binary(bytes));
}

void test_client::beat(std::string_view uptime) const {
  auto body = self().about();
  body["uptime"] = uptime;
  body["message_count"] = self().messages;
  self().tell(hub::heartbeat_topic, body);
}

void test_client::leave() { end(); }

std::optional<closing> test_client::closed() {
  world_->run();
  return self().closed;
}

hub::pid test_client::target() {
  world_->run();
  return self().target() ? self().target().self->id() : hub::pid{};
}

// -- world ----------------------------------------------------------------------

world::world() {
  config_.set("scheduler.policy", caf::atom("testing"));
  system_ = std::make_unique<caf::actor_system>(config_);
  node_ = std::make_unique<hub::node>(*system_, "test");
  node_->add_process_host("test:host", processes_max);
}

world::~world() {
  for (auto& process : node_->processes().all())
    caf::anon_send_exit(process.actor, caf::exit_reason::kill);
  started_.clear();
  stepped(*system_).run();
}

hub::pid world::start(std::string_view class_name, start_options options) {
  const auto* known = hub::find_hub_class(class_name);
  if (known == nullptr)
    throw std::runtime_error("no hub class \"" + std::string(class_name) + "\" is registered");
  return start(*known, std::move(options));
}

hub::pid world::start(const hub::hub_class& what, start_options options) {
  hub::hub_spawn_options wanted;
  wanted.entry = std::move(options.entry);
  wanted.input = std::move(options.input);
  wanted.options = std::move(options.options);
  wanted.limits = options.limits;
  wanted.log = [this](log_level level, const std::string& entry, const hub::pid&,
                      std::string_view text) {
    constexpr const char* words[] = {"trace", "debug", "info", "warn", "error"};
    log_.push_back(std::string(words[static_cast<size_t>(level)]) + " " + entry + ": " +
                   std::string(text));
  };
  auto made = hub::spawn_hub(*node_, *node_->find_process_host("test:host"), what,
                             std::move(wanted));
  if (!made.process)
    throw std::runtime_error(made.error);
  started_.push_back(made.process);
  run();
  return made.process.self->id();
}

hub::process_ref world::make_actor() {
  auto& host = *node_->find_process_host("test:host");
  if (!host.reserve())
    throw std::runtime_error("too many processes in one test");
  auto made = caf::actor_cast<caf::strong_actor_ptr>(
      system_->spawn<test_actor>(std::ref(*node_), host.name()));
  host.hold(made);
  return {made, static_cast<test_actor*>(made->get())};
}

test_client world::join(const hub::pid& hub, const json& metadata) {
  auto target = node_->processes().find(hub.number());
  if (!target)
    throw std::runtime_error("join: there is no process " + to_string(hub));
  test_client made(*this, make_actor());
  made.self().metadata = metadata;
  made.self().attach(std::move(target));
  run();
  return made;
}

test_process world::process() { return {*this, make_actor()}; }

void world::run() {
  if (stepped(*system_).run(steps_max) == steps_max)
    throw std::runtime_error("the processes never come to rest");
}

void world::advance(std::chrono::nanoseconds time) {
  auto& clock = stepped(*system_).clock();
  const auto end = clock.now() + time;
  run();
  while (!clock.schedule().empty() && clock.schedule().begin()->first <= end) {
    const auto due = clock.schedule().begin()->first;
    clock.advance_time(std::max(due - clock.now(), std::chrono::nanoseconds(0)));
    run();
  }
  clock.advance_time(end - clock.now());
  run();
}

void world::stop(const hub::pid& hub, const std::string& reason) {
  if (auto who = node_->processes().find(hub.number()))
    caf::anon_send(caf::actor_cast<caf::actor>(who.actor), hub::cancel_signal{{}, reason});
  run();
}

bool world::is_alive(const hub::pid& hub) {
  run();
  return static_cast<bool>(node_->processes().find(hub.number()));
}

hub::exit_result world::result_of(const hub::pid& hub) {
  run();
  for (const auto& one : started_)
    if (one.self->id() == hub)
      return one.self->result();
  throw std::runtime_error("result_of: " + to_string(hub) + " was not started here");
}

const std::vector<std::string>& world::log() {
  run();
  return log_;
}

} // namespace natterjack::testing
