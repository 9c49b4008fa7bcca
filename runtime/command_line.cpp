#include "runtime/command_line.hpp"

#include "hub/quantities.hpp"
#include "runtime/config/nearest.hpp"
#include "runtime/config/network_address.hpp"
#include "runtime/config/source/project_settings.hpp"
#include "runtime/exit_codes.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>

namespace natterjack::runtime {

namespace {

// CLI11 calls a validator with the text and takes the text of what is wrong.
std::string check_duration(const std::string& text) {
  auto value = hub::parse_duration(text);
  return value && value->count() >= 0
             ? ""
             : "\"" + text + "\" is not a duration; expected a number with a unit, such as 2s or 500ms";
}

std::string check_metrics(const std::string& text) {
  std::string why;
  if (text == "on" || text == "off" || parse_address(text, &why))
    return "";
  return "\"" + text + "\" " + why + "; expected on, off or ADDR:PORT";
}

// What divides the parts of a PID cannot stand in one of them.
std::string check_node_name(const std::string& text) {
  constexpr auto allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (!text.empty() && text.size() <= 64 && text.find_first_not_of(allowed) == std::string::npos)
    return "";
  return "\"" + text + "\" is no name of a node; expected letters, digits and . _ -, 64 at most";
}

// As many threads as nobody asks for by mistake; a negative number would be a very large one.
std::string check_threads(const std::string& text) {
  const bool is_number = !text.empty() && text.size() <= 4 &&
                         text.find_first_not_of("0123456789") == std::string::npos;
  if (is_number && std::stoi(text) <= 1024)
    return "";
  return "\"" + text + "\" is no number of threads; expected 1 to 1024, or 0: one for each core";
}

struct raw_options {
  std::string log_format = "text";
  std::string log_level = "info";
  std::string drain_window = "2s";
  std::string drain_timeout = "10s";
};

void add_run(CLI::App& app, command_line& out, raw_options& raw) {
  auto* run = app.add_subcommand("run", "Start the application in a folder");
  run->add_option("DIR", out.folder, "Folder with _index.yaml files")->capture_default_str();
  run->add_option("--listen", out.listen,
                  "ADDR:PORT of the implicit gateway, or of the application's only http.service; "
                  "port 0 takes a free one")
      ->type_name("ADDR:PORT");
  auto override_with = [&out](const char* option) {
    return [&out, option](const std::string& text) { out.overrides.push_back({option, text}); };
  };
  run->add_option_function<std::string>("--set", override_with("--set"),
                                        "Override a field: ENTRY-ID.field=value")
      ->type_name("ENTRY-ID.field=value")
      ->trigger_on_parse();
  run->add_option_function<std::string>("-o", override_with("-o"),
                                        "The same as ns:entry:field=value")
      ->type_name("ns:entry:field=value")
      ->trigger_on_parse();
  run->add_option("--allow-origins", out.allow_origins,
                  "Pages that may open websockets on the implicit router: comma-separated patterns, "
                  "'*' for all (default: same origin)")
      ->type_name("LIST");
  run->add_option("-x,--exec", out.exec,
                  "Run this process, then end: 1 if it failed, else the number it returned, or 0")
      ->type_name("ENTRY-ID");
  run->add_option("--host", out.exec_host,
                  "Where a command runs (default: the first terminal.host, else system:processes)")
      ->type_name("ENTRY-ID");
  run->add_option("COMMAND", out.arguments,
                  "A process.lua with this meta.command.name, and its arguments: as -x. Those that "
                  "begin with - stand behind --. list: what commands there are");
  run->add_option("--node-name", out.node_name, "First part of every PID")
      ->check(check_node_name)
      ->type_name("NAME")
      ->capture_default_str();
  run->add_option("--io-threads", out.io_threads, "Threads for sockets (default: one for each core)")
      ->check(check_threads)
      ->type_name("N");
  run->add_option("--hub-threads", out.hub_threads, "Threads for hubs (default: one for each core)")
      ->check(check_threads)
      ->type_name("N");
  run->add_option("--drain-window", raw.drain_window,
                  "On SIGTERM, spread the closing of clients over this time")
      ->check(check_duration)
      ->type_name("TIME")
      ->capture_default_str();
  run->add_option("--drain-timeout", raw.drain_timeout, "On SIGTERM, wait this long at most")
      ->check(check_duration)
      ->type_name("TIME")
      ->capture_default_str();
  run->add_option("--metrics", out.metrics,
                  "Where /metrics is: on (every gateway), off, or ADDR:PORT of its own, which answers "
                  "/healthz and /readyz as well")
      ->check(check_metrics)
      ->type_name("WHERE")
      ->capture_default_str();
  run->add_option("--admin-socket", out.admin_socket,
                  "Socket for natterjack ps, top, send, kill and reload, or off (default: "
                  "NATTERJACK_ADMIN_SOCKET, else in $XDG_RUNTIME_DIR or /tmp)")
      ->type_name("PATH");
  run->callback([&out] { out.command = command::run; });
}

void add_check(CLI::App& app, command_line& out) {
  auto* check = app.add_subcommand("check", "Report every mistake of an application, start nothing");
  check->add_option("DIR", out.folder, "Folder with _index.yaml files")->required();
  auto override_with = [&out](const char* option) {
    return [&out, option](const std::string& text) { out.overrides.push_back({option, text}); };
  };
  check->add_option_function<std::string>("--set", override_with("--set"), "As for run")
      ->trigger_on_parse();
  check->add_option_function<std::string>("-o", override_with("-o"), "As for run")
      ->trigger_on_parse();
  check->callback([&out] { out.command = command::check; });
}

void add_init(CLI::App& app, command_line& out) {
  auto* init = app.add_subcommand("init", "Write a small chat to begin with into a folder");
  init->add_option("DIR", out.folder, "New or empty folder")->capture_default_str();
  init->callback([&out] { out.command = command::init; });
}

// A command with options of its own: main.cpp hands them over before anything here is read. So whoever
// comes here has put an option of ours in front of it.
void add_own(CLI::App& app, const std::string& name, const std::string& help) {
  app.add_subcommand(name, help)->prefix_command()->callback([name] {
    throw CLI::ValidationError(name, "its options stand behind it, as in natterjack " + name +
                                         " --log-level info");
  });
}

// `natterjack run COMMAND` inside of an application.
bool is_command_here(const std::string& word) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::exists(word, ignored))
    return false;
  for (const char* mark : {"_index.yaml", "wippy.lock", "src/_index.yaml"})
    if (fs::exists(mark, ignored))
      return true;
  return false;
}

// What .wippy.yaml says, where the command line says nothing.
void take_settings(const CLI::App& app, command_line& out, raw_options& raw) {
  auto settings = read_project_settings(out.folder);
  const auto* run = app.get_subcommand("run");
  auto is_said = [&app, run](const std::string& option) {
    const auto* of_all = app.get_option_no_throw(option);
    return run->count(option) > 0 || (of_all != nullptr && of_all->count() > 0);
  };
  auto take = [&is_said](const char* option, std::optional<std::string>& said, std::string& to) {
    if (said && !is_said(option))
      to = std::move(*said);
  };
  if (settings.node_name)
    if (const auto wrong = check_node_name(*settings.node_name); !wrong.empty()) {
      settings.mistakes.push_back({".wippy.yaml", 0, "", "relay.node_name: " + wrong, ""});
      settings.node_name.reset();
    }
  take("--log-level", settings.log_level, raw.log_level);
  take("--log-format", settings.log_format, raw.log_format);
  take("--drain-timeout", settings.drain_timeout, raw.drain_timeout);
  take("--metrics", settings.metrics, out.metrics);
  take("--node-name", settings.node_name, out.node_name);
  out.overrides.insert(out.overrides.begin(), settings.overrides.begin(),
                       settings.overrides.end());
  out.mistakes = std::move(settings.mistakes);
  out.warnings = std::move(settings.warnings);
}

// The first argument nobody knows, with the nearest one that is known.
std::string explain_unknown(const CLI::App& app, int argc, const char* const* argv) {
  const CLI::App* scope = &app;
  for (const auto* sub : app.get_subcommands())
    scope = sub;
  std::vector<std::string> known;
  std::vector<std::string> commands;
  for (const auto* option : scope->get_options())
    for (const auto& name : option->get_lnames())
      known.push_back("--" + name);
  for (const auto* option : app.get_options())
    for (const auto& name : option->get_lnames())
      known.push_back("--" + name);
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    commands.push_back(sub->get_name());
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    word = word.substr(0, word.find('='));
    if (word.starts_with("--")) {
      if (std::find(known.begin(), known.end(), word) == known.end())
        return "unknown option \"" + word + "\"" + did_you_mean(word, known);
    } else if (i == 1 && scope == &app && !word.starts_with('-')) {
      return "unknown command \"" + word + "\"" + did_you_mean(word, commands) + "; expected " +
             one_of(commands);
    }
  }
  const auto rest = app.remaining(true);
  return rest.empty() ? "" : "unexpected argument \"" + rest.front() + "\"";
}

} // namespace

command_line read_command_line(int argc, const char* const* argv) {
  // What stands behind -- is for the command of the application, whatever it looks like.
  const std::vector<std::string> words(argv, argv + argc);
  const auto bar = std::find(words.begin(), words.end(), "--");
  const std::vector<std::string> behind(bar == words.end() ? bar : bar + 1, words.end());
  argc = static_cast<int>(bar - words.begin());
  command_line out;
  out.folder = ".";
  raw_options raw;
  CLI::App app{"An actor-based message hub: every websocket connection is an actor with a PID.",
               "natterjack"};
  app.require_subcommand(1);
  app.fallthrough();
  auto add_log_options = [&raw](CLI::App& to) {
    to.add_option("--log-level", raw.log_level, "trace, debug, info, warn, error or off")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
        ->type_name("LEVEL")
        ->capture_default_str();
    to.add_option("--log-format", raw.log_format,
                  "text for people, or json: one object a line, for machines")
        ->check(CLI::IsMember({"text", "json"}))
        ->type_name("FORMAT")
        ->capture_default_str();
  };
  add_log_options(app);
  app.set_version_flag("--version", "natterjack " NATTERJACK_VERSION);
  add_run(app, out, raw);
  add_log_options(*app.get_subcommand("run"));
  add_check(app, out);
  add_init(app, out);
  add_own(app, "ps", "List the processes of a running node");
  add_own(app, "top", "Show what a running node does, again and again");
  add_own(app, "send", "Send a message to a process of a running node");
  add_own(app, "kill", "End a process of a running node");
  add_own(app, "reload", "Let a running node take over changed Lua and YAML");
  add_own(app, "pow", "Serve commands as jobs over websocket and REST, without an application");
#ifdef NATTERJACK_HAS_AMQP
  add_own(app, "clu", "Pass messages between websockets and a broker, without an application");
#endif
  auto* version = app.add_subcommand("version", "Print the version");
  version->add_flag("-s,--short", out.short_version, "The number alone");
  version->callback([&out] { out.command = command::version; });
  app.footer("Exit codes: 0 done, 1 failed at run time, 2 wrong arguments or a broken application.\n"
             "natterjack COMMAND --help says more about a command.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    out.command = command::nothing;
    if (e.get_exit_code() == 0) {
      app.exit(e, std::cout, std::cerr); // help or version
      return out;
    }
    out.exit_code = exit_broken;
    auto text = argc > 1 ? explain_unknown(app, argc, argv) : std::string();
    std::cerr << "natterjack: " << (text.empty() ? e.what() : text) << "\n"
              << "natterjack --help lists what there is.\n";
    return out;
  }
  if (out.command == command::run && is_command_here(out.folder)) {
    out.arguments.insert(out.arguments.begin(), out.folder);
    out.folder = ".";
  }
  if (out.command == command::run || out.command == command::check)
    take_settings(app, out, raw);
  if (!behind.empty() && out.command != command::run) {
    std::cerr << "natterjack: unexpected argument \"" << behind.front()
              << "\"; only run has commands that take what stands behind --\n";
    out.command = command::nothing;
    out.exit_code = exit_broken;
    return out;
  }
  out.arguments.insert(out.arguments.end(), behind.begin(), behind.end());
  if (const char* socket = std::getenv("NATTERJACK_ADMIN_SOCKET");
      socket != nullptr && out.admin_socket.empty())
    out.admin_socket = socket;
  out.log_format = raw.log_format == "json" ? log_format::json : log_format::text;
  out.log_level = spdlog::level::from_str(raw.log_level);
  out.drain_window = *hub::parse_duration(raw.drain_window);
  out.drain_timeout = *hub::parse_duration(raw.drain_timeout);
  return out;
}

} // namespace natterjack::runtime
