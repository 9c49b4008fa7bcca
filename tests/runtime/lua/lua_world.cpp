#include "lua_world.hpp"

#include "tests/catch.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <thread>

namespace test {

using namespace std::chrono_literals;

probe::probe(caf::actor_config& config, hub::node& home, const hub::host_name* host)
    : caf::event_based_actor(config), hub::process(home, host) {
  enter(ctrl());
}

hub::send_result probe::deliver(hub::message_ptr what) noexcept {
  std::lock_guard guard(mutex_);
  messages_.push_back(std::move(what));
  arrived_.notify_all();
  return hub::send_result::sent;
}

caf::behavior probe::make_behavior() {
  set_default_handler(caf::drop);
  return {[this](const hub::cancel_signal&) { quit(); },
          [this](caf::ok_atom) {
            quit();
          }};
}

std::vector<probe::letter> probe::wait_for(size_t count) {
  std::unique_lock guard(mutex_);
  arrived_.wait_for(guard, 10s, [this, count] { return messages_.size() >= count; });
  std::vector<letter> result;
  for (auto& m : messages_) {
    letter one{to_string(m->from()), std::string(m->topic()), {}, hub::payload_kind::nil};
    if (!m->payloads().empty()) {
      one.body = m->payloads().front().bytes();
      one.kind = m->payloads().front().kind();
    }
    result.push_back(std::move(one));
  }
  return result;
}

std::vector<hub::message_ptr> probe::messages() {
  std::lock_guard guard(mutex_);
  return messages_;
}

namespace {

class memory_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit memory_sink(std::function<void(std::string_view)> take) : take_(std::move(take)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& line) override {
    take_({line.payload.data(), line.payload.size()});
  }
  void flush_() override {}
  std::function<void(std::string_view)> take_;
};

caf::actor_system_config& tuned(caf::actor_system_config& config) {
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", size_t{2});
  config.set("scheduler.max-throughput", size_t{100});
  return config;
}

} // namespace

world::world(lua::lua_limits given) : limits(given) {
  system = std::make_unique<caf::actor_system>(tuned(config));
  node = std::make_unique<hub::node>(*system, "test");
  host = &node->add_process_host("app:processes", 1000);
  lua::runtime_options options;
  options.find_program = [this](const std::string& id) -> lua::program_ptr {
    auto i = programs.find(id);
    return i == programs.end() ? nullptr : i->second;
  };
  options.print = [this](std::string_view line) {
    std::lock_guard guard(mutex_);
    printed_ += line;
  };
  auto sink = std::make_shared<memory_sink>([this](std::string_view line) {
    std::lock_guard guard(mutex_);
    logged_ += line;
    logged_ += '\n';
  });
  options.logger = std::make_shared<spdlog::logger>("test", sink);
  options.logger->set_level(spdlog::level::trace);
  runtime = std::make_unique<lua::lua_runtime>(*node, std::move(options));
}

world::~world() {
  for (auto& one : host->all())
    caf::anon_send_exit(caf::actor_cast<caf::actor>(one), caf::exit_reason::kill);
  for (auto& one : probes_)
    caf::anon_send_exit(caf::actor_cast<caf::actor>(one), caf::exit_reason::kill);
  probes_.clear();
  system->await_all_actors_done();
  runtime.reset();
  programs.clear();
  system.reset();
  node.reset();
}

lua::program_ptr world::add(const std::string& id, const std::string& text,
                            const std::string& method, std::set<std::string> modules,
                            std::map<std::string, lua::program_ptr> imports) {
  lua::program_source source;
  source.id = id;
  source.file = id.substr(id.find(':') + 1) + ".lua";
  source.text = text;
  source.method = method;
  source.modules = std::move(modules);
  source.imports = std::move(imports);
  source.limits = limits;
  lua::syntax_error error;
  auto made = lua::lua_program::make(std::move(source), &error);
  INFO(error.line << ": " << error.message);
  REQUIRE(made);
  programs[id] = made;
  return made;
}

hub::process_ref world::spawn_id(const std::string& id, std::vector<hub::payload> arguments,
                                 lua::spawn_options options) {
  auto made = runtime->spawn(programs.at(id), *host, std::move(arguments), std::move(options));
  INFO(made.error);
  REQUIRE(made);
  return made.process;
}

hub::process_ref world::spawn(const std::string& text, std::vector<hub::payload> arguments,
                              lua::spawn_options options) {
  const auto id = "app:p" + std::to_string(++last_);
  add(id, text, "");
  return spawn_id(id, std::move(arguments), std::move(options));
}

std::string world::run(const std::string& body) {
  return end_of(spawn(body));
}

std::string world::end_of(const hub::process_ref& who) {
  std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;
  who.actor->get()->attach_functor([&mutex, &changed, &ended](const caf::error&) {
    std::lock_guard guard(mutex);
    ended = true;
    changed.notify_all();
  });
  std::unique_lock guard(mutex);
  if (!changed.wait_for(guard, 30s, [&ended] { return ended; })) {
    FAIL("the process does not end");
  }
  const auto& result = who.self->result();
  return result.error.empty() ? std::string(result.value.bytes()) : "error: " + result.error;
}

std::shared_ptr<probe> world::make_probe() {
  auto made = system->spawn<probe>(*node, node->host("app:gateway"));
  auto strong = caf::actor_cast<caf::strong_actor_ptr>(made);
  probes_.push_back(strong);
  return {dynamic_cast<probe*>(strong->get()), [strong](probe*) {
          }};
}

hub::send_result world::send(const hub::process_ref& to, const std::string& topic,
                             hub::payload value, const hub::pid& from) {
  return to.self->deliver(hub::make_message(from, hub::shared_bytes(topic), std::move(value)));
}

hub::send_result world::send_text(const hub::process_ref& to, const std::string& topic,
                                  const std::string& text) {
  return send(to, topic, hub::payload::text(text));
}

std::string world::printed() {
  std::lock_guard guard(mutex_);
  return printed_;
}

std::string world::logged() {
  std::lock_guard guard(mutex_);
  return logged_;
}

bool world::wait_until(const std::function<bool()>& condition, std::chrono::milliseconds at_most) {
  const auto end = std::chrono::steady_clock::now() + at_most;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::sleep_for(1ms); // looks again; the deadline above decides
  }
  return true;
}

} // namespace test
