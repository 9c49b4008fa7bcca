// The broker bridge: amqp.bridge, amqp.actor and amqp.feed as entries.
#include "tests/runtime/config/application_fixture.hpp"

using namespace natterjack::runtime;
using namespace std::chrono_literals;

SCENARIO_METHOD(application_fixture, "a bridge, an actor and a feed have the documented defaults",
                "[config][amqp]") {
  const auto all = read("  - {name: clu, kind: amqp.bridge}\n"
                        "  - {name: mount, kind: amqp.actor, bridge: clu}\n"
                        "  - {name: jobs, kind: amqp.feed, bridge: clu, process: worker}\n");
  const auto& bridge = all.amqp_bridges.at(0);
  CHECK(bridge.id == "app:clu");
  CHECK(bridge.host == "localhost");
  CHECK(bridge.port == 5672);
  CHECK(bridge.user == "guest");
  CHECK(bridge.vhost == "/");
  CHECK_FALSE(bridge.tls);
  CHECK(bridge.verify);
  CHECK(bridge.exchange == "sdss_exchange");
  CHECK(bridge.client_name.empty());
  CHECK(bridge.prefetch == 500);
  CHECK_FALSE(bridge.byte_exact);
  CHECK(bridge.heartbeat == 10s);
  CHECK(bridge.scheme == "amqp");
  CHECK(bridge.server_id.empty());
  CHECK(bridge.limits.hold_time == 15s);
  CHECK(bridge.limits.waiting_messages == 10'000);
  CHECK(bridge.limits.ping_interval == 20s);

  const auto& actor = all.amqp_actors.at(0);
  CHECK(actor.bridge_id == "app:clu");
  CHECK(actor.actor == "mount");
  CHECK(actor.process == "mount");
  CHECK(actor.version == "?");
  CHECK(actor.schema.is_null());
  CHECK(actor.commands_max == 1000);

  const auto& feed = all.amqp_feeds.at(0);
  CHECK(feed.topic == "amqp.message");
  CHECK(feed.exchange_type == "topic");
  CHECK(feed.routing_keys == std::vector<std::string>{"#"});
  CHECK(feed.prefetch == 100);
}

SCENARIO_METHOD(application_fixture, "an address of its own makes a gateway", "[config][amqp]") {
  const auto all = read("  - {name: clu, kind: amqp.bridge, addr: \"0.0.0.0:9876\"}\n");
  const auto& bridge = all.amqp_bridges.at(0);
  CHECK(bridge.server_id == "app:clu.gateway");
  CHECK(bridge.path == "/");
  REQUIRE(all.gateways.size() == 1);
  CHECK(all.gateways.at(0).id == "app:clu.gateway");
  CHECK(all.gateways.at(0).address.port == 9876);
  CHECK(all.start_order == std::vector<std::string>{"app:clu.gateway"});
}

SCENARIO_METHOD(application_fixture, "commands are read with their parameters", "[config][amqp]") {
  const auto all =
      read("  - {name: clu, kind: amqp.bridge}\n"
           "  - name: mount\n"
           "    kind: amqp.actor\n"
           "    bridge: clu\n"
           "    actor: lvm\n"
           "    schema: {az: {type: number}}\n"
           "    commands:\n"
           "      - name: slew\n"
           "        parameters:\n"
           "          - {name: az, type: number, default: 1.5}\n"
           "          - {name: fast, flag: true}\n"
           "          - {name: mode, type: choice, choices: [a, b], required: true}\n");
  const auto& actor = all.amqp_actors.at(0);
  CHECK(actor.actor == "lvm");
  CHECK(actor.schema.dump() == R"({"az":{"type":"number"}})");
  const auto& parameters = actor.commands.at(0).parameters;
  CHECK(parameters.at(0).fallback == nlohmann::json(1.5));
  CHECK((parameters.at(1).is_flag && parameters.at(1).is_option));
  CHECK(parameters.at(2).choices == std::vector<std::string>{"a", "b"});
  CHECK(parameters.at(2).required == true);
}
