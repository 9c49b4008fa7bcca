#include "runtime/server.hpp"

#include "hub/node.hpp"
#include "hub/quiet_scheduler.hpp"
#include "hub/usable_cores.hpp"
#include "relay/gateway.hpp"
#include "relay/http/http_metrics.hpp"
#include "runtime/admin/admin_commands.hpp"
#include "runtime/admin/admin_path.hpp"
#include "runtime/admin/admin_server.hpp"
#include "runtime/amqp_services.hpp"
#include "runtime/application_services.hpp"
#include "runtime/cpp_processes.hpp"
#include "runtime/function_pools.hpp"
#include "runtime/loss_report.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/metric_shelf.hpp"
#include "runtime/lua/outgoing.hpp"
#include "runtime/lua/terminal.hpp"
#include "runtime/lua/work_pool.hpp"
#include "runtime/lua_programs.hpp"
#include "runtime/metrics/scheduler_probe.hpp"
#include "runtime/pow_services.hpp"
#include "runtime/routes.hpp"
#include "runtime/server_view.hpp"
#include "runtime/service_plans.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <thread>

#include <unistd.h>

namespace natterjack::runtime {

namespace {

using namespace std::chrono_literals;

size_t cores_or(size_t wanted) {
  return wanted != 0 ? wanted : hub::usable_cores();
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

relay::tls_options to_relay(const http_tls& from) {
  using auth = relay::client_certificate;
  static const std::map<std::string, auth> words{{"none", auth::none},
                                                 {"request", auth::request},
                                                 {"require", auth::require},
                                                 {"verify_if_given", auth::verify_if_given},
                                                 {"require_and_verify", auth::require_and_verify}};
  return {from.cert, from.key, from.client_ca, words.at(from.client_auth)};
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

nlohmann::json to_input(const std::vector<hub::payload>& arguments) {
  auto input = nlohmann::json::array();
  for (const auto& value : arguments)
    if (value.kind() == hub::payload_kind::json)
      input.push_back(nlohmann::json::parse(value.bytes(), nullptr, false));
    else if (value.kind() == hub::payload_kind::nil)
      input.push_back(nullptr);
    else
      input.push_back(std::string(value.bytes()));
  return input;
}

} // namespace

using version_ptr = std::shared_ptr<const application_version>;

struct server::state {
  state(const command_line& given, const application& app, std::function<application()> loader)
      : line(given), load(std::move(loader)), first(std::make_shared<application_version>(app)),
        latest(first), options(first->options), programs(first->programs),
        config(cores_or(given.hub_threads)), system(config), node(system, given.node_name),
        threads(system, cores_or(given.io_threads)), lua(node, lua_options()), services(system) {}

  lua::runtime_options lua_options() {
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

  relay::http_handler handler_of(const application_version& from, const std::string& function_id,
                                 pool_map& into) {
    return [target = pools.prepare(from, function_id, into)](
               std::shared_ptr<const relay::http_request> request, relay::http_reply reply) {
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
      wanted.limits = entry.limits;
      if (entry.tls)
        wanted.tls = to_relay(*entry.tls);
      gateways.push_back(std::make_unique<relay::gateway>(node, threads, std::move(wanted)));
      gateways.back()->set_ready([this] { return view.is_ready(); });
      by_id.emplace(entry.id, gateways.back().get());
    }
    pow = std::make_unique<pow_services>(options, programs, lua, threads);
    amqp = std::make_unique<amqp_services>(options, node, threads);
    pool_map prepared;
    fill_routes(*first, by_id, prepared);
    pools.exchange(*first, std::move(prepared));
    make_metrics_gateway();
  }

  void fill_routes(const application_version& from,
                   const std::map<std::string, relay::gateway*>& by_id, pool_map& into) {
    add_routes(from.options, by_id,
               [this, &from, &into](const std::string& id) { return handler_of(from, id, into); },
               line.allow_origins, *shared);
    pow->mount(by_id);
    amqp->mount(by_id);
    if (line.metrics == "on")
      for (const auto& [id, gateway] : by_id)
        add_metrics(*gateway);
  }

  // -- what operators see

  void add_metrics(relay::gateway& gateway) {
    if (gateway.routes().contains("GET", "/metrics"))
      return; // an application's own goes first
    gateway.routes().add({"GET", "/metrics",
                          [this](const auto&, const relay::http_reply& reply) {
                            admin->post([this, reply] {
                              relay::http_response response;
                              response.set("Content-Type",
                                           "text/plain; version=0.0.4; charset=utf-8");
                              response.set("Cache-Control", "no-store");
                              response.body = render_metrics(node, lua, view.numbers());
                              relay::append_http_metrics(response.body);
                              shared->of<lua::metric_shelf>().append(response.body);
                              reply(std::move(response));
                            });
                          },
                          nullptr, nullptr});
  }

  void make_metrics_gateway() {
    if (line.metrics == "on" || line.metrics == "off")
      return;
    const auto address = *parse_address(line.metrics);
    relay::gateway_options wanted;
    wanted.entry_id = "system:metrics";
    wanted.address = address.host.empty() ? "0.0.0.0" : address.host;
    if (wanted.address == "localhost")
      wanted.address = "127.0.0.1";
    wanted.port = address.port;
    metrics_gateway = std::make_unique<relay::gateway>(node, threads, std::move(wanted));
    metrics_gateway->set_ready([this] { return view.is_ready(); });
    add_metrics(*metrics_gateway);
  }

  void make_admin() {
    admin_sources sources;
    sources.node = &node;
    sources.about = [this] { return view.about(); };
    sources.service_process = [this](const std::string& id) { return view.process_of(id); };
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

  void open_admin() {
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
    // Long enough for names to be registered, short enough for a service that never waits.
    services.start_all(plan_services(first, node, lua), 1s);
  }

  // -- a new version

  // @returns texts for who asked: done, notes, errors
  nlohmann::json take_over(const application& app, const std::function<bool()>& give_up) {
    auto result = nlohmann::json{{"ok", true},
                                 {"done", nlohmann::json::array()},
                                 {"notes", nlohmann::json::array()},
                                 {"errors", nlohmann::json::array()}};
    auto fail = [&result](const std::string& text) {
      result["ok"] = false;
      result["error"] = text;
      spdlog::error("reload: {}", text);
    };
    for (const auto& warning : app.warnings)
      result["notes"].push_back(to_string(warning));
    if (!app.ok()) {
      for (const auto& mistake : app.diagnostics) {
        spdlog::error("reload: {}", to_string(mistake));
        result["errors"].push_back(to_string(mistake));
      }
      fail(std::to_string(app.diagnostics.size()) +
           (app.diagnostics.size() == 1 ? " mistake in " : " mistakes in ") + app.folder +
           "; nothing was changed");
      return result;
    }
    const auto before = latest.load();
    version_ptr next;
    pool_map next_pools;
    std::vector<std::unique_ptr<relay::gateway>> closed; // gateways that are not open here
    std::map<std::string, std::shared_ptr<const relay::tls_context>> certificates;
    try {
      next = std::make_shared<application_version>(app);
      for (const auto& entry : next->options.gateways)
        if (entry.tls)
          certificates[entry.id] = std::make_shared<relay::tls_context>(to_relay(*entry.tls));
      std::map<std::string, relay::gateway*> by_id;
      for (auto& gateway : gateways) {
        gateway->begin_routes();
        by_id.emplace(gateway->entry_id(), gateway.get());
      }
      for (const auto* of : {&next->options, &options})
        for (const auto& entry : of->gateways)
          if (!by_id.contains(entry.id)) {
            relay::gateway_options wanted;
            wanted.entry_id = entry.id;
            closed.push_back(std::make_unique<relay::gateway>(node, threads, std::move(wanted)));
            by_id.emplace(entry.id, closed.back().get());
          }
      fill_routes(*next, by_id, next_pools);
    } catch (const std::exception& e) {
      pools.discard(next_pools);
      fail(std::string(e.what()) + "; nothing was changed");
      return result;
    }
    for (const auto& host : next->options.hosts)
      node.add_process_host(host.id, host.max_processes);
    for (const auto& folder : next->options.directories)
      if (std::error_code error; folder.auto_init)
        std::filesystem::create_directories(folder.directory, error);
    // What new versions of services spawn is new as well.
    latest.store(next);
    for (auto& gateway : gateways) {
      gateway->publish_routes();
      if (auto renewed = certificates.find(gateway->entry_id());
          renewed != certificates.end() && gateway->use_certificate(renewed->second))
        result["done"].push_back(gateway->entry_id() + " has a new certificate");
    }
    for (auto& text : pools.exchange(*next, std::move(next_pools)))
      result["done"].push_back(std::move(text));
    std::vector<std::string> done = changed_routes(*before, *next);
    for (const auto& error : services.replace_all(plan_services(next, node, lua), give_up, done)) {
      result["ok"] = false;
      result["error"] = "not all services took over the change";
      result["errors"].push_back(error);
    }
    for (const auto& text : done)
      result["done"].push_back(text);
    for (const auto& text : changes_for_restart(*first, *next)) {
      spdlog::warn("reload: {}: takes effect with the next start", text);
      result["notes"].push_back(text + ": takes effect with the next start");
    }
    return result;
  }

  size_t sum(size_t (relay::gateway::*what)() const noexcept) const {
    size_t result = 0;
    for (const auto& gateway : gateways)
      result += ((*gateway).*what)();
    return result;
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
  std::function<application()> load;
  version_ptr first; // what it was started with
  std::atomic<version_ptr> latest;
  const application_options& options; // of the first version
  const lua_programs& programs;
  std::shared_ptr<lua::services> shared = std::make_shared<lua::services>();
  system_config config;
  caf::actor_system system;
  hub::node node;
  relay::io_pool threads;
  lua::lua_runtime lua;
  function_pools pools{lua, node};
  std::vector<std::unique_ptr<relay::gateway>> gateways;
  std::unique_ptr<relay::gateway> metrics_gateway;
  service_group services;
  std::unique_ptr<pow_services> pow;
  std::unique_ptr<amqp_services> amqp;
  std::unique_ptr<admin_server> admin;
  caf::actor probe;
  server_progress progress;
  server_view view{line,     node,     lua,      threads, cores_or(line.hub_threads),
                   gateways, services, progress, [this] { return latest.load(); }};
  std::mutex reload_mutex;
  std::vector<admin_reply> reload_replies;
  loss_report losses;
};

server::server(const command_line& line, const application& app, std::function<application()> load)
    : state_(std::make_unique<state>(line, app, std::move(load))) {
  auto& s = *state_;
  s.make_admin();
  s.shared->find_function = [&s](const std::string& id) { return s.pools.get(*s.latest.load(), id); };
  fill_services(s.options.shared, *s.shared);
  fill_volumes(s.options.directories, *s.shared);
  s.shared->of<lua::outgoing>().threads = &s.threads;
  const auto& given = s.line.arguments;
  const size_t name = s.line.exec.empty() && !given.empty() ? 1 : 0;
  s.shared->of<lua::terminal>().arguments.assign(given.begin() + static_cast<ptrdiff_t>(name),
                                                 given.end());
}

server::~server() {
  auto& s = *state_;
  s.admin->stop();
  caf::anon_send_exit(s.probe, caf::exit_reason::kill);
  s.probe = nullptr;
  s.services.end();
  stop_consumers(*s.shared);
  s.shared->of<lua::terminal>().stopped = true;
  s.pools.stop();
  if (s.pow)
    s.pow->stop();
  if (s.amqp)
    s.amqp->stop();
  s.end_all();
  s.gateways.clear();
  s.metrics_gateway.reset();
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
  start_consumers(s.options.shared, s.shared);
  s.progress.ready = true;
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

void server::reload(const std::function<bool()>& give_up) {
  auto& s = *state_;
  std::vector<admin_reply> replies;
  {
    std::lock_guard guard(s.reload_mutex);
    replies.swap(s.reload_replies);
  }
  spdlog::info("reload: reading {}", s.line.folder);
  ++s.progress.reloads;
  auto result = s.take_over(s.load(), give_up);
  const bool ok = result["ok"];
  if (!ok)
    ++s.progress.reloads_failed;
  std::string summary = result["done"].empty() ? "nothing has changed" : "";
  for (const auto& text : result["done"])
    summary += (summary.empty() ? "" : ", ") + text.get<std::string>();
  if (ok)
    spdlog::info("reload: {}", summary);
  result["summary"] = "reloaded: " + summary;
  for (auto& reply : replies)
    reply(result);
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
  s.services.stop_all(std::chrono::steady_clock::now() +
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
