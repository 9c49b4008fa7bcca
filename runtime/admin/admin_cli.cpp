#include "runtime/admin/admin_cli.hpp"

#include "runtime/admin/admin_client.hpp"
#include "runtime/admin/process_list.hpp"
#include "runtime/exit_codes.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <iostream>
#include <map>
#include <thread>

#include <unistd.h>

namespace natterjack::runtime {

namespace {

using json = nlohmann::json;
using namespace std::chrono_literals;

struct admin_options {
  std::string socket;
  int node = 0;
  bool as_json = false;
  std::string sort = "pid";
  std::string filter;
  size_t rows = 0;
  double interval_s = 1;
  size_t times = 0;
  std::string who, topic, value;
  bool force = false;
};

volatile std::sig_atomic_t interrupted = 0;

json ask(const admin_options& o, const json& request, std::chrono::milliseconds patience = 10s) {
  admin_client node(choose_admin_socket(o.socket, o.node));
  auto answer = node.ask(request, patience);
  if (!answer.value("ok", false))
    throw std::runtime_error(answer.value("error", "the node refused without a word"));
  return answer;
}

int list(const admin_options& o) {
  const auto answer = ask(o, {{"command", "ps"}});
  if (o.as_json)
    std::cout << answer.dump(2) << "\n";
  else
    std::cout << show_processes(answer, {o.sort, o.filter, o.rows});
  return exit_done;
}

// Since the last look, not since its start: what is busy now is what one wants to see.
json with_recent_busy(json answer, const json& before) {
  std::map<std::string, uint64_t> earlier;
  if (before.is_object())
    for (const auto& row : before["processes"])
      earlier.emplace(row.value("pid", ""), row.value("busy_ns", uint64_t{0}));
  for (auto& row : answer["processes"])
    if (auto found = earlier.find(row.value("pid", "")); found != earlier.end())
      row["busy_ns"] = row.value("busy_ns", uint64_t{0}) - found->second;
  return answer;
}

// Redraws until interrupted; a terminal is cleared, a file just gets one picture after the other.
int top(admin_options o) {
  const bool is_terminal = isatty(STDOUT_FILENO) != 0;
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  if (o.rows == 0)
    o.rows = 30;
  admin_client node(choose_admin_socket(o.socket, o.node));
  json before;
  for (size_t n = 0; interrupted == 0 && (o.times == 0 || n < o.times); ++n) {
    auto answer = node.ask({{"command", "ps"}}, 10s);
    if (is_terminal)
      std::cout << "\x1b[H\x1b[2J";
    std::cout << show_summary(answer, before)
              << show_processes(with_recent_busy(answer, before), {o.sort, o.filter, o.rows})
              << std::flush;
    before = std::move(answer);
    if (o.times != 0 && n + 1 == o.times)
      break;
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(o.interval_s);
    while (interrupted == 0 && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(20ms);
  }
  return exit_done;
}

int send(const admin_options& o) {
  auto value = json::parse(o.value, nullptr, false);
  if (value.is_discarded()) {
    std::cerr << "natterjack send: the value is not JSON: " << o.value
              << "\nText is written with quotes inside: '\"hello\"'\n";
    return exit_broken;
  }
  const auto answer =
      ask(o, {{"command", "send"}, {"to", o.who}, {"topic", o.topic}, {"value", value}});
  std::cout << "sent to " << answer.value("to", "") << "\n";
  return exit_done;
}

int kill_process(const admin_options& o) {
  const auto answer = ask(o, {{"command", "kill"}, {"who", o.who}, {"force", o.force}});
  std::cout << (o.force ? "ended " : "asked to end: ") << answer.value("pid", "") << "\n";
  return exit_done;
}

int reload(const admin_options& o) {
  admin_client node(choose_admin_socket(o.socket, o.node));
  const auto answer = node.ask({{"command", "reload"}}, 10min);
  for (const auto& text : answer.value("done", json::array()))
    std::cout << text.get<std::string>() << "\n";
  for (const auto& text : answer.value("notes", json::array()))
    std::cout << "note: " << text.get<std::string>() << "\n";
  for (const auto& text : answer.value("errors", json::array()))
    std::cerr << text.get<std::string>() << "\n";
  if (!answer.value("ok", false)) {
    std::cerr << "natterjack reload: " << answer.value("error", "failed") << "\n";
    return exit_failed;
  }
  std::cout << answer.value("summary", "reloaded") << "\n";
  return exit_done;
}

void add_node_options(CLI::App& app, admin_options& o) {
  app.add_option("--admin-socket", o.socket,
                 "The node's socket (default: NATTERJACK_ADMIN_SOCKET, or the only node of this user)")
      ->type_name("PATH");
  app.add_option("--node", o.node, "The node with this process id")->type_name("PID");
}

void add_list_options(CLI::App& app, admin_options& o) {
  app.add_option("--sort", o.sort, "pid, memory, mailbox, messages, outbox, uptime or busy")
      ->check(CLI::IsMember({"pid", "memory", "mailbox", "messages", "outbox", "uptime", "busy"}))
      ->capture_default_str();
  app.add_option("--filter", o.filter, "Only rows whose entry, kind, name or PID holds this text");
}

} // namespace

int run_admin_command(int argc, const char* const* argv) {
  const std::string name = argv[0];
  admin_options o;
  CLI::App app{"", "natterjack " + name};
  int (*run)(admin_options) = nullptr;
  add_node_options(app, o);
  if (name == "ps") {
    app.description("List the processes of a running node");
    add_list_options(app, o);
    app.add_flag("--json", o.as_json, "Everything, as JSON");
    run = [](admin_options given) { return list(given); };
  } else if (name == "top") {
    app.description("Show what a running node does, again and again");
    add_list_options(app, o);
    app.add_option("--interval", o.interval_s, "Seconds between two looks")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    app.add_option("--times", o.times, "Looks before it ends (default: without end)");
    app.add_option("--rows", o.rows, "Processes shown (default: 30)");
    o.sort = "busy";
    run = [](admin_options given) { return top(std::move(given)); };
  } else if (name == "send") {
    app.description("Send a message to a process");
    app.add_option("TO", o.who, "PID, its number, a registered name, or the id of a service or entry")
        ->required();
    app.add_option("TOPIC", o.topic, "Topic of the message")->required();
    app.add_option("JSON", o.value, "Its value")->required();
    run = [](admin_options given) { return send(given); };
  } else if (name == "kill") {
    app.description("End a process: CANCEL, as a service is stopped");
    app.add_option("WHO", o.who, "PID, its number, a registered name, or the id of a service or entry")
        ->required();
    app.add_flag("--force", o.force, "At once, whatever it does");
    run = [](admin_options given) { return kill_process(given); };
  } else {
    app.description("Take over changed Lua and YAML, without a restart");
    run = [](admin_options given) { return reload(given); };
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) {
      app.exit(e, std::cout, std::cerr);
      return exit_done;
    }
    std::cerr << "natterjack " << name << ": " << e.what() << "\nnatterjack " << name
              << " --help says more.\n";
    return exit_broken;
  }
  try {
    return run(o);
  } catch (const std::exception& e) {
    std::cerr << "natterjack " << name << ": " << e.what() << "\n";
    return exit_failed;
  }
}

} // namespace natterjack::runtime
