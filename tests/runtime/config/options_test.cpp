// Typed options: every default, and every field said by the application.
#include "tests/runtime/config/application_fixture.hpp"

using namespace natterjack::runtime;
using namespace std::chrono_literals;

SCENARIO_METHOD(application_fixture, "a gateway has the documented limits", "[config][options]") {
  const auto gw = read("  - {name: gw, kind: http.service, addr: \":0\"}\n").gateways[0];
  CHECK_FALSE(gw.lifecycle.auto_start);
  const auto& limits = gw.limits;
  CHECK(limits.inbound_messages == 64);
  CHECK(limits.inbound_bytes == 1 << 20);
  CHECK(limits.outbox_soft_bytes == 1 << 20);
  CHECK(limits.outbox_soft_time == 10s);
  CHECK(limits.outbox_hard_bytes == 8 << 20);
  CHECK(limits.outbox_policy == natterjack::relay::outbox_policy::close);
  CHECK(limits.message_bytes == 1 << 20);
  CHECK(limits.head_timeout == 5s);
  CHECK(limits.head_bytes == 16 << 10);
  CHECK(limits.header_count == 100);
  CHECK(limits.body_timeout == 30s);
  CHECK(limits.body_bytes == 1 << 20);
  CHECK(limits.idle_timeout == 60s);
  CHECK(limits.pipelined_requests == 16);
  CHECK(limits.ping_interval == 25s);
  CHECK(limits.ping_missed == 2);
  CHECK(limits.connections == 100'000);
  CHECK(limits.connections_per_address == 0);
  CHECK_FALSE(limits.strict_close_codes);
}

SCENARIO_METHOD(application_fixture, "limits follow each other", "[config][options]") {
  auto limits = [this](const std::string& text) {
    return read("  - {name: gw, kind: http.service, addr: \":0\", " + text + "}\n")
        .gateways[0]
        .limits;
  };
  CHECK(limits("limits: {message_bytes: 16MiB}").outbox_hard_bytes == 32 << 20);
  CHECK(limits("limits: {message_bytes: 4MiB}").outbox_hard_bytes == 8 << 20);
  CHECK(limits("limits: {outbox_soft_bytes: 64MiB}").outbox_hard_bytes == 64 << 20);
  CHECK(limits("limits: {outbox_policy: drop_newest}").outbox_policy == natterjack::relay::outbox_policy::drop_newest);
  CHECK(limits("limits: {ping_interval: off}").ping_interval == 0s);
  CHECK(limits("limits: {connections_per_address: 5}").connections_per_address == 5);
  const auto older = limits("timeouts: {read: 7s, idle: 9s}, limits: {body_timeout: 8s}");
  CHECK(older.head_timeout == 7s);
  CHECK(older.body_timeout == 8s);
  CHECK(older.idle_timeout == 9s);
}

SCENARIO_METHOD(application_fixture, "Lua entries have the documented limits",
                "[config][options]") {
  const auto all =
      read("  - {name: p, kind: process.lua, source: \"return 1\"}\n"
           "  - name: f\n"
           "    kind: function.lua\n"
           "    source: return 1\n"
           "    limits: {memory: 1MiB, slice: 1ms, budget: 2s, mailbox: 3, timers: 4, "
           "channels: 5, names: 6, stack: 17}\n"
           "    pool: {type: static, size: 2, workers: 3, buffer: 4, max_size: 5}\n");
  const auto& process = all.processes[0];
  CHECK(process.method == "run");
  CHECK(process.limits.memory == 64 << 20);
  CHECK(process.limits.slice == 5ms);
  CHECK(process.limits.budget == 5s);
  CHECK(process.limits.mailbox == 100'000);
  CHECK(process.limits.mailbox_bytes == 64 << 20);
  CHECK(process.limits.timers == 100'000);
  CHECK(process.limits.channels == 100'000);
  CHECK(process.limits.names == 1'000);
  CHECK(process.limits.stack == 200);
  const auto& said = all.functions[0];
  CHECK(said.method == "handler");
  CHECK(said.limits.memory == 1 << 20);
  CHECK(said.limits.slice == 1ms);
  CHECK(said.limits.budget == 2s);
  CHECK(said.limits.mailbox == 3);
  CHECK(said.limits.timers == 4);
  CHECK(said.limits.channels == 5);
  CHECK(said.limits.names == 6);
  CHECK(said.limits.stack == 17);
  CHECK(said.pool.type == pool_type::static_);
  CHECK(said.pool.states == 3);
  CHECK(said.pool.kept == 3);
  CHECK(said.pool.buffer == 4);
}

SCENARIO_METHOD(application_fixture, "what is not said of a pool follows from what is",
                "[config][options]") {
  struct row {
    const char* said;
    pool_type type;
    size_t states, kept, buffer;
  };
  const std::vector<row> rows{
      {"{}", pool_type::lazy, 100, 100, 6400},
      {"{max_size: 5}", pool_type::lazy, 5, 5, 320},
      {"{workers: 20}", pool_type::static_, 20, 20, 1280},
      {"{type: lazy}", pool_type::lazy, 16, 16, 1024},
      {"{type: lazy, workers: 3}", pool_type::lazy, 3, 3, 192},
      {"{type: static}", pool_type::static_, 8, 8, 512},
      {"{type: static, size: 2}", pool_type::static_, 2, 2, 128},
      {"{type: adaptive, max_size: 9, size: 4}", pool_type::adaptive, 9, 4, 576},
      {"{type: inline, buffer: 0}", pool_type::inline_, 10'000, 0, 0},
  };
  std::string entries;
  for (size_t i = 0; i < rows.size(); ++i)
    entries += "  - {name: f" + std::to_string(i) +
               ", kind: function.lua, source: \"return 1\", pool: " + rows[i].said + "}\n";
  const auto all = read(entries);
  for (size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(rows[i].said);
    const auto& pool = all.functions[i].pool;
    CHECK(pool.type == rows[i].type);
    CHECK(pool.states == rows[i].states);
    CHECK(pool.kept == rows[i].kept);
    CHECK(pool.buffer == rows[i].buffer);
  }
}

SCENARIO_METHOD(application_fixture, "a service has the documented life cycle",
                "[config][options]") {
  const std::string process = "  - {name: p, kind: process.lua, source: \"return 1\"}\n";
  const auto plain =
      read(process + "  - {name: s, kind: process.service, process: p}\n").services[0];
  CHECK(plain.host_id == "system:processes");
  CHECK_FALSE(plain.lifecycle.auto_start);
  CHECK(plain.lifecycle.required);
  CHECK(plain.lifecycle.depends_on.empty());
  CHECK(plain.lifecycle.start_timeout == 10s);
  CHECK(plain.lifecycle.stop_timeout == 10s);
  CHECK(plain.lifecycle.stable_threshold == 5s);
  CHECK(plain.lifecycle.restart.initial_delay == 1s);
  CHECK(plain.lifecycle.restart.max_delay == 90s);
  CHECK(plain.lifecycle.restart.backoff_factor == 2.0);
  CHECK(plain.lifecycle.restart.jitter == Approx(0.1));
  CHECK(plain.lifecycle.restart.max_attempts == 0);

  const auto all =
      read(process + "  - {name: h, kind: process.host, host: {max_processes: 7}}\n"
                     "  - name: s\n"
                     "    kind: process.service\n"
                     "    process: p\n"
                     "    host: h\n"
                     "    input: [1, two, {three: 3}]\n"
                     "    lifecycle:\n"
                     "      auto_start: true\n"
                     "      depends_on: [t]\n"
                     "      requires: [app:t, h]\n"
                     "      startup: optional\n"
                     "      start_timeout: 1s\n"
                     "      stop_timeout: 2s\n"
                     "      stable_threshold: 3s\n"
                     "      restart: {initial_delay: 100ms, max_delay: 4s, backoff_factor: 1.5, "
                     "jitter: 0, max_attempts: 5}\n"
                     "  - {name: t, kind: process.service, process: p, host: h}\n");
  const auto& said = all.services[0];
  CHECK(said.host_id == "app:h");
  CHECK(all.hosts[0].max_processes == 7);
  CHECK(said.input == nlohmann::json::parse(R"([1, "two", {"three": 3}])"));
  CHECK(said.lifecycle.auto_start);
  CHECK(said.lifecycle.depends_on == std::vector<std::string>{"app:t", "app:h"});
  CHECK_FALSE(said.lifecycle.required);
  CHECK(said.lifecycle.start_timeout == 1s);
  CHECK(said.lifecycle.stop_timeout == 2s);
  CHECK(said.lifecycle.stable_threshold == 3s);
  CHECK(said.lifecycle.restart.initial_delay == 100ms);
  CHECK(said.lifecycle.restart.max_delay == 4s);
  CHECK(said.lifecycle.restart.backoff_factor == 1.5);
  CHECK(said.lifecycle.restart.jitter == 0.0);
  CHECK(said.lifecycle.restart.max_attempts == 5);
  CHECK(all.start_order == std::vector<std::string>{"app:h", "app:t", "app:s"});
}

SCENARIO_METHOD(application_fixture, "a router and its endpoints", "[config][options]") {
  const auto all = read("  - {name: gw, kind: http.service, addr: \":0\"}\n"
                        "  - name: r\n"
                        "    kind: http.router\n"
                        "    meta: {server: gw}\n"
                        "    prefix: /v2/\n"
                        "    middleware: [cors]\n"
                        "    options: {cors.allow.origins: \"*\", cors.max.age: 60}\n"
                        "    post_middleware: [websocket_relay]\n"
                        "    post_options: {wsrelay.allowed.origins: \"*.example\"}\n"
                        "  - {name: f, kind: function.lua, source: \"return 1\"}\n"
                        "  - {name: e, kind: http.endpoint, meta: {router: r}, path: \"/u/{id}\", "
                        "func: f}\n");
  const auto& router = all.routers[0];
  CHECK(router.prefix == "/v2");
  CHECK(router.server_id == "app:gw");
  CHECK(router.middleware == std::vector<std::string>{"cors"});
  CHECK(router.options == string_map{{"cors.allow.origins", "*"}, {"cors.max.age", "60"}});
  CHECK(router.post_middleware == std::vector<std::string>{"websocket_relay"});
  CHECK(router.post_options == string_map{{"wsrelay.allowed.origins", "*.example"}});
  CHECK_FALSE(router.implicit);
  const auto& endpoint = all.endpoints[0];
  CHECK(endpoint.method == "GET");
  CHECK(endpoint.path == "/u/{id}");
  CHECK(endpoint.full_path == "/v2/u/{id}");
  CHECK(endpoint.router_id == "app:r");
}

SCENARIO_METHOD(application_fixture, "an empty word is the default", "[config][options]") {
  const auto all = read("  - {name: gw, kind: http.service, addr: \":0\", tls: {mode: \"\"}}\n"
                        "  - {name: f, kind: function.lua, source: \"return 1\", pool: {type: \"\"}}\n");
  CHECK_FALSE(all.gateways[0].tls);
  CHECK(all.functions[0].pool.type == pool_type::lazy);
}

SCENARIO_METHOD(application_fixture, "gateways with TLS", "[config][options]") {
  const auto all = read("  - {name: own, kind: http.service, addr: \":1\", tls: {mode: auto}}\n"
                        "  - {name: off, kind: http.service, addr: \":2\", tls: {mode: \"off\"}}\n");
  REQUIRE(all.gateways[0].tls);
  CHECK(all.gateways[0].tls->makes_own);
  CHECK(all.gateways[0].tls->cert.empty());
  CHECK(all.gateways[0].tls->client_auth == "none");
  CHECK_FALSE(all.gateways[1].tls);
}

SCENARIO("the host that is made on demand", "[config][options]") {
  const auto host = default_host();
  CHECK(host.id == "system:processes");
  CHECK(host.max_processes == 200'000);
  CHECK(host.implicit);
  CHECK(host.lifecycle.auto_start);
}
