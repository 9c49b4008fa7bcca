// One program, one application folder; or a server that needs none, `pow` and `clu`.
#include <natterjack/run.hpp>

#include "actors/pow/command_line.hpp"
#include "hub/log_fields.hpp"
#include "hub/registration.hpp"
#include "runtime/admin/admin_cli.hpp"
#include "runtime/application_check.hpp"
#include "runtime/command_line.hpp"
#include "runtime/exit_codes.hpp"
#include "runtime/init/init_command.hpp"
#include "runtime/log_sink.hpp"
#include "runtime/lua/program/lua_program.hpp"
#include "runtime/lua/storage/env_variables.hpp"
#include "runtime/process_limits.hpp"
#include "runtime/server/amqp_services.hpp"
#include "runtime/server/command_entry.hpp"
#include "runtime/server/gateway_tls.hpp"
#include "runtime/server/pow_services.hpp"
#include "runtime/server/server.hpp"
#ifdef NATTERJACK_HAS_AMQP
#include "actors/amqp/clu_cli.hpp"
#endif

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <unistd.h>

namespace natterjack::runtime {

namespace {

// Blocked in every thread, so that only `serve` hears of them.
sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&set, s);
  return set;
}

// Whether the end has been asked for while something else is done.
bool end_is_asked_for() {
  sigset_t waiting;
  sigpending(&waiting);
  return sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1;
}

void set_up_process(const command_line& line) {
  // First of all, since the default effect of SIGHUP is to end the program: one that comes while the
  // application is being read is answered by a reload once it has started.
  const auto set = awaited_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  auto logger = make_logger(line.log_format);
  logger->set_level(line.log_level);
  spdlog::set_default_logger(std::move(logger));
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
}

// Waits for the end, and reloads when asked to.
// @returns the exit code that a script wants, if one has ended the program
std::optional<int> serve(server& node) {
  const auto set = awaited_signals();
  siginfo_t received{};
  // A terminal that goes away (SI_KERNEL) means the end, as it does for any program.
  while (sigwaitinfo(&set, &received) < 0 ||
         (received.si_signo == SIGHUP && received.si_code != SI_KERNEL))
    if (received.si_signo == SIGHUP)
      node.reload(end_is_asked_for);
  const bool of_itself = received.si_pid == getpid();
  if (of_itself)
    spdlog::info("ending: the command is done, or a script asked for it");
  else
    spdlog::info("{} received", received.si_signo == SIGTERM  ? "SIGTERM"
                                : received.si_signo == SIGINT ? "SIGINT"
                                                              : "SIGHUP of the terminal");
  // A second signal means now. One of the program itself says again what it has said.
  std::signal(SIGHUP, SIG_IGN);
  struct sigaction at_once {};
  at_once.sa_flags = SA_SIGINFO;
  at_once.sa_sigaction = [](int, siginfo_t* from, void*) {
    if (from->si_pid != getpid())
      _exit(exit_failed);
  };
  for (int s : {SIGTERM, SIGINT})
    sigaction(s, &at_once, nullptr);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  if (!of_itself || received.si_code != SI_QUEUE)
    return std::nullopt;
  return received.si_value.sival_int;
}

application load(const command_line& line) {
  load_options options;
  options.folder = line.folder;
  options.overrides = line.overrides;
  options.listen = line.listen;
  options.check_syntax = [](std::string_view source,
                            std::string_view chunk) -> std::optional<syntax_error> {
    if (auto error = lua::check_syntax(source, std::string(chunk)))
      return syntax_error{error->line, error->message};
    return std::nullopt;
  };
  options.check_exec = check_pow_exec;
  options.read_variables = [](const std::filesystem::path& file) {
    return lua::read_variables_file(file.string());
  };
  options.hub_classes = hub::hub_class_names();
  options.check_amqp = std::make_shared<const amqp_check>(make_amqp_check());
  auto app = load_application(options);
  app.diagnostics.insert(app.diagnostics.begin(), line.mistakes.begin(), line.mistakes.end());
  app.warnings.insert(app.warnings.begin(), line.warnings.begin(), line.warnings.end());
  check_certificates(app);
  add_warnings(app, line);
  return app;
}

std::string count_of_mistakes(const application& app) {
  return std::to_string(app.diagnostics.size()) +
         (app.diagnostics.size() == 1 ? " mistake" : " mistakes") + " in " + app.folder +
         "; nothing was started";
}

// @returns false if there are mistakes, which it has printed
bool report(const application& app) {
  for (const auto& warning : app.warnings)
    std::cerr << "warning: " << to_string(warning) << "\n";
  std::cerr << render(app.diagnostics);
  if (!app.ok())
    std::cerr << "natterjack: " << count_of_mistakes(app) << "\n";
  return app.ok();
}

// The same as lines of the log, which is one object a line then.
bool log_report(const application& app) {
  auto& log = *spdlog::default_logger();
  if (!app.ok() && log.level() > spdlog::level::err)
    log.set_level(spdlog::level::err); // why it ends is told at any level
  for (const auto& warning : app.warnings) {
    const hub::log_scope about({.entry = warning.entry_id});
    spdlog::warn("{}", to_string(warning));
  }
  for (const auto& mistake : app.diagnostics) {
    const hub::log_scope about({.entry = mistake.entry_id});
    spdlog::error("{}", to_string(mistake));
  }
  if (!app.ok())
    spdlog::error("{}", count_of_mistakes(app));
  return app.ok();
}

int check(const command_line& line) {
  const auto app = load(line);
  if (!report(app))
    return exit_broken;
  std::cout << app.folder << ": " << app.entries.size()
            << (app.entries.size() == 1 ? " entry" : " entries") << ", no mistakes\n";
  return exit_done;
}

// What the server is going to have open and running, before it begins to.
void check_limits(const command_line& line, const application& app) {
  const auto io_threads = cores_or(line.io_threads);
  const auto gateways =
      static_cast<size_t>(std::count_if(app.entries.begin(), app.entries.end(), [](const entry& e) {
        return e.kind == "http.service";
      }));
  constexpr size_t of_a_loop = 3; // epoll, its timer, its wake-up
  constexpr size_t others = 8;    // sockets of the admin and of metrics, files, a first client
  check_descriptors(of_a_loop * (io_threads + 1) + gateways + others);
  constexpr size_t named = 8; // clock, spawner, timers, watchdog, admin, both outputs, blocking
  check_threads(io_threads + cores_or(line.hub_threads) + named);
}

int run(command_line line) {
  set_up_process(line);
  auto app = load(line);
  if (const auto list = listed_commands(app, line); list && app.ok()) {
    std::cout << *list;
    return exit_done;
  }
  resolve_command(app, line);
  if (!(line.log_format == log_format::json ? log_report(app) : report(app)))
    return exit_broken;
  std::optional<int> said;
  std::atomic<int> code{exit_done};
  try {
    check_limits(line, app);
    server node(line, app, [&line] { return load(line); });
    node.start(end_is_asked_for);
    if (!line.exec.empty() && !end_is_asked_for())
      node.run_command([&code](int of_command) {
        code = of_command;
        kill(getpid(), SIGTERM); // ends as it would be ended from outside
      });
    said = serve(node);
    node.drain();
  } catch (const std::exception& e) {
    spdlog::error("{}", e.what());
    return exit_failed;
  }
  spdlog::info("ended");
  return said.value_or(code);
}

// Commands with options of their own. @returns nothing for all others
std::optional<int> run_own(int argc, char** argv) {
  if (argc < 2)
    return std::nullopt;
  const std::string_view command = argv[1];
  auto with = [argc, argv](const char* name, int (*start)(int, const char* const*)) {
    std::vector<const char*> words(argv + 1, argv + argc);
    words.front() = name;
    words.push_back(nullptr);
    raise_descriptor_limit();
    return start(argc - 1, words.data());
  };
  for (const char* name : {"ps", "top", "send", "kill", "reload"})
    if (command == name)
      return with(name, run_admin_command);
  if (command == "pow")
    return with("natterjack pow", pow::run_pow);
#ifdef NATTERJACK_HAS_AMQP
  if (command == "clu")
    return with("natterjack clu", amqp::run_clu_cli);
#endif
  return std::nullopt;
}

int do_command(int argc, char** argv) {
  if (const auto code = run_own(argc, argv))
    return *code;
  const auto line = read_command_line(argc, argv);
  switch (line.command) {
    case command::run:
      return run(line);
    case command::check:
      return check(line);
    case command::init:
      return run_init(line.folder);
    case command::version:
      std::cout << (line.short_version ? NATTERJACK_VERSION "\n" : "natterjack " NATTERJACK_VERSION "\n");
      return exit_done;
    case command::nothing:
      break;
  }
  return line.exit_code;
}

} // namespace

} // namespace natterjack::runtime

int natterjack::run(int argc, char** argv) {
  using namespace natterjack::runtime;
  fill_standard_streams();
  const int code = do_command(argc, argv);
  if (std::cout.flush() && std::fflush(stdout) == 0)
    return code;
  // A full disk, say: whoever reads the output must not take a part of it for the whole.
  std::cerr << "natterjack: standard output cannot be written: " << std::strerror(errno) << "\n";
  return code == exit_done ? exit_failed : code;
}
