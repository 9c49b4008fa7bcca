#include "runtime/server.hpp"

#include "hub/node.hpp"
#include "hub/quiet_scheduler.hpp"
#include "relay/gateway.hpp"
#include "runtime/cpp_processes.hpp"
#include "runtime/amqp_services.hpp"
#include "runtime/application_services.hpp"
#include "runtime/lua/function_pool.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/outgoing.hpp"
#include "runtime/lua/terminal.hpp"
#include "runtime/lua/work_pool.hpp"
#include "runtime/lua_programs.hpp"
#include "runtime/pow_services.hpp"
#include "runtime/routes.hpp"
#include "runtime/supervision/service.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <thread>

namespace natterjack::runtime {

namespace {

using namespace std::chrono_literals;

size_t cores_or(size_t wanted) {
  return wanted != 0 ? wanted : std::max<size_t>(std::thread::hardware_concurrency(), 1);
}

// Waits for a condition that other threads bring about. @returns false at the deadline
template <class Condition>
bool wait_until(std::chrono::steady_clock::time_point deadline, Condition&& is_met) {
  while (!is_met()) {
    if (std::chrono::steady_clock::now() >= deadline)
      return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

struct system_config : caf::actor_system_config {
  explicit system_config(size_t threads) {
    // Measured on 2 cores: stealing burns 0.6 % idle and wakes a sleeper after up to 10 ms;
    // sharing idles at 0.004 % and hops in 21 us.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", threads);
    set("scheduler.max-throughput", size_t{100});
    module_factories.emplace_back(hub::make_quiet_scheduler);
  }
};

relay::gateway_limits to_relay(const http_limits& from) {
  relay::gateway_limits to;
  to.inbound_messages = from.inbound_messages;
  to.inbound_bytes = from.inbound_bytes;
  to.outbox_soft_bytes = from.outbox_soft_bytes;
  to.outbox_soft_time = from.outbox_soft_time;
  to.outbox_hard_bytes = from.outbox_hard_bytes;
  switch (from.outbox_policy) {
    case outbox_policy::close:
      to.outbox_policy = relay::outbox_policy::close;
      break;
    case outbox_policy::drop_oldest:
      to.outbox_policy = relay::outbox_policy::drop_oldest;
      break;
    case outbox_policy::drop_newest:
      to.outbox_policy = relay::outbox_policy::drop_newest;
      break;
  }
  to.message_bytes = from.message_bytes;
  to.head_timeout = from.head_timeout;
  to.head_bytes = from.head_bytes;
  to.header_count = from.header_count;
  to.body_timeout = from.body_timeout;
  to.body_bytes = from.body_bytes;
  to.idle_timeout = from.idle_timeout;
  to.pipelined_requests = from.pipelined_requests;
  to.ping_interval = from.ping_interval;
  to.ping_missed = from.ping_missed;
  to.connections = from.connections;
  to.connections_per_address = from.connections_per_address;
  to.strict_close_codes = from.strict_close_codes;
  return to;
}

relay::tls_options to_relay(const http_tls& from) {
  using auth = relay::client_certificate;
  static const std::map<std::string, auth> words{{"none", auth::none},
                                                 {"request", auth::request},
                                                 {"require", auth::require},
                                                 {"verify_if_given", auth::verify_if_given},
                                                 {"require_and_verify", auth::require_and_verify}};
  return {from.cert, from.key, from.client_ca, words.at(from.client_auth)};
}

restart_policy to_policy(const lifecycle_options& from) {
  return {from.restart.initial_delay, from.restart.max_delay,    from.restart.backoff_factor,
          from.restart.jitter,        from.restart.max_attempts, from.stable_threshold};
}

// How many states a function has: fixed, made when needed, or one for each call.
lua::pool_options to_bounds(const pool_options& from) {
  lua::pool_options to;
  to.buffer = from.buffer;
  switch (from.type) {
    case pool_type::inline_:
      to.workers = from.max_size;
      to.kept = 0;
      break;
    case pool_type::static_:
      to.workers = to.prepared = from.size;
      break;
    case pool_type::lazy:
      to.workers = from.workers;
      break;
    case pool_type::adaptive:
      to.workers = from.max_size;
      to.kept = from.size;
      break;
  }
  return to;
}

// The entry that `-x` names, or the one whose meta.command.name is the first argument.
std::string command_entry(const service_options& options, const command_line& line) {
  if (!line.exec.empty())
    return line.exec;
  std::string known;
  for (const auto& one : options.entries) {
    const auto command = one.meta.is_object() ? one.meta.find("command") : one.meta.end();
    if (command == one.meta.end() || !command->is_object() || !command->contains("name"))
      continue;
    const auto name = command->at("name").is_string() ? command->at("name").get<std::string>() : "";
    if (name == line.arguments.front())
      return one.id;
    known += (known.empty() ? "" : ", ") + name;
  }
  throw std::runtime_error("no command \"" + line.arguments.front() + "\" in this application; " +
                           (known.empty() ? "it has none" : "there is: " + known));
}

std::vector<hub::payload> to_arguments(const nlohmann::json& input) {
  std::vector<hub::payload> arguments;
  for (const auto& value : input)
    arguments.push_back(hub::payload::json(value.dump()));
  return arguments;
}

} // namespace

struct server::state {
  state(const command_line& given, application_options app)
      : line(given), options(std::move(app)), programs(make_programs(options)),
        config(cores_or(given.hub_threads)), system(config), node(system, given.node_name),
        threads(system, cores_or(given.io_threads)), lua(node, lua_options()) {}

  lua::runtime_options lua_options() {
    lua::runtime_options result;
    result.find_program = [this](const std::string& id) -> lua::program_ptr {
      auto i = programs.processes.find(id);
      return i == programs.processes.end() ? nullptr : i->second;
    };
    result.find_host = [this](const std::string& id) -> hub::process_host* {
      if (auto* found = node.find_process_host(id))
        return found;
      const auto fallback = default_host(); // made on demand (compatibility rule)
      return id == fallback.id ? &node.add_process_host(id, fallback.max_processes) : nullptr;
    };
    result.logger = spdlog::default_logger();
    result.shared = shared;
    return result;
  }

  // From any thread: endpoints, consumers and scripts all call functions.
  std::shared_ptr<lua::function_pool> pool_of(const std::string& function_id) {
    std::lock_guard guard(pools_mutex);
    auto entry = std::find_if(options.functions.begin(), options.functions.end(),
                              [&function_id](const auto& f) { return f.id == function_id; });
    if (entry == options.functions.end())
      return nullptr;
    auto& pool = pools[function_id];
    if (!pool)
      pool = lua::function_pool::make(lua, programs.functions.at(function_id),
                                      node.host("system:functions"), to_bounds(entry->pool));
    return pool;
  }

  relay::http_handler handler_of(const std::string& function_id) {
    return [target = pool_of(function_id)](std::shared_ptr<const relay::http_request> request,
                                 relay::http_reply reply) {
      target->call_http(std::move(request), std::move(reply));
    };
  }

  void make_gateways() {
    std::map<std::string, relay::gateway*> by_id;
    for (const auto& entry : options.gateways) {
      relay::gateway_options wanted;
      wanted.entry_id = entry.id;
      wanted.address = entry.address.host.empty() ? "0.0.0.0" : entry.address.host;
      wanted.port = entry.address.port;
      wanted.limits = to_relay(entry.limits);
      if (entry.tls)
        wanted.tls = to_relay(*entry.tls);
      gateways.push_back(std::make_unique<relay::gateway>(node, threads, std::move(wanted)));
      gateways.back()->set_ready([this] { return ready.load(); });
      by_id.emplace(entry.id, gateways.back().get());
    }
    add_routes(options, by_id, [this](const std::string& id) { return handler_of(id); },
               line.allow_origins);
    pow = std::make_unique<pow_services>(options, programs, lua, threads);
    pow->mount(by_id);
    amqp = std::make_unique<amqp_services>(options, node, threads);
    amqp->mount(by_id);
  }

  // Jobs may use the drain timeout; then they are asked to end, then made to.
  void end_jobs(std::chrono::steady_clock::time_point deadline) {
    auto none_left = [this] { return pow->jobs() == 0; };
    if (wait_until(deadline, none_left))
      return;
    spdlog::info("{} jobs still run: cancelling them", pow->jobs());
    pow->cancel_all();
    if (wait_until(std::chrono::steady_clock::now() + 2s, none_left))
      return;
    pow->kill_all();
    wait_until(std::chrono::steady_clock::now() + 1s, none_left);
  }

  void start_services() {
    for (const auto& host : options.hosts)
      node.add_process_host(host.id, host.max_processes);
    for (const auto& host : options.shared.terminals)
      node.add_process_host(host.id, host.max_processes);
    for (const auto& id : options.start_order) {
      auto entry = std::find_if(options.services.begin(), options.services.end(),
                                [&id](const auto& s) { return s.id == id; });
      if (entry != options.services.end())
        start_service(*entry);
    }
  }

  void start_service(const service_entry& entry) {
    auto starter = [this, &entry](std::function<void()> when_waiting, std::string& error) {
      if (const auto* cpp = find_cpp_process(options, entry.process_id))
        return start_cpp_process(node, *lua_options_host(entry.host_id), *cpp, entry.input,
                                 std::move(when_waiting), error);
      lua::spawn_options wanted;
      wanted.on_first_wait = std::move(when_waiting);
      wanted.context = security_of(options.shared, entry.id);
      auto spawned = lua.spawn(programs.processes.at(entry.process_id),
                               *lua_options_host(entry.host_id), to_arguments(entry.input),
                               std::move(wanted));
      error = spawned.error;
      return spawned.process;
    };
    services.push_back(
        std::make_unique<service>(system, entry.id, to_policy(entry.lifecycle), starter));
    auto first = services.back()->start();
    if (first.wait_for(1s) == std::future_status::timeout)
      spdlog::warn("{}: has not waited for anything yet; waiting {:.0f} s for it", entry.id,
                   std::chrono::duration<double>(entry.lifecycle.start_timeout).count());
    if (first.wait_for(entry.lifecycle.start_timeout) == std::future_status::timeout)
      spdlog::error("{}: still running its start after start_timeout; going on without it",
                    entry.id);
    else if (const auto error = first.get(); !error.empty())
      spdlog::error("{}: could not be started at once; going on while it is tried again", entry.id);
    else
      spdlog::info("{}: started", entry.id);
  }

  hub::process_host* lua_options_host(const std::string& id) { return lua.find_host(id); }

  size_t sum(size_t (relay::gateway::*what)() const noexcept) const {
    size_t result = 0;
    for (const auto& gateway : gateways)
      result += ((*gateway).*what)();
    return result;
  }

  void stop_services(std::chrono::steady_clock::time_point deadline) {
    for (auto i = services.rbegin(); i != services.rend(); ++i) {
      auto entry = std::find_if(options.services.begin(), options.services.end(),
                                [&i](const auto& s) { return s.id == (*i)->id(); });
      const auto left = std::max<std::chrono::nanoseconds>(
          deadline - std::chrono::steady_clock::now(), 100ms);
      (*i)->stop(std::min(entry->lifecycle.stop_timeout, left));
    }
  }

  // Whatever still runs: spawned processes, functions, connections that would not end.
  void end_all() {
    for (auto& process : node.processes().all())
      caf::anon_send_exit(process.actor, caf::exit_reason::kill);
    if (!wait_until(std::chrono::steady_clock::now() + 2s,
                    [this] { return node.processes().size() == 0; }))
      spdlog::warn("{} processes did not end", node.processes().size());
  }

  command_line line;
  application_options options;
  lua_programs programs;
  std::shared_ptr<lua::services> shared = std::make_shared<lua::services>();
  system_config config;
  caf::actor_system system;
  hub::node node;
  relay::io_pool threads;
  lua::lua_runtime lua;
  std::mutex pools_mutex;
  std::map<std::string, std::shared_ptr<lua::function_pool>> pools;
  std::vector<std::unique_ptr<relay::gateway>> gateways;
  std::vector<std::unique_ptr<service>> services;
  std::unique_ptr<pow_services> pow;
  std::unique_ptr<amqp_services> amqp;
  std::atomic<bool> ready{false};
};

server::server(const command_line& line, application_options options)
    : state_(std::make_unique<state>(line, std::move(options))) {
  auto& s = *state_;
  s.shared->find_function = [&s](const std::string& id) { return s.pool_of(id); };
  fill_services(s.options.shared, *s.shared);
  s.shared->of<lua::outgoing>().threads = &s.threads;
  const auto& given = s.line.arguments;
  const size_t name = s.line.exec.empty() && !given.empty() ? 1 : 0;
  s.shared->of<lua::terminal>().arguments.assign(given.begin() + static_cast<ptrdiff_t>(name),
                                                 given.end());
}

server::~server() {
  auto& s = *state_;
  s.services.clear();
  stop_consumers(*s.shared);
  s.shared->of<lua::terminal>().stopped = true;
  for (auto& [id, pool] : s.pools)
    pool->stop();
  if (s.pow)
    s.pow->stop();
  if (s.amqp)
    s.amqp->stop();
  s.end_all();
  s.gateways.clear();
  s.threads.stop();
  s.shared->work->stop();
  s.shared->find_function = nullptr;
}

void server::start() {
  auto& s = *state_;
  for (const auto& folder : s.options.directories)
    if (folder.auto_init)
      std::filesystem::create_directories(folder.directory);
  s.make_gateways();
  // Only what the application starts; the others have their routes and no address.
  std::erase_if(s.gateways, [&s](const auto& gateway) {
    const auto& order = s.options.start_order;
    return std::find(order.begin(), order.end(), gateway->entry_id()) == order.end();
  });
  for (auto& gateway : s.gateways)
    gateway->open();
  s.threads.start();
  s.amqp->start_bridges();
  s.start_services();
  s.amqp->start_actors();
  start_consumers(s.options.shared, s.shared);
  s.ready = true;
  for (auto& gateway : s.gateways) {
    gateway->accept();
    spdlog::info("{} listening on {}", gateway->entry_id(), gateway->url());
  }
  if (s.gateways.empty())
    spdlog::info("no http.service: running without a gateway");
}

void server::run_command(std::function<void(bool good)> when_done) {
  auto& s = *state_;
  const auto id = command_entry(s.options.shared, s.line);
  auto program = s.programs.processes.find(id);
  if (program == s.programs.processes.end())
    throw std::runtime_error("no process.lua entry '" + id + "'");
  auto host_id = s.line.exec_host;
  if (host_id.empty())
    host_id = s.options.shared.terminals.empty() ? default_host().id
                                                 : s.options.shared.terminals.front().id;
  auto* host = s.lua.find_host(host_id);
  if (host == nullptr)
    throw std::runtime_error("no process.host or terminal.host entry '" + host_id + "'");
  std::vector<hub::payload> arguments;
  for (const auto& one : s.shared->of<lua::terminal>().arguments)
    arguments.push_back(hub::payload::text(one));
  auto made = s.lua.spawn(program->second, *host, std::move(arguments));
  if (!made)
    throw std::runtime_error(made.error);
  made.process.actor->get()->attach_functor([when_done](const caf::error& why) {
    when_done(!why || why == caf::exit_reason::normal);
  });
}

void server::drain() {
  auto& s = *state_;
  const auto deadline = std::chrono::steady_clock::now() + s.line.drain_timeout;
  spdlog::info("draining: {} connections", s.sum(&relay::gateway::connections));
  s.ready = false;
  for (auto& gateway : s.gateways)
    gateway->stop_accepting();
  s.pow->shut_down();
  // Hubs that do not heed CANCEL must not use up the time of their clients' closing.
  s.stop_services(std::chrono::steady_clock::now() +
                  std::max<std::chrono::nanoseconds>(s.line.drain_timeout - s.line.drain_window, 0ns) / 2);
  for (auto& gateway : s.gateways)
    gateway->send_going_away(std::clamp<std::chrono::nanoseconds>(
        deadline - std::chrono::steady_clock::now(), 0ns, s.line.drain_window));
  s.end_jobs(deadline);
  const auto closed_by = std::max(deadline, std::chrono::steady_clock::now() + 500ms);
  if (!wait_until(closed_by, [&s] { return s.sum(&relay::gateway::busy) == 0; }))
    spdlog::warn("{} connections did not close in time", s.sum(&relay::gateway::busy));
}

} // namespace natterjack::runtime
