#include "actors/amqp/clu_cli.hpp"

#include "actors/amqp/bridge.hpp"
#include "actors/amqp/client.hpp"
#include "hub/quantities.hpp"
#include "hub/usable_cores.hpp"
#include "relay/gateway.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <fstream>
#include <future>
#include <iostream>
#include <unistd.h>

namespace natterjack::amqp {

namespace {

constexpr const char* gateway_entry = "clu:gateway";

struct cli_options {
  bridge_options bridge;
  client_options client;
  relay::gateway_options gateway;
  std::string url;
  std::string password_file;
  std::string log_level = "info";
  bool wait_for_broker = false;
  bool byte_exact = false;
  bool verify_none = false;
  size_t threads = 0;
  std::chrono::nanoseconds drain_window{500ms};
};

// A duration option such as "15s" or "300ms".
CLI::Option* add_duration(CLI::App& app, const std::string& name, std::chrono::nanoseconds& to,
                          const std::string& help) {
  return app
      .add_option_function<std::string>(
          name,
          [&to, name](const std::string& text) {
            const auto value = hub::parse_duration(text);
            if (!value || value->count() < 0)
              throw CLI::ValidationError(
                  name, "expected a duration such as 15s or 300ms, found \"" + text + "\"");
            to = *value;
          },
          help)
      ->default_str(hub::format_duration(to));
}

void add_options(CLI::App& app, cli_options& o, std::chrono::nanoseconds& hold,
                 std::chrono::nanoseconds& heartbeat) {
  auto& broker = o.bridge.broker;
  app.add_option("-p,--port", o.gateway.port, "port for the websocket clients")
      ->capture_default_str();
  app.add_option("--listen", o.gateway.address, "address to listen on")->capture_default_str();
  app.add_option("-H,--rabbitmq-host", broker.host, "host of the broker")->capture_default_str();
  app.add_option("-P,--rabbitmq-port", broker.port, "port of the broker")->capture_default_str();
  app.add_option("--rabbitmq-user", broker.user, "user")->capture_default_str();
  app.add_option("--rabbitmq-password", broker.password,
                 "password; better in the environment, where other users do not see it")
      ->envname("RABBITMQ_PASSWORD");
  app.add_option("--rabbitmq-password-file", o.password_file,
                 "file with the password as its first line")
      ->check(CLI::ExistingFile);
  app.add_option("--rabbitmq-vhost", broker.vhost, "virtual host")->capture_default_str();
  app.add_option("--rabbitmq-url", o.url,
                 "amqp[s]://user:password@host:port/vhost; overrides the options above");
  app.add_flag("--rabbitmq-tls", broker.tls.enabled, "speak TLS");
  app.add_option("--rabbitmq-ca-file", broker.tls.ca_file,
                 "PEM; default: the system's authorities");
  app.add_option("--rabbitmq-cert-file", broker.tls.cert_file, "PEM, our own certificate");
  app.add_option("--rabbitmq-key-file", broker.tls.key_file, "PEM, the key of our certificate");
  app.add_flag("--rabbitmq-verify-none", o.verify_none, "do not check the broker's certificate");
  add_duration(app, "--heartbeat", heartbeat, "silence is noticed within twice this time");
  app.add_flag("--wait-for-broker", o.wait_for_broker, "start also while the broker is away");
  app.add_option("--exchange", o.bridge.exchange, "the actors' exchange")->capture_default_str();
  app.add_option("--name", o.bridge.name,
                 "our name on the exchange; default: amqp-client-<12 hex>");
  app.add_option("--prefetch", o.bridge.prefetch, "replies on their way through")
      ->capture_default_str()
      ->check(CLI::Range(1, 65535));
  add_duration(app, "--hold-time", hold, "how long a command may wait for the broker");
  app.add_option("--history", o.bridge.history_messages, "replies kept for clients that ask")
      ->capture_default_str();
  app.add_flag("--byte-exact", o.byte_exact,
               "write NaN and Infinity as Python does, instead of null");
  add_duration(app, "--ping-interval", o.client.ping_interval, "0: no pings");
  add_duration(app, "--ping-timeout", o.client.ping_timeout,
               "for a pong; then the client is closed");
  app.add_option("--message-bytes", o.gateway.limits.message_bytes, "largest message of a client")
      ->capture_default_str();
  app.add_option("--outbox-bytes", o.gateway.limits.outbox_hard_bytes,
                 "queued for one client; beyond it is closed with 1013")
      ->capture_default_str();
  app.add_option("--outbox-soft-bytes", o.gateway.limits.outbox_soft_bytes,
                 "the same, when it lasts longer than --outbox-soft-time")
      ->capture_default_str();
  add_duration(app, "--outbox-soft-time", o.gateway.limits.outbox_soft_time, "see above");
  app.add_option("--connections", o.gateway.limits.connections, "most clients")
      ->capture_default_str();
  app.add_option("--io-threads", o.threads, "0: one a core")->capture_default_str();
  add_duration(app, "--drain-window", o.drain_window, "over which clients are closed at the end");
  app.add_option("--log-level", o.log_level, "trace, debug, info, warn, error or off")
      ->capture_default_str()
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));
}

void finish_options(cli_options& o) {
  auto& broker = o.bridge.broker;
  if (!o.url.empty())
    read_amqp_url(o.url, broker);
  if (!o.password_file.empty()) {
    std::ifstream file(o.password_file);
    std::getline(file, broker.password);
  }
  if (o.verify_none)
    broker.tls.verify_peer = broker.tls.verify_host = false;
  if (broker.tls.cert_file.empty() != broker.tls.key_file.empty())
    throw std::invalid_argument("a certificate and its key are given together");
  if (o.byte_exact)
    o.bridge.replies.numbers = number_style::exact;
  // A frame must fit an outbox with room to spare, or one big reply would close every client.
  o.bridge.replies.frame_bytes_max = o.gateway.limits.outbox_hard_bytes / 2;
  if (o.gateway.address == "localhost")
    o.gateway.address = "127.0.0.1";
}

struct system_config : caf::actor_system_config {
  system_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", size_t{1}); // all work is on the io threads and the connection's
  }
};

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

void set_up_process(const std::string& log_level) {
  auto logger = spdlog::get("natterjack");
  if (!logger)
    logger = spdlog::stderr_logger_mt("natterjack");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_level(spdlog::level::from_str(log_level == "warn" ? "warning" : log_level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  std::signal(SIGPIPE, SIG_IGN);
  const auto set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void wait_for_end() {
  const auto set = ending_signals();
  int received = 0;
  sigwait(&set, &received);
  spdlog::info("{} received", received == SIGTERM ? "SIGTERM" : "SIGINT");
  for (int s : {SIGTERM, SIGINT}) // a second signal means now
    std::signal(s, [](int) { _exit(1); });
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

template <class Condition> bool wait_until(std::chrono::nanoseconds time, Condition&& is_met) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  while (!is_met()) {
    if (std::chrono::steady_clock::now() >= deadline)
      return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

// @returns what went wrong, or an empty text
std::string first_attempt(bridge& owner) {
  auto promise = std::make_shared<std::promise<std::string>>();
  auto result = promise->get_future();
  owner.start([promise](const std::string& problem) { promise->set_value(problem); });
  return result.get(); // connecting has its own time limits
}

void drain(relay::gateway& gateway, bridge& owner, const cli_options& o) {
  spdlog::info("draining: {} connections; {}", gateway.connections(), owner.stats_json());
  gateway.stop_accepting();
  gateway.send_going_away(o.drain_window);
  if (!wait_until(6s, [&gateway] { return gateway.connections() == 0; }))
    spdlog::warn("{} connections did not close in time", gateway.connections());
}

void end_all(hub::node& node) {
  for (auto& process : node.processes().all())
    caf::anon_send_exit(process.actor, caf::exit_reason::kill);
  wait_until(2s, [&node] { return node.processes().size() == 0; });
}

int serve(const cli_options& o) {
  system_config config;
  caf::actor_system system(config);
  hub::node node(system, "natterjack");
  relay::io_pool threads(system, o.threads != 0 ? o.threads : hub::usable_cores());
  relay::gateway gateway(node, threads, o.gateway);
  auto owner = bridge::make(node, threads, o.bridge);
  mount(gateway.routes(), "/{path...}", owner, o.client);
  int result = 0;
  try {
    gateway.open();
    threads.start();
    const auto problem = first_attempt(*owner);
    if (!problem.empty() && !o.wait_for_broker)
      throw std::runtime_error("broker " + to_string(o.bridge.broker) + ": " + problem);
    gateway.set_ready([&owner] { return owner->link().state() == link_state::up; });
    gateway.accept();
    spdlog::info("{} listening on {}, exchange {} as {}", gateway_entry, gateway.url(),
                 o.bridge.exchange, owner->self().name);
    wait_for_end();
    drain(gateway, *owner, o);
  } catch (const std::exception& e) {
    spdlog::error("{}", e.what());
    result = 1;
  }
  owner->stop();
  end_all(node);
  gateway.set_ready({});
  threads.stop();
  return result;
}

} // namespace

int run_clu_cli(int argc, const char* const* argv) {
  cli_options o;
  o.bridge.id = "clu:bridge";
  o.client.host_entry = gateway_entry;
  o.gateway.entry_id = gateway_entry;
  o.gateway.address = "0.0.0.0";
  o.gateway.port = 9876;
  // As far as CLU's server goes: 128 lines of 8 KiB.
  o.gateway.websockets_only = true;
  o.gateway.limits.header_count = 128;
  o.gateway.limits.head_bytes = 1 << 20;
  o.gateway.limits.outbox_soft_bytes = 4 << 20;
  o.gateway.limits.outbox_hard_bytes = 64 << 20;
  std::chrono::nanoseconds hold = o.bridge.hold_time;
  std::chrono::nanoseconds heartbeat = o.bridge.broker.heartbeat;
  CLI::App app("Lets websocket clients talk to the CLU actors of a RabbitMQ exchange.",
               "natterjack clu");
  add_options(app, o, hold, heartbeat);
  try {
    app.parse(argc, argv);
    finish_options(o);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  } catch (const std::invalid_argument& e) {
    std::cerr << "natterjack clu: " << e.what() << "\n";
    return 2;
  }
  o.bridge.hold_time = std::chrono::duration_cast<std::chrono::milliseconds>(hold);
  o.bridge.broker.heartbeat = std::chrono::duration_cast<std::chrono::seconds>(heartbeat);
  set_up_process(o.log_level);
  return serve(o);
}

} // namespace natterjack::amqp
