// --set, -o and --listen.
#include "tests/runtime/config/application_fixture.hpp"

using namespace natterjack::runtime;
using namespace std::chrono_literals;
using Catch::Matchers::StartsWith;

namespace {

const std::string gateway =
    "  - {name: gw, kind: http.service, addr: \":0\", lifecycle: {auto_start: true}}\n"; // line 3
const std::string guide_endpoint = "  - {name: f, kind: function.lua, source: \"return 1\"}\n"
                                   "  - {name: e, kind: http.endpoint, path: /x, func: f}\n";

} // namespace

SCENARIO_METHOD(application_fixture, "fields are set from the command line",
                "[config][overrides]") {
  set("app:gw.limits.ping_interval=1s");
  set("app:gw:limits.connections=5");
  set("app:gw.addr=[::1]:9000");
  set("app:gw.limits.strict_close_codes=true");
  options.overrides.push_back({"-o", "app:r:middleware=[cors]"});
  set("app:r.options.cors.allow.origins=*");
  set("app:p.method=123"); // a number, and text where text is wanted
  set("app:r.meta.server=gw");
  set("app:s.input.1=two");
  set("app:s.lifecycle={auto_start: true}");
  const auto read =
      this->read(gateway + "  - {name: r, kind: http.router, prefix: /x}\n"
                           "  - {name: s, kind: process.service, process: p, input: [a, b]}\n"
                           "  - {name: p, kind: process.lua, source: \"return 1\"}\n");
  CHECK(read.gateways[0].limits.ping_interval == 1s);
  CHECK(read.gateways[0].limits.connections == 5);
  CHECK(read.gateways[0].limits.strict_close_codes);
  CHECK(read.gateways[0].address == network_address{"::1", 9000});
  CHECK(read.routers[0].middleware == std::vector<std::string>{"cors"});
  CHECK(read.routers[0].options == string_map{{"cors.allow.origins", "*"}});
  CHECK(read.services[0].input == nlohmann::json{"a", "two"});
  CHECK(read.services[0].lifecycle.auto_start);
  CHECK(read.processes[0].method == "123");
}

SCENARIO_METHOD(application_fixture, "values from the command line are checked like any other",
                "[config][overrides]") {
  set("app:gw.limits.ping_interval=soon");
  set("app:gw.limit.x=1");
  set("app:gw.addr=");
  set("app:gw.limits.connections=[1");
  load(gateway);
  CHECK_THAT(said(), contains_text("--set app:gw.limits.ping_interval=soon: app:gw: "
                              "limits.ping_interval: found text \"soon\"; expected a time"));
  CHECK_THAT(said(),
             contains_text("--set app:gw.addr=: app:gw: addr is missing; expected ADDRESS:PORT"));
  CHECK_THAT(said(), contains_text("--set app:gw.limit.x=1: app:gw: unknown key \"limit\" (did you mean "
                                   "\"limits\"?)"));
  CHECK_THAT(said(),
             contains_text("--set app:gw.limits.connections=[1: app:gw: limits.connections: found "
                      "text \"[1\""));
}

SCENARIO_METHOD(application_fixture, "of entries with dots the longest fitting is meant",
                "[config][overrides]") {
  set("app:a.b.c=1");
  set("app:a.c=2");
  set("app:a:b.c=3");
  load("  - {name: a, kind: registry.entry}\n"
       "  - {name: a.b, kind: registry.entry}\n");
  CHECK(said() == "");
  CHECK(app.find("app:a.b")->data.find("c")->as_integer() == 1);
  CHECK(app.find("app:a")->data.find("c")->as_integer() == 2);
  CHECK(app.find("app:a")->data.find_path("b.c")->as_integer() == 3);
}

SCENARIO_METHOD(application_fixture, "wrong options are told with the option",
                "[config][overrides]") {
  for (const char* text : {"app:gw.addr", "addr=1", "app:gv.addr=1", "app:gw=1", "app:gw.kind=x",
                           "app:gw..x=1", "app:gw.addr.x=1", "app:gv:addr=1", "app:gw.=1"})
    set(text);
  load(gateway);
  CHECK(said() ==
        "--set addr=1: names no entry; expected ENTRY-ID.field=value, such as "
        "system:gateway.limits.ping_interval=10s\n"
        "--set app:gv.addr=1: there is no entry \"app:gv.addr\" (did you mean \"app:gw\"?)\n"
        "--set app:gv:addr=1: there is no entry \"app:gv\" (did you mean \"app:gw\"?)\n"
        "--set app:gw..x=1: app:gw: \".x\" is no path of a field\n"
        "--set app:gw.=1: names no field of app:gw; expected app:gw.field=value\n"
        "--set app:gw.addr: has no =; expected ENTRY-ID.field=value, such as "
        "system:gateway.limits.ping_interval=10s\n"
        "--set app:gw.addr.x=1: app:gw: \"addr\" is text \":0\" and has no fields\n"
        "--set app:gw.kind=x: app:gw: the kind of an entry cannot be changed\n"
        "--set app:gw=1: names no field of app:gw; expected app:gw.field=value\n");
}

SCENARIO_METHOD(application_fixture, "a list from the command line must be one",
                "[config][overrides]") {
  set("app:gw.x=[a: b: c]");
  load(gateway);
  CHECK_THAT(said(), StartsWith("--set app:gw.x=[a: b: c]: the value is not YAML: "));
}

SCENARIO_METHOD(application_fixture, "list items are set by number", "[config][overrides]") {
  set("app:d.x.0=5");
  set("app:d.x.1=5");
  set("app:d.x.first=5");
  load("  - {name: d, kind: registry.entry, x: [1]}\n");
  CHECK(app.find("app:d")->data.find("x")->items()[0].as_integer() == 5);
  CHECK(said() == "--set app:d.x.1=5: app:d: \"x\" is a list of 1 and has no item 1 (the first is "
                  "0)\n"
                  "--set app:d.x.first=5: app:d: \"x\" is a list of 1 and has no item first (the "
                  "first is 0)\n");
}

SCENARIO_METHOD(application_fixture, "a path has a bound", "[config][overrides]") {
  auto path = [](int steps) {
    std::string made = "x";
    for (int i = 1; i < steps; ++i)
      made += ".x";
    return made;
  };
  set("app:d." + path(32) + "=1");
  load("  - {name: d, kind: registry.entry}\n");
  CHECK(said() == "");
  set("app:d." + path(33) + "=1");
  load();
  CHECK_THAT(said(), contains_text("more than 32 steps"));
}

SCENARIO_METHOD(application_fixture, "implicit entries can be overridden where they exist",
                "[config][overrides]") {
  set("system:gateway.limits.ping_interval=1s");
  set("system:api.prefix=/v2");
  WHEN("they do") {
    const auto read = this->read(guide_endpoint);
    CHECK(read.gateways[0].limits.ping_interval == 1s);
    CHECK(read.endpoints[0].full_path == "/v2/x");
  }
  WHEN("they do not") {
    load(gateway);
    CHECK(said() ==
          "--set system:api.prefix=/v2: there is no entry \"system:api\"\n"
          "--set system:gateway.limits.ping_interval=1s: there is no entry \"system:gateway\"\n");
  }
  WHEN("the router is moved to another gateway") {
    set("system:api.meta.server=app:gw");
    load(guide_endpoint + gateway);
    CHECK(app.find("system:gateway") == nullptr);
    CHECK_THAT(said(), contains_text("there is no entry \"system:gateway\""));
  }
  WHEN("an override calls for one") {
    set("app:e.meta.router=app:r");
    set("app:r.meta.server=system:gateway");
    options.overrides.erase(options.overrides.begin() + 1);
    const auto read = this->read(guide_endpoint + "  - {name: r, kind: http.router}\n");
    CHECK_FALSE(read.endpoints[0].guide_dialect);
    CHECK(read.gateways[0].id == "system:gateway");
    CHECK(app.find("system:api") == nullptr);
  }
}

SCENARIO_METHOD(application_fixture, "--listen moves the gateway that can be meant",
                "[config][overrides]") {
  options.listen = "0.0.0.0:9001";
  WHEN("there is the implicit one") {
    CHECK(this->read(guide_endpoint + gateway).gateways.back().address ==
          network_address{"0.0.0.0", 9001});
  }
  WHEN("there is one") {
    CHECK(this->read(gateway).gateways[0].address == network_address{"0.0.0.0", 9001});
  }
  WHEN("there are several") {
    load(gateway +
         "  - {name: gw2, kind: http.service, addr: \":0\", lifecycle: {auto_start: true}}\n");
    CHECK(said() == "--listen 0.0.0.0:9001: the application has several http.service: app:gw, "
                    "app:gw2; expected --set app:gw.addr=0.0.0.0:9001\n");
  }
  WHEN("there is none") {
    load("  - {name: d, kind: registry.entry}\n");
    CHECK(said() == "");
    CHECK(render(app.warnings) ==
          "--listen 0.0.0.0:9001: changes nothing: the application has no http.service\n");
  }
  WHEN("it is no address") {
    options.listen = "9001";
    load(gateway);
    CHECK(said() == "--listen 9001: the address has no port; expected ADDR:PORT such as "
                    "127.0.0.1:8082\n");
  }
  WHEN("it is used after loading") {
    options.listen.reset();
    this->read(gateway);
    CHECK_FALSE(apply_listen(app, "127.0.0.1:0"));
    CHECK(read_options(app).gateways[0].address == network_address{"127.0.0.1", 0});
    CHECK(apply_listen(app, "nonsense"));
  }
}
