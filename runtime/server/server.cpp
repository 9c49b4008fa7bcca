#include "runtime/server/server_state.hpp"

#include "hub/json_value.hpp"
#include "hub/quiet_scheduler.hpp"
#include "hub/thread_name.hpp"
#include "hub/usable_cores.hpp"
#include "runtime/admin/admin_commands.hpp"
#include "runtime/admin/admin_path.hpp"
#include "runtime/lua/base/terminal.hpp"
#include "runtime/lua/outgoing.hpp"
#include "runtime/lua/shared/scripted_entries.hpp"
#include "runtime/lua/shared/work_pool.hpp"
#include "runtime/metrics/scheduler_probe.hpp"
#include "runtime/server/application_services.hpp"
#include "runtime/server/cpp_processes.hpp"
#include "runtime/server/lua_programs.hpp"
#include "runtime/server/scripted_bounds.hpp"
#include "runtime/server/service_plans.hpp"
#include "runtime/server/service_states.hpp"

#include <caf/actor_registry.hpp>
#include <caf/send.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>

#include <unistd.h>

namespace natterjack::runtime {

namespace {

using namespace std::chrono_literals;

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

// @param is_last  who does not listen ends when it next waits
void ask_to_end(const hub::process_ref& who, bool is_last) {
  caf::anon_send(caf::actor_cast<caf::actor>(who.actor),
                 hub::cancel_signal{{}, "host stopping", is_last});
}

nlohmann::json to_input(const std::vector<hub::payload>& arguments) {
  auto input = nlohmann::json::array();
  for (const auto& value : arguments)
    input.push_back(json_of(value));
  return input;
}

} // namespace

size_t cores_or(size_t wanted) {
  return wanted != 0 ? wanted : hub::usable_cores();
}

system_config::system_config(size_t threads) {
  // Measured on 2 cores: stealing burns 0.6 % idle and wakes a sleeper after up to 10 ms;
  // sharing idles at 0.004 % and hops in 21 us.
  set("scheduler.policy", caf::atom("sharing"));
  set("scheduler.max-threads", threads);
  set("scheduler.max-throughput", size_t{100});
  module_factories.emplace_back(hub::make_quiet_scheduler);
  hub::name_workers(*this);
}

server::state::state(const command_line& given, const application& app,
                     std::function<application()> loader)
    : line(given), load(std::move(loader)), first(std::make_shared<application_version>(app)),
      latest(first), options(first->options), programs(first->programs),
      config(cores_or(given.hub_threads)), system(config), node(system, given.node_name),
      threads(system, cores_or(given.io_threads)), lua(node, lua_options()), services(system) {}

lua::runtime_options server::state::lua_options() {
  lua::runtime_options result;
  result.find_program = [this](const std::string& id) -> lua::program_ptr {
    const auto now = latest.load();
    auto i = now->programs.processes.find(id);
    return i == now->programs.processes.end() ? nullptr : i->second;
  };
  result.find_launcher = [this](const std::string& id) -> lua::launcher {
    const auto now = latest.load();
    const auto* cpp = find_cpp_process(now->options, id);
    if (cpp == nullptr)
      return nullptr;
    return [this, now, cpp](hub::process_host& where, const std::vector<hub::payload>& values) {
      lua::spawn_result made;
      made.process = start_cpp_process(node, where, *cpp, to_input(values), {}, made.error);
      return made;
    };
  };
  result.find_host = [this](const std::string& id) -> hub::process_host* {
    if (auto* found = node.find_process_host(id))
      return found;
    const auto fallback = default_host(); // made on demand (compatibility rule)
    return id == fallback.id ? &node.add_process_host(id, fallback.max_processes) : nullptr;
  };
  result.logger = spdlog::default_logger();
  result.shared = shared;
  result.log_members = line.log_format == log_format::json;
  return result;
}

void server::state::make_admin() {
  admin_sources sources;
  sources.node = &node;
  sources.about = [this] { return view.about(); };
  sources.service_process = [this](const std::string& id) { return view.process_of(id); };
  sources.ended = [this](const hub::pid& process) { services.ended_by_administrator(process); };
  sources.metrics = [this] { return render_metrics(node, lua, view.numbers()); };
  sources.reload = [this](admin_reply reply) {
    {
      std::lock_guard guard(reload_mutex);
      reload_replies.push_back(std::move(reply));
    }
    kill(getpid(), SIGHUP); // the main thread does it, as for anybody else's signal
  };
  admin = std::make_unique<admin_server>(make_admin_commands(std::move(sources)));
}

void server::state::open_admin() {
  if (line.admin_socket == "off")
    return;
  const auto path = line.admin_socket.empty() ? admin_path(getpid())
                                              : std::filesystem::path(line.admin_socket);
  try {
    admin->open(path);
    spdlog::debug("admin socket {}", path.string());
  } catch (const std::exception& e) {
    if (!line.admin_socket.empty())
      throw; // it was asked for
    spdlog::warn("{}; natterjack ps, top, send, kill and reload do not reach this node", e.what());
  }
}

// The command that is run: asked to end as a service is, and not left waiting for input.
void server::state::end_command(std::chrono::steady_clock::time_point deadline) {
  if (!command || *command_ended)
    return;
  shared->of<lua::terminal>().end_input();
  ask_to_end(command, false); // it may be told by its input
  const auto has_ended = [this] { return command_ended->load(); };
  if (wait_until(std::min(deadline, std::chrono::steady_clock::now() + 500ms), has_ended))
    return;
  ask_to_end(command, true);
  if (wait_until(deadline, has_ended))
    return;
  caf::anon_send_exit(command.actor, caf::exit_reason::user_shutdown);
  wait_until(std::chrono::steady_clock::now() + 1s, has_ended);
}

// Functions that have a message may finish it; what waits in a queue stays there.
void server::state::end_consumers(std::chrono::steady_clock::time_point deadline) {
  stop_consumers(*shared);
  if (!wait_until(deadline, [this] { return consumers_at_work(*shared) == 0; }))
    spdlog::warn("{} messages of queues were not finished", consumers_at_work(*shared));
}

// What services and others have spawned is asked to end as services are.
void server::state::end_spawned(std::chrono::steady_clock::time_point deadline) {
  std::vector<hub::process_ref> asked;
  for (auto& one : node.processes().all())
    if (node.find_process_host(one.self->id().where()->host) != nullptr)
      asked.push_back(std::move(one));
  for (const auto& one : asked)
    ask_to_end(one, true);
  auto have_ended = [&asked] {
    return std::none_of(asked.begin(), asked.end(),
                        [](const auto& one) { return one.self->is_here(); });
  };
  if (!wait_until(deadline, have_ended))
    spdlog::debug("spawned processes did not end in time: they are made to");
}

// Jobs may use the drain timeout; then they are asked to end, then made to.
void server::state::end_jobs(std::chrono::steady_clock::time_point deadline) {
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

void server::state::start_services() {
  for (const auto& host : options.hosts)
    node.add_process_host(host.id, host.max_processes);
  for (const auto& host : options.shared.terminals)
    node.add_process_host(host.id, host.max_processes);
  // Long enough for names to be registered, short enough for a service that never waits.
  services.start_all(plan_services(first, node, lua), 1s);
}

size_t server::state::sum(size_t (relay::gateway::*what)() const noexcept) const {
  size_t result = 0;
  for (const auto& gateway : gateways)
    result += ((*gateway).*what)();
  return result;
}

// Whatever still runs: spawned processes, functions, connections that would not end.
void server::state::end_all() {
  for (auto& process : node.processes().all())
    caf::anon_send_exit(process.actor, caf::exit_reason::kill);
  if (!wait_until(std::chrono::steady_clock::now() + 2s,
                  [this] { return node.processes().size() == 0; }))
    spdlog::warn("{} processes did not end", node.processes().size());
}

server::server(const command_line& line, const application& app, std::function<application()> load)
    : state_(std::make_unique<state>(line, app, std::move(load))) {
  auto& s = *state_;
  s.make_admin();
  s.shared->find_function = [&s](const std::string& id) { return s.pools.get(*s.latest.load(), id); };
  s.shared->of<lua::scripted_entries>().find_library = [&s](const std::string& id) {
    return find_library(s.latest.load()->programs, id);
  };
  s.shared->of<lua::scripted_entries>().read_bounds = read_scripted_bounds;
  s.shared->entries->check_bounds = check_scripted_bounds;
  fill_services(s.options.shared, *s.shared);
  fill_volumes(s.options.directories, *s.shared);
  s.shared->of<lua::outgoing>().threads = &s.threads;
  s.shared->of<lua::terminal>().arguments = s.line.arguments;
  show_services(s.services, s.options, *s.shared);
}

server::~server() {
  auto& s = *state_;
  s.admin->stop();
  caf::anon_send_exit(s.probe, caf::exit_reason::kill);
  s.probe = nullptr;
  s.services.end();
  stop_consumers(*s.shared);
  s.shared->of<lua::terminal>().stop();
  s.pools.stop();
  s.shared->of<lua::scripted_entries>().stop();
  if (s.pow)
    s.pow->stop();
  if (s.amqp)
    s.amqp->stop();
  s.end_all();
  s.gateways.clear();
  s.metrics_gateway.reset();
  s.threads.stop();
  s.shared->work->stop();
  // Who has left the node may still be on its way out, and needs the timers and names that go now.
  if (!wait_until(std::chrono::steady_clock::now() + 2s,
                  [&s] { return s.system.registry().running() == 0; }))
    spdlog::warn("{} actors did not end", s.system.registry().running());
  s.shared->find_function = nullptr;
}

void server::start(const std::function<bool()>& give_up) {
  auto& s = *state_;
  for (const auto& folder : s.options.directories)
    if (folder.auto_init)
      std::filesystem::create_directories(folder.directory);
  open_databases(s.options.shared, *s.shared);
  s.make_gateways();
  // Only what the application starts; the others have their routes and no address.
  std::erase_if(s.gateways, [&s](const auto& gateway) {
    const auto& order = s.options.start_order;
    return std::find(order.begin(), order.end(), gateway->entry_id()) == order.end();
  });
  for (auto& gateway : s.gateways)
    gateway->open();
  if (s.metrics_gateway)
    s.metrics_gateway->open();
  s.open_admin();
  s.threads.start();
  s.amqp->start_bridges();
  if (s.metrics_gateway) {
    s.metrics_gateway->accept(); // from the beginning: who watches sees the start
    spdlog::info("metrics on {}/metrics", s.metrics_gateway->url());
  }
  s.probe = start_scheduler_probe(s.system, [&s] { s.losses.look(s.lua.dropped_lines()); });
  s.start_services();
  s.amqp->start_actors();
  if (give_up())
    return; // what has begun is ended as by any drain
  start_consumers(s.options.shared, s.shared);
  s.progress.ready = true;
  for (auto& gateway : s.gateways) {
    gateway->accept();
    spdlog::info("{} listening on {}", gateway->entry_id(), gateway->url());
  }
  if (s.gateways.empty())
    spdlog::info("no http.service: running without a gateway");
}

void server::drain() {
  auto& s = *state_;
  s.progress.draining = true;
  const auto deadline = std::chrono::steady_clock::now() + s.line.drain_timeout;
  spdlog::info("draining: {} connections", s.sum(&relay::gateway::connections));
  s.progress.ready = false;
  for (auto& gateway : s.gateways)
    gateway->stop_accepting();
  s.pow->shut_down();
  // Hubs that do not heed CANCEL must not use up the time of their clients' closing.
  const auto for_processes = std::max<std::chrono::nanoseconds>(
      s.line.drain_timeout - s.line.drain_window, 0ns) / 2;
  const auto begun = std::chrono::steady_clock::now();
  s.end_command(begun + for_processes);
  s.services.stop_all(begun + for_processes);
  const auto left = std::max(begun + for_processes, std::chrono::steady_clock::now() + 500ms);
  s.end_consumers(left);
  s.end_spawned(left);
  for (auto& gateway : s.gateways)
    gateway->send_going_away(std::clamp<std::chrono::nanoseconds>(
        deadline - std::chrono::steady_clock::now(), 0ns, s.line.drain_window));
  s.end_jobs(deadline);
  const auto closed_by = std::max(deadline, std::chrono::steady_clock::now() + 500ms);
  if (!wait_until(closed_by, [&s] { return s.sum(&relay::gateway::busy) == 0; }))
    spdlog::warn("{} connections did not close in time", s.sum(&relay::gateway::busy));
}

} // namespace natterjack::runtime
