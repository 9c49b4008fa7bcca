// Implicit entries, the guide's dialect, file meta, requirements.
#include "tests/runtime/config/application_fixture.hpp"

using namespace natterjack::runtime;

namespace {

const std::string guide_like = R"(version: "1.0"
namespace: app.websocket.sample

entries:
  # The service
  - name: hub.service
    kind: process.service
    process: hub.process
    host: system:processes
    lifecycle:
      auto_start: true

  # What it runs
  - name: hub.process
    kind: process.lua
    source: file://hub.lua
    method: run
    modules: [ time, json ]

  - name: auth
    kind: function.lua
    source: file://auth.lua
    method: handler
    modules: [ http, json ]

  - name: auth.endpoint
    kind: http.endpoint
    method: GET
    path: /ws/connect
    func: auth
)";

} // namespace

SCENARIO_METHOD(application_fixture, "an application in the guide's shape is complete",
                "[config][special]") {
  write("_index.yaml", guide_like);
  write("hub.lua", "return {}");
  write("auth.lua", "return {}");
  load();
  REQUIRE(said() == "");
  CHECK(warned() == "");
  const auto read = read_options(app);
  REQUIRE(read.hosts.size() == 1);
  CHECK(read.hosts[0].id == "system:processes");
  CHECK(read.hosts[0].implicit);
  CHECK(read.hosts[0].max_processes == 200'000);
  REQUIRE(read.gateways.size() == 1);
  CHECK(read.gateways[0].id == "system:gateway");
  CHECK(read.gateways[0].address == network_address{"127.0.0.1", 8082});
  CHECK(read.gateways[0].implicit);
  REQUIRE(read.routers.size() == 1);
  CHECK(read.routers[0].id == "system:api");
  CHECK(read.routers[0].server_id == "system:gateway");
  CHECK(read.routers[0].prefix == "/api/v1");
  CHECK(read.routers[0].middleware == std::vector<std::string>{"cors", "websocket_relay"});
  CHECK(read.routers[0].implicit);
  REQUIRE(read.endpoints.size() == 1);
  CHECK(read.endpoints[0].guide_dialect);
  CHECK(read.endpoints[0].router_id == "system:api");
  CHECK(read.endpoints[0].full_path == "/api/v1/ws/connect");
  CHECK(read.endpoints[0].function_id == "app.websocket.sample:auth");
  REQUIRE(read.services.size() == 1);
  CHECK(read.services[0].process_id == "app.websocket.sample:hub.process");
  CHECK(read.services[0].host_id == "system:processes");
  CHECK(read.services[0].input == nlohmann::json::array());
  CHECK(read.processes[0].method == "run");
  CHECK(read.processes[0].code.modules == std::vector<std::string>{"time", "json"});
  CHECK_FALSE(read.processes[0].relay_payload);
  CHECK(read.start_order == std::vector<std::string>{"system:processes",
                                                     "app.websocket.sample:hub.service",
                                                     "system:gateway"});
}

SCENARIO_METHOD(application_fixture, "implicit entries are made only when needed",
                "[config][special]") {
  const std::string code = "  - {name: f, kind: function.lua, source: \"return 1\"}\n"
                           "  - {name: p, kind: process.lua, source: \"return 1\"}\n";
  WHEN("nothing needs them") {
    load(code);
    CHECK(app.entries.size() == 2);
  }
  WHEN("the application defines them") {
    write("system.yaml",
          "namespace: system\n"
          "entries:\n"
          "  - {name: gateway, kind: http.service, addr: \":9\", lifecycle: {auto_start: true}}\n"
          "  - {name: api, kind: http.router, meta: {server: gateway}, prefix: /own}\n"
          "  - {name: processes, kind: process.host}\n");
    const auto read = this->read(
        code + "  - {name: e, kind: http.endpoint, path: /x, func: f}\n"
               "  - {name: s, kind: process.service, process: p, lifecycle: {auto_start: true}}\n");
    CHECK(read.endpoints[0].full_path == "/own/x");
    CHECK(read.endpoints[0].guide_dialect);
    CHECK(read.gateways[0].address.port == 9);
    CHECK_FALSE(read.gateways[0].implicit);
    CHECK_FALSE(read.hosts[0].implicit);
    CHECK(read.start_order ==
          std::vector<std::string>{"system:processes", "app:s", "system:gateway"});
  }
  WHEN("the application has another router and an endpoint with router") {
    const auto read = this->read(
        code + "  - {name: gw, kind: http.service, addr: \":9\", lifecycle: {auto_start: true}}\n"
               "  - {name: r, kind: http.router, meta: {server: gw}}\n"
               "  - {name: e, kind: http.endpoint, meta: {router: r}, path: /x, func: f}\n");
    CHECK_FALSE(read.endpoints[0].guide_dialect);
    CHECK(read.routers.size() == 1);
  }
  WHEN("a file server refers to the gateway") {
    write("public/index.html", "");
    const auto read =
        this->read("  - {name: files, kind: fs.directory, directory: public}\n"
                   "  - {name: w, kind: http.static, meta: {server: system:gateway}, path: /, fs: "
                   "files}\n");
    CHECK(read.gateways[0].id == "system:gateway");
    CHECK(read.routers.empty());
  }
  WHEN("an entry of that name is of another kind") {
    write("system.yaml", "namespace: system\nname: processes\nkind: registry.entry\n");
    load(code + "  - {name: s, kind: process.service, process: p}\n");
    CHECK(said() == "app/_index.yaml:5: app:s: host: system:processes is a registry.entry "
                    "(app/system.yaml:1); expected the id of an entry of kind one of: "
                    "process.host, terminal.host\n");
  }
}

SCENARIO_METHOD(application_fixture, "meta of the file is part of each entry's",
                "[config][special]") {
  write("_index.yaml", "namespace: app\n"
                       "meta: {team: chat, router: r}\n"
                       "entries:\n"
                       "  - {name: a, kind: registry.entry}\n"
                       "  - {name: b, kind: registry.entry, meta: {team: own}}\n");
  load();
  CHECK(*app.find("app:a")->meta.find("team")->as_text() == "chat");
  CHECK(*app.find("app:b")->meta.find("team")->as_text() == "own");
  CHECK(*app.find("app:b")->meta.find("router")->as_text() == "r");
}

SCENARIO_METHOD(application_fixture, "an explicit data is all of the fields", "[config][special]") {
  const auto read =
      this->read("  - {name: p, kind: process.lua, data: {source: \"return 1\", method: go}}\n"
                 "  - {name: d, kind: registry.entry, data: [1, 2]}\n");
  CHECK(read.processes[0].method == "go");
  CHECK(app.find("app:d")->data.items().size() == 2);
  load("  - {name: p, kind: process.lua, data: 5}\n");
  CHECK(said() == "app/_index.yaml:3: app:p: data: found number 5; expected a map of fields\n");
}

SCENARIO_METHOD(application_fixture, "the dialect of a process can be said", "[config][special]") {
  auto process = [](const std::string& word) {
    return "  - name: p\n    kind: process.lua\n    source: return 1\n    meta:\n"
           "      relay_payload: " +
           word + '\n';
  };
  CHECK(this->read(process("text")).processes[0].relay_payload == relay_payload::text);
  CHECK(this->read(process("table")).processes[0].relay_payload == relay_payload::table);
  load(process("tables"));
  CHECK(said() ==
        "app/_index.yaml:7: app:p: meta.relay_payload: found text \"tables\" (did you mean "
        "\"table\"?); expected one of: table, text\n");
}

SCENARIO_METHOD(application_fixture, "requirements put values where they are wanted",
                "[config][special]") {
  const std::string frame =
      "  - {name: gw, kind: http.service, addr: \":0\", lifecycle: {auto_start: true}}\n"
      "  - {name: r, kind: http.router, meta: {server: gw}, prefix: /r}\n"
      "  - {name: f, kind: function.lua, source: \"return 1\"}\n"
      "  - {name: e, kind: http.endpoint, path: /x, func: f}\n";
  const std::string target = "targets: [{entry: e, path: .meta.router}]";
  WHEN("there is a default") {
    const auto read =
        this->read(frame + "  - {name: q, kind: ns.requirement, default: app:r, " + target + "}\n");
    CHECK(read.endpoints[0].full_path == "/r/x");
    CHECK_FALSE(read.endpoints[0].guide_dialect);
  }
  WHEN("a dependency gives the value") {
    const auto read =
        this->read(frame + "  - {name: q, kind: ns.requirement, default: app:nobody, " + target +
                   "}\n"
                   "  - {name: d, kind: ns.dependency, component: a/b, version: \"*\", parameters: "
                   "[{name: q, value: app:r}]}\n");
    CHECK(read.endpoints[0].router_id == "app:r");
  }
  WHEN("a component is not there that entries ask for") {
    load("  - {name: d, kind: ns.dependency, component: wippy/llm, version: \"*\"}\n"
         "  - {name: d2, kind: ns.dependency, component: wippy/views, version: \"*\"}\n"
         "  - {name: f, kind: function.lua, source: \"return 1\", imports: {llm: wippy.llm:llm, out: "
         "wippy.llm.output:text}}\n"
         "  - {name: g, kind: function.lua, source: \"return 1\", imports: {a: wippy.llmx:b}}\n");
    CHECK_THAT(said(), contains_text("_index.yaml:5: app:f: imports.llm: there is no entry \"wippy.llm:llm\""));
    CHECK_THAT(said(), contains_text("_index.yaml:3: app:d: component: wippy/llm is not in this folder, and "
                                     "nothing is fetched; expected its files below the folder"));
    CHECK(app.diagnostics.size() == 4);
  }
  WHEN("value or target are missing") {
    load(frame + "  - {name: q, kind: ns.requirement, " + target + "}\n" +
         "  - {name: q2, kind: ns.requirement, default: 1, targets: [{entry: ee, path: x}]}\n"
         "  - {name: q3, kind: ns.requirement, default: 1, targets: [{entry: e, path: .kind}]}\n"
         "  - {name: q4, kind: ns.requirement, default: app:f, targets: [{entry: e, path: "
         "meta.router}]}\n"
         "  - {name: q5, kind: ns.requirement, default: 1, targets: [{entri: e}]}\n");
    CHECK_THAT(said(), contains_text("_index.yaml:7: app:q: the requirement has no value"));
    CHECK_THAT(said(), contains_text("_index.yaml:8: app:q2: targets: there is no entry \"app:ee\""));
    CHECK_THAT(said(), contains_text("_index.yaml:9: app:q3: targets: the kind of an entry cannot"));
    CHECK_THAT(said(), contains_text("_index.yaml:10: app:e: meta.router: app:f is a function.lua"));
    CHECK_THAT(said(), contains_text("_index.yaml:11: app:q5: unknown key \"targets.entri\""));
    CHECK_THAT(said(), contains_text("_index.yaml:11: app:q5: targets.entry is missing"));
  }
}
