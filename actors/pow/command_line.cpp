#include "actors/pow/command_line.hpp"

#include "actors/pow/exec_source.hpp"
#include "actors/pow/service.hpp"
#include "hub/node.hpp"
#include "hub/quiet_scheduler.hpp"
#include "hub/quantities.hpp"
#include "hub/usable_cores.hpp"
#include "relay/gateway.hpp"

#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <charconv>
#include <csignal>
#include <iostream>
#include <map>
#include <thread>
#include <unistd.h>

namespace natterjack::pow {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr int exit_done = 0;
constexpr int exit_failed = 1;
constexpr int exit_broken = 2;

struct settings {
  std::string address = "0.0.0.0";
  uint16_t port = 3000;
  std::string base_path = "/";
  std::string description;
  std::vector<exec_options> commands;
  bool websocket = true;
  bool rest = true;
  bool docs = true;
  bool probes = false;
  size_t io_threads = 0;
  size_t body_bytes = 32 << 20;
  service_limits limits;
  std::chrono::nanoseconds drain_timeout = 10s;
  spdlog::level::level_enum log_level = spdlog::level::info;
};

struct system_config : caf::actor_system_config {
  system_config() {
    // All jobs live on io threads; the scheduler only carries what CAF does by itself.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", size_t{1});
    module_factories.emplace_back(hub::make_quiet_scheduler);
  }
};

// "127.0.0.1:3000", "[::1]:3000", ":3000" for every interface.
std::string read_address(const std::string& text, settings& out) {
  const auto colon = text.rfind(':');
  const auto wrong = "\"" + text + "\" is no address; expected ADDR:PORT such as 127.0.0.1:3000";
  if (colon == std::string::npos)
    return wrong;
  auto host = text.substr(0, colon);
  const auto* first = text.data() + colon + 1;
  const auto* last = text.data() + text.size();
  const auto [end, ec] = std::from_chars(first, last, out.port);
  if (ec != std::errc{} || end != last)
    return wrong;
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  out.address = host.empty() ? "0.0.0.0" : host;
  return "";
}

std::string read_time(const std::string& text, std::chrono::nanoseconds& out) {
  const auto value = hub::parse_duration(text);
  if (!value || value->count() < 0)
    return "\"" + text + "\" is not a duration; expected a number with a unit, such as 2s or 500ms";
  out = *value;
  return "";
}

std::string read_count(const std::string& text, size_t least, size_t& out) {
  size_t given = 0;
  const auto* last = text.data() + text.size();
  const auto [end, ec] = std::from_chars(text.data(), last, given);
  if (ec != std::errc{} || end != last || given < least)
    return "\"" + text + "\" is not a number of at least " + std::to_string(least);
  out = given;
  return "";
}

std::string read_level(const std::string& text, spdlog::level::level_enum& out) {
  const std::map<std::string, spdlog::level::level_enum> levels{
      {"trace", spdlog::level::trace}, {"debug", spdlog::level::debug},
      {"info", spdlog::level::info},   {"warn", spdlog::level::warn},
      {"error", spdlog::level::err},   {"off", spdlog::level::off}};
  const auto found = levels.find(text);
  if (found == levels.end())
    return "\"" + text + "\" is no level; expected trace, debug, info, warn, error or off";
  out = found->second;
  return "";
}

// name=command with arguments, split as a shell would, but nothing is expanded.
std::string read_command(const std::string& text, settings& out) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return "\"" + text + "\" has no name; expected NAME=COMMAND such as date='date -u'";
  exec_options command;
  command.name = text.substr(0, equals);
  std::string why;
  auto words = split_words(text.substr(equals + 1), why);
  if (!words)
    return "\"" + text + "\": " + why;
  command.argv = std::move(*words);
  out.commands.push_back(std::move(command));
  return "";
}

CLI::Option* add_checked(CLI::App& app, const char* name, const char* help, const char* type,
                         std::function<std::string(const std::string&)> read) {
  return app
      .add_option_function<std::string>(
          name,
          [read, name](const std::string& text) {
            if (const auto why = read(text); !why.empty())
              throw CLI::ValidationError(name, why);
          },
          help)
      ->type_name(type)
      ->trigger_on_parse();
}

void add_limits(CLI::App& app, settings& out) {
  auto time = [&app](const char* name, const char* help, std::chrono::nanoseconds& to,
                     bool may_be_off = false) {
    const auto text = std::string(help) + " [" + hub::format_duration(to) + "]";
    add_checked(app, name, text.c_str(), "TIME",
                [&to, may_be_off](const std::string& given) {
                  auto why = read_time(given, to);
                  return why.empty() && to.count() == 0 && !may_be_off
                             ? "\"" + given + "\" is too little; expected more than no time"
                             : why;
                })
        ->group("Limits");
  };
  // Below `least` nothing would work, or nothing would be bounded.
  auto number = [&app](const char* name, const char* help, size_t& to, size_t least) {
    const auto text = std::string(help) + " [" + std::to_string(to) + "]";
    add_checked(app, name, text.c_str(), "NUMBER",
                [&to, least](const std::string& given) { return read_count(given, least, to); })
        ->group("Limits");
  };
  auto& limits = out.limits;
  number("--max-processes", "Processes at a time", limits.jobs, 1);
  number("--message-bytes", "One websocket message from a client", limits.stream.message_bytes, 64);
  number("--input-bytes", "Input a process has not read yet", limits.job.input_bytes, 1024);
  number("--output-bytes", "Output a websocket client has not read yet", limits.stream.output_bytes,
         1024);
  time("--call-timeout", "From the handshake to the call", limits.call_time);
  time("--read-timeout", "Without a message or pong from a client", limits.stream.read_time);
  time("--ping-interval", "Between pings; 0 for none", limits.stream.ping_interval, true);
  time("--write-timeout", "Without progress in writing to a client", limits.stream.write_time);
  number("--body-bytes", "One REST request body", out.body_bytes, 64);
  number("--rest-sessions", "REST sessions at a time", limits.rest.sessions, 1);
  number("--rest-lines", "Lines of output kept of a REST session, at least 1000", limits.rest.lines, 1);
  time("--rest-timeout", "A REST session nobody used is removed, at least 60s", limits.rest.timeout);
  time("--input-timeout", "For a process to read REST input", limits.rest.input_wait);
}

void add_options(CLI::App& app, settings& out) {
  add_checked(app, "--listen", "Address and port; port 0 takes a free one [0.0.0.0:3000]",
              "ADDR:PORT", [&out](const std::string& text) { return read_address(text, out); });
  app.add_option("--base-path", out.base_path, "Path everything is served below")
      ->type_name("PATH")
      ->capture_default_str();
  add_checked(app, "--exec",
              "Offer a command as a process; {1}, {2}, … stand for one parameter each, {*} for all that "
              "are left; repeatable",
              "NAME=COMMAND", [&out](const std::string& text) { return read_command(text, out); });
  app.add_option("--description", out.description, "Description of the server in openapi.json")
      ->type_name("TEXT");
  app.add_flag_callback("--no-websocket", [&out] { out.websocket = false; }, "Serve REST only");
  app.add_flag_callback("--no-rest", [&out] { out.rest = false; }, "Serve websockets only");
  app.add_flag("--probes", out.probes, "Answer GET /healthz and /readyz, which the protocol has not");
  app.add_flag_callback("--no-docs", [&out] { out.docs = false; }, "Do not serve Swagger UI");
  add_checked(app, "--io-threads", "Threads for sockets (default: one for each core)", "NUMBER",
              [&out](const std::string& text) { return read_count(text, 1, out.io_threads); });
  add_checked(app, "--drain-timeout", "On SIGTERM or SIGINT, wait this long for processes [10s]",
              "TIME",
              [&out](const std::string& text) { return read_time(text, out.drain_timeout); });
  add_checked(app, "--log-level", "trace, debug, info, warn, error or off [info]", "LEVEL",
              [&out](const std::string& text) { return read_level(text, out.log_level); });
  add_limits(app, out);
}

void set_up_log(spdlog::level::level_enum level) {
  auto logger = std::make_shared<spdlog::logger>(
      "pow", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_level(level);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

// Blocked in every thread, so that only `wait_for_signal` hears of them.
sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

template <class Condition>
bool wait_until(clock::time_point deadline, Condition&& is_met) {
  while (!is_met()) {
    if (clock::now() >= deadline)
      return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

// A second signal means now, a third one this very moment.
volatile std::sig_atomic_t is_hurried = 0;

void hurry(int) {
  if (is_hurried != 0)
    _exit(exit_failed);
  is_hurried = 1;
}

// Jobs get the drain timeout, then are asked, then made to end; results reach their clients.
void drain(service& jobs, relay::gateway& gateway, std::chrono::nanoseconds timeout) {
  const auto is_over = [&jobs] { return jobs.drained() || is_hurried != 0; };
  jobs.shut_down();
  if (!wait_until(clock::now() + timeout, is_over)) {
    spdlog::info("{} processes still run after {}: cancelling them", jobs.jobs(),
                 hub::format_duration(timeout));
    jobs.cancel_all();
    wait_until(clock::now() + 2s, is_over);
  }
  if (!jobs.drained()) {
    jobs.kill_all(); // with all that commands have started
    wait_until(clock::now() + 1s, [&jobs] { return jobs.drained(); });
  }
  gateway.stop_accepting();
  // Closing handshakes and idle HTTP connections.
  wait_until(clock::now() + 500ms,
             [&gateway] { return gateway.connections() == 0 || is_hurried != 0; });
}

// As the gateway's own, which would take these paths from websockets.
void mount_probes(service& jobs, relay::router& routes, bool wanted,
                  const std::shared_ptr<std::atomic<bool>>& ready) {
  if (!wanted) {
    jobs.mount_over(routes, "/healthz");
    jobs.mount_over(routes, "/readyz");
    return;
  }
  jobs.mount_beside(routes, "/healthz", [](const auto&, const relay::http_reply& reply) {
    reply(relay::text_response(200, "ok"));
  });
  jobs.mount_beside(routes, "/readyz", [ready](const auto&, const relay::http_reply& reply) {
    reply(*ready ? relay::text_response(200, "ready") : relay::text_response(503, "not ready"));
  });
}

int serve(settings wanted) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  system_config config;
  caf::actor_system system(config);
  hub::node node(system, "natterjack");
  const size_t cores = hub::usable_cores();
  relay::io_pool threads(system, wanted.io_threads != 0 ? wanted.io_threads : cores);

  service_options options;
  options.base_path = wanted.base_path;
  options.limits = wanted.limits;
  options.websocket = wanted.websocket;
  options.rest = wanted.rest;
  options.docs = wanted.docs;
  options.description = wanted.description;
  options.jobs.add("echo", echo_source());
  for (auto& command : wanted.commands) {
    const auto name = command.name;
    options.jobs.add(name, exec_source(std::move(command)));
  }
  service jobs(node, threads, std::move(options));

  relay::gateway_options where;
  where.entry_id = "pow:gateway";
  where.address = wanted.address;
  where.port = wanted.port;
  where.limits.body_bytes = wanted.body_bytes;
  relay::gateway gateway(node, threads, where);
  jobs.mount(gateway.routes(), true);
  auto ready = std::make_shared<std::atomic<bool>>(true);
  mount_probes(jobs, gateway.routes(), wanted.probes, ready);
  gateway.open();
  threads.start();
  gateway.accept();
  spdlog::info("listening on {}{}", gateway.url(), jobs.base_path());

  int received = 0;
  sigwait(&signals, &received);
  spdlog::info("{} received", received == SIGTERM ? "SIGTERM" : "SIGINT");
  for (const int s : {SIGTERM, SIGINT})
    std::signal(s, hurry);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  *ready = false;
  drain(jobs, gateway, wanted.drain_timeout);
  threads.stop();
  return is_hurried != 0 ? exit_failed : exit_done;
}

} // namespace

int run_pow(int argc, const char* const* argv) {
  settings wanted;
  CLI::App app("Process Over Websocket: runs named processes for clients", argv[0]);
  app.footer("Serves the process \"echo\" and those of --exec over websocket (subprotocol pow-1) "
             "and REST.");
  add_options(app, wanted);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? exit_done : exit_broken;
  }
  set_up_log(wanted.log_level);
  try {
    return serve(std::move(wanted));
  } catch (const std::invalid_argument& e) {
    std::cerr << argv[0] << ": " << e.what() << "\n";
    return exit_broken;
  } catch (const std::exception& e) {
    std::cerr << argv[0] << ": " << e.what() << "\n";
    return exit_failed;
  }
}

} // namespace natterjack::pow
