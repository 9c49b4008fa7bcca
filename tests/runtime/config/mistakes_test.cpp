// One mistake of each kind inside an entry, with the words the user reads.
#include "tests/runtime/config/application_fixture.hpp"

using namespace natterjack::runtime;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

const std::string gateway = "  - {name: gw, kind: http.service, addr: \":0\", "
                            "lifecycle: {auto_start: true}}\n"; // line 3

// A gateway with these limits; the limits are in line 6 and after.
std::string limited(const std::string& limits) {
  return "  - name: gw\n    kind: http.service\n    addr: :0\n    lifecycle: {auto_start: true}\n"
         "    limits:\n" +
         limits;
}

} // namespace

SCENARIO_METHOD(application_fixture, "an unknown key names the nearest right one",
                "[config][mistakes]") {
  write("f.lua", "");
  load("  - name: f\n"
       "    kind: library.lua\n"
       "    source: file://f.lua\n"
       "    module: [json]\n"
       "    pool: {}\n");
  CHECK(
      said() ==
      "app/_index.yaml:6: app:f: unknown key \"module\" (did you mean \"modules\"?); expected one "
      "of: imports, kind, meta, modules, name, source\n"
      "app/_index.yaml:7: app:f: unknown key \"pool\"; expected one of: imports, kind, meta, "
      "modules, name, source\n");
}

SCENARIO_METHOD(application_fixture, "unknown keys are found below as well", "[config][mistakes]") {
  load(limited("      ping_intervall: 1s\n"));
  CHECK_THAT(said(),
             StartsWith("app/_index.yaml:8: app:gw: unknown key \"limits.ping_intervall\" "
                        "(did you mean \"ping_interval\"?); expected one of: body_bytes, "));
  load("  - name: gw\n"
       "    kind: http.service\n"
       "    addr: :0\n"
       "    lifecycle:\n"
       "      auto_start: true\n"
       "      restart:\n"
       "        inital_delay: 1s\n");
  CHECK_THAT(said(), StartsWith("app/_index.yaml:9: app:gw: unknown key "
                                "\"lifecycle.restart.inital_delay\" (did you mean "
                                "\"initial_delay\"?)"));
}

SCENARIO_METHOD(application_fixture, "an unknown key of the file is a mistake",
                "[config][mistakes]") {
  write("_index.yaml", "version: \"1.0\"\nnamespace: app\nmata: {}\nx-common: &c {a: 1}\n"
                       "entries:\n  - {name: a, kind: registry.entry, x: *c}\n");
  load();
  CHECK(said() == "app/_index.yaml:3: unknown key \"mata\" (did you mean \"meta\"?); expected one "
                  "of: entries, meta, namespace, version (or x-… for your own)\n");
}

SCENARIO_METHOD(application_fixture, "an unknown kind names the nearest right one",
                "[config][mistakes]") {
  load("  - {name: a, kind: proces.lua}\n"
       "  - {name: b, kind: banana}\n"
       "  - {name: c, kind: store.kv.raft}\n");
  REQUIRE(app.diagnostics.size() == 3);
  CHECK_THAT(said(), contains_text("app/_index.yaml:3: app:a: unknown kind \"proces.lua\" (did you mean "
                              "\"process.lua\"?); expected one of: amqp.actor, amqp.bridge, "));
  CHECK(app.diagnostics[1].message == "unknown kind \"banana\"");
  CHECK(app.diagnostics[2].message == "kind store.kv.raft is not built yet");
  CHECK(app.diagnostics[2].line == 5);
}

SCENARIO_METHOD(application_fixture, "a missing field is told at its entry", "[config][mistakes]") {
  load("  - name: f\n"
       "    kind: function.lua\n" +
       gateway +
       "  - name: e\n"
       "    kind: http.endpoint\n"
       "    path:\n"
       "  - {name: r, kind: http.router}\n");
  CHECK(said() ==
        "app/_index.yaml:3: app:f: source is missing; expected file://NAME.lua or Lua text\n"
        "app/_index.yaml:6: app:e: func is missing; expected the id of an entry of kind "
        "function.lua\n"
        "app/_index.yaml:8: app:e: path is missing; expected a path that starts with /\n"
        "app/_index.yaml:9: app:r: meta.server is missing; expected the id of an entry of kind "
        "http.service\n");
}

SCENARIO_METHOD(application_fixture, "a wrong type says what was found and expected",
                "[config][mistakes]") {
  load("  - name: gw\n"
       "    kind: http.service\n"
       "    addr: 8082\n"
       "    lifecycle: yes\n"
       "  - name: s\n"
       "    kind: process.service\n"
       "    process: [a]\n"
       "    input: 5\n"
       "    lifecycle:\n"
       "      auto_start: yes\n"
       "      depends_on: gw\n"
       "  - name: f\n"
       "    kind: function.lua\n"
       "    source: {}\n"
       "    method: 5\n"
       "    modules: json\n"
       "    imports: [a]\n");
  CHECK(said() ==
        "app/_index.yaml:5: app:gw: addr: found number 8082; expected ADDRESS:PORT such as "
        "127.0.0.1:8082 or :8082\n"
        "app/_index.yaml:6: app:gw: lifecycle: found text \"yes\"; expected a map\n"
        "app/_index.yaml:9: app:s: process: found a list; expected the id of an entry of kind "
        "one of: process.cpp, process.lua\n"
        "app/_index.yaml:10: app:s: input: found number 5; expected a list\n"
        "app/_index.yaml:12: app:s: lifecycle.auto_start: found text \"yes\"; expected true or "
        "false\n"
        "app/_index.yaml:13: app:s: lifecycle.depends_on: found text \"gw\"; expected a list of "
        "ids of entries of kind one of: db.sql.sqlite, env.storage.file, http.service, pg.scope, "
        "process.host, process.service, queue.consumer, queue.driver.memory, queue.queue, "
        "store.memory, store.sql, terminal.host\n"
        "app/_index.yaml:16: app:f: source: found an empty map; expected file://NAME.lua or Lua "
        "text\n"
        "app/_index.yaml:17: app:f: method: found number 5; expected text\n"
        "app/_index.yaml:18: app:f: modules: found text \"json\"; expected a list of module "
        "names\n"
        "app/_index.yaml:19: app:f: imports: found a list; expected a map from alias to the id of "
        "a library.lua\n");
}

SCENARIO_METHOD(application_fixture, "the frame of entries is checked", "[config][mistakes]") {
  load("  - {kind: registry.entry}\n"
       "  - {name: a}\n"
       "  - 5\n"
       "  - {name: \"a b\", kind: registry.entry}\n"
       "  - {name: c, kind: registry.entry, meta: 5}\n"
       "  - {nmae: d, kind: registry.entry}\n"
       "  - {name: e, kind: registry.entry, data: {x: 1}, y: 2}\n");
  CHECK(said() ==
        "app/_index.yaml:3: entry has no name\n"
        "app/_index.yaml:4: app:a: entry has no kind\n"
        "app/_index.yaml:5: found number 5 in entries; expected a map with name and kind\n"
        "app/_index.yaml:6: name: found \"a b\"; expected letters, digits and . _ - /\n"
        "app/_index.yaml:7: app:c: meta: found number 5; expected a map\n"
        "app/_index.yaml:8: entry has no name (is \"nmae\" meant?)\n"
        "app/_index.yaml:9: app:e: \"y\" stands beside data, which is all of an entry's fields; "
        "expected it inside data\n");
}

SCENARIO_METHOD(application_fixture, "the frame of a file is checked", "[config][mistakes]") {
  write("a/_index.yaml", "namespace: [x]\nentries: []\n");
  write("b/_index.yaml", "namespace: b\nmeta: 1\nentries: {}\n");
  write("c/_index.yaml",
        "namespace: c\nentries:\n  - {name: a, kind: registry.entry}\n---\nx: 1\n");
  write("d/_index.yaml", "namespace: d\nentries:\n  - !new {name: a, kind: registry.entry}\n");
  write("e/_index.yaml",
        "namespace: e\nentries:\n  - {name: a, kind: !!python/object registry.entry}\n");
  load();
  CHECK(said() ==
        "app/a/_index.yaml:1: namespace: found a list; expected letters, digits and . _ - /\n"
        "app/b/_index.yaml:2: meta: found number 1; expected a map\n"
        "app/b/_index.yaml:3: entries: found an empty map; expected a list\n"
        "app/c/_index.yaml:4: a second document begins here (---); only the first would be read\n"
        "app/d/_index.yaml:3: tag \"!new\" has no meaning here\n"
        "app/e/_index.yaml:3: tag \"!!python/object\" has no meaning here\n");
}

SCENARIO_METHOD(application_fixture, "a duplicate id names both places", "[config][mistakes]") {
  write("a.yaml", "namespace: app\nentries:\n  - {name: x, kind: registry.entry}\n");
  write("b.yaml", "namespace: app\nentries:\n  - {name: x, kind: library.lua}\n");
  load();
  CHECK(said() ==
        "app/b.yaml:3: app:x: duplicate id, first used at app/a.yaml:3; expected another name\n"
        "app/b.yaml:3: app:x: source is missing; expected file://NAME.lua or Lua text\n");
}

SCENARIO_METHOD(application_fixture, "times, sizes and numbers have ranges", "[config][mistakes]") {
  struct row {
    const char* field;
    const char* value;
    bool is_right;
  };
  for (const row& r : {
           row{"ping_interval", "10ms", true},
           {"ping_interval", "9ms", false},
           {"ping_interval", "0", true},
           {"ping_interval", "off", true},
           {"ping_interval", "-1s", false},
           {"ping_interval", "25", false},
           {"ping_interval", "25 s", false},
           {"ping_interval", "8760h", true},
           {"ping_interval", "8761h", false},
           {"idle_timeout", "0s", false},
           {"message_bytes", "1", true},
           {"message_bytes", "0", false},
           {"message_bytes", "1GiB", true},
           {"message_bytes", "1073741825", false},
           {"message_bytes", "1.5", false},
           {"message_bytes", "many", false},
           {"inbound_messages", "1", true},
           {"inbound_messages", "0", false},
           {"inbound_messages", "1000000", true},
           {"inbound_messages", "1000001", false},
           {"inbound_messages", "1.5", false},
           {"inbound_messages", "\"5\"", false},
           {"connections_per_address", "off", true},
           {"connections_per_address", "0", true},
           {"connections_per_address", "-1", false},
           {"connections", "off", false},
           {"outbox_policy", "drop_oldest", true},
           {"outbox_policy", "drop", false},
           {"strict_close_codes", "true", true},
           {"strict_close_codes", "1", false},
       }) {
    INFO(r.field << ": " << r.value);
    load(limited(std::string("      ") + r.field + ": " + r.value + '\n'));
    INFO(said());
    CHECK(app.ok() == r.is_right);
    if (!app.ok()) {
      REQUIRE(app.diagnostics.size() == 1);
      CHECK(app.diagnostics[0].line == 8);
      CHECK_THAT(app.diagnostics[0].message, StartsWith(std::string("limits.") + r.field));
      CHECK_FALSE(app.diagnostics[0].expected.empty());
    }
  }
  load(limited("      ping_interval: soon\n      connections: 0\n      outbox_policy: clos\n"));
  CHECK(
      said() ==
      "app/_index.yaml:8: app:gw: limits.ping_interval: found text \"soon\"; expected a time such "
      "as 25s, 300ms or 1m30s from 10ms to 8760h, or off\n"
      "app/_index.yaml:9: app:gw: limits.connections: found number 0; expected a whole number "
      "from 1 to 10000000\n"
      "app/_index.yaml:10: app:gw: limits.outbox_policy: found text \"clos\" (did you mean "
      "\"close\"?); expected one of: close, drop_newest, drop_oldest\n");
}

SCENARIO_METHOD(application_fixture, "limits that contradict each other are a mistake",
                "[config][mistakes]") {
  load(limited("      message_bytes: 1MiB\n      outbox_hard_bytes: 2MiB\n"));
  CHECK(said() == "");
  load(limited("      message_bytes: 1MiB\n      outbox_hard_bytes: 2097151\n"));
  CHECK(said() == "app/_index.yaml:9: app:gw: limits.outbox_hard_bytes: found number 2097151, less "
                  "than twice limits.message_bytes; expected at least 2097152 bytes\n");
  load(limited("      outbox_hard_bytes: 1KiB\n"));
  CHECK(app.diagnostics.size() == 1);
  load(limited("      outbox_hard_bytes: 8MiB\n      outbox_soft_bytes: 9MiB\n"));
  CHECK(said() == "app/_index.yaml:9: app:gw: limits.outbox_soft_bytes is more than "
                  "outbox_hard_bytes; expected at most 8388608 bytes\n");
}

SCENARIO_METHOD(application_fixture, "addresses and paths are checked", "[config][mistakes]") {
  write("f.lua", "");
  load("  - {name: gw, kind: http.service, addr: \"localhost\", lifecycle: {auto_start: true}}\n"
       "  - {name: r, kind: http.router, meta: {server: gw}, prefix: api}\n"
       "  - {name: f, kind: function.lua, source: file://f.lua}\n"
       "  - {name: e, kind: http.endpoint, meta: {router: r}, path: ws, func: f}\n"
       "  - {name: m, kind: http.endpoint, meta: {router: r}, method: get, path: /, func: f}\n");
  CHECK(said() ==
        "app/_index.yaml:3: app:gw: addr: found text \"localhost\", which has no port; expected "
        "ADDRESS:PORT such as 127.0.0.1:8082 or :8082\n"
        "app/_index.yaml:4: app:r: prefix: found text \"api\", which does not start with /; "
        "expected a path that starts with /, or nothing\n"
        "app/_index.yaml:6: app:e: path: found text \"ws\", which does not start with /; expected "
        "a path that starts with /\n"
        "app/_index.yaml:7: app:m: method: found text \"get\" (did you mean \"GET\"?); expected "
        "one of: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE\n");
}

SCENARIO_METHOD(application_fixture, "what is wrong with an address, a path or a time is said",
                "[config][mistakes]") {
  write("f.lua", "");
  load("  - {name: gw, kind: http.service, addr: \"[fe80::1%lo]:80\", lifecycle: {auto_start: true}}\n"
       "  - {name: r, kind: http.router, meta: {server: gw}}\n"
       "  - {name: f, kind: function.lua, source: file://f.lua, limits: {slice: 1us}}\n"
       "  - {name: e, kind: http.endpoint, meta: {router: r}, path: \"/a/{x}/{x}\", func: f}\n"
       "  - {name: m, kind: http.endpoint, meta: {router: r}, path: \"/a/{x\", func: f}\n");
  CHECK(said() ==
        "app/_index.yaml:3: app:gw: addr: found text \"[fe80::1%lo]:80\", which has an IPv6 address "
        "with a zone (%), which is not supported; expected ADDRESS:PORT such as 127.0.0.1:8082 or "
        ":8082\n"
        "app/_index.yaml:5: app:f: limits.slice: found text \"1us\"; expected a time such as 25s, "
        "300ms or 1m30s from 500us to 8760h\n"
        "app/_index.yaml:6: app:e: path: found text \"/a/{x}/{x}\", which has {x} twice\n"
        "app/_index.yaml:7: app:m: path: found text \"/a/{x\", which has a { without its }\n");
}

SCENARIO_METHOD(application_fixture, "modules, middleware and options are known names",
                "[config][mistakes]") {
  write("f.lua", "");
  load(
      "  - name: f\n"
      "    kind: library.lua\n"
      "    source: file://f.lua\n"
      "    modules:\n"
      "      - jsn\n"
      "      - excel\n"
      "      - 5\n"
      "      - json\n"
      "    imports: {json: g}\n"
      "  - {name: g, kind: library.lua, source: file://f.lua}\n" +
      gateway +
      "  - name: r\n"
      "    kind: http.router\n"
      "    meta: {server: gw}\n"
      "    middleware: [cor, websocket_relay]\n"
      "    options: {cors.alow.origins: x, allow_origins: \"*\", cors.max.age: 5, max_age: [1]}\n");
  CHECK_THAT(said(), StartsWith("app/_index.yaml:7: app:f: modules: unknown module \"jsn\" (did "
                                "you mean \"json\"?); expected one of: amqp, base64, channel, "));
  REQUIRE(app.diagnostics.size() == 6);
  CHECK_THAT(render(app.warnings), contains_text(":8: app:f: modules: module \"excel\" is not built yet: "
                                            "require(\"excel\") raises"));
  auto line = [this](size_t i) {
    return std::to_string(app.diagnostics[i].line) + ' ' + app.diagnostics[i].message;
  };
  CHECK(line(1) == "9 modules: found number 5");
  CHECK(line(2) == "11 imports.json: the same name stands in modules");
  CHECK(line(3) == "17 middleware: unknown middleware \"cor\" (did you mean \"cors\"?)");
  CHECK(line(4) == "18 options: unknown option \"cors.alow.origins\" (did you mean "
                   "\"cors.allow.origins\"?)");
  CHECK(line(5) == "18 options.max_age: found a list");
}

SCENARIO_METHOD(application_fixture, "what is known but not built is refused or told",
                "[config][mistakes]") {
  load("  - name: gw\n"
       "    kind: http.service\n"
       "    addr: :0\n"
       "    tls: {mode: self}\n"
       "    host: {buffer_size: 5}\n"
       "    timeouts: {write: 5s}\n"
       "    lifecycle:\n"
       "      security: {groups: [a]}\n");
  CHECK(said() == "app/_index.yaml:6: app:gw: tls.mode: found text \"self\"; expected one of: auto, manual, off\n");
  CHECK(warned() ==
        "app/_index.yaml:7: app:gw: host.buffer_size has no effect here: Mailboxes need "
        "no size\n"
        "app/_index.yaml:8: app:gw: timeouts.write has no effect here: A client's "
        "reading is bounded by its outbox\n");
}

SCENARIO_METHOD(application_fixture, "environment variables are put in", "[config][mistakes]") {
  variables = {{"PORT", "9000"}, {"EMPTY", ""}, {"POOL", "3"}, {"WORD", "123"}};
  write("f.lua", "");
  const auto read = this->read("  - name: gw\n"
                               "    kind: http.service\n"
                               "    addr: 127.0.0.1:${env:PORT}\n"
                               "    lifecycle: {auto_start: true}\n"
                               "    limits:\n"
                               "      connections: ${CONNECTIONS|77}\n"
                               "      inbound_messages: \"${env:POOL}\"\n"
                               "  - name: f\n"
                               "    kind: function.lua\n"
                               "    source: file://${env:FILE|f}.lua\n"
                               "    method: ${env:WORD}\n"
                               "  - name: d\n"
                               "    kind: registry.entry\n"
                               "    plain: ${env:POOL}\n"
                               "    quoted: \"${env:POOL}\"\n"
                               "    escaped: $${env:POOL} ${POOL} ${\n"
                               "    empty: \"<${env:EMPTY}${X|}>\"\n");
  CHECK(read.gateways[0].address == network_address{"127.0.0.1", 9000});
  CHECK(read.gateways[0].limits.connections == 77);
  CHECK(read.gateways[0].limits.inbound_messages == 3);
  CHECK(read.functions[0].method == "123");
  const auto& data = app.find("app:d")->data;
  CHECK(data.find("plain")->kind() == value_kind::integer);
  CHECK(data.find("quoted")->kind() == value_kind::text);
  CHECK(*data.find("escaped")->as_text() == "${env:POOL} ${POOL} ${");
  CHECK(*data.find("empty")->as_text() == "<>");
}

SCENARIO_METHOD(application_fixture, "an unset variable without default is a mistake",
                "[config][mistakes]") {
  load("  - name: gw\n"
       "    kind: http.service\n"
       "    addr: \":${env:PORT}\"\n"
       "    lifecycle: {auto_start: true}\n"
       "    limits:\n"
       "      connections: ${env:N}\n"
       "  - {name: d, kind: registry.entry, x: \"${env:9}\", y: \"${env:A\"}\n");
  CHECK(said() ==
        "app/_index.yaml:5: app:gw: environment variable PORT is not set; expected a variable that "
        "is set, or ${env:NAME|default}\n"
        "app/_index.yaml:8: app:gw: environment variable N is not set; expected a variable that is "
        "set, or ${env:NAME|default}\n"
        "app/_index.yaml:9: app:d: \"9\" is no name of an environment variable; expected a "
        "variable that is set, or ${env:NAME|default}\n"
        "app/_index.yaml:9: app:d: ${env: has no closing }; expected a variable that is set, or "
        "${env:NAME|default}\n");
}

SCENARIO_METHOD(application_fixture, "every mistake of one run is told, in order",
                "[config][mistakes]") {
  write("bad.lua", "x");
  write("b.yaml", "namespace: b\nentries:\n  - {name: x, kind: banana}\n");
  options.check_syntax = [](std::string_view, std::string_view) {
    return syntax_error{1, "no"};
  };
  load("  - {name: s, kind: process.service, process: p, lifecycle: {auto_start: true}}\n"
       "  - {name: p, kind: process.lua, source: file://none.lua, methd: run}\n"
       "  - {name: p, kind: process.lua, source: file://bad.lua}\n"
       "  - {name: gw, kind: http.service, addr: 5}\n"
       "  - {name: t, kind: process.service, process: q}\n");
  std::vector<std::string> places;
  for (const auto& d : app.diagnostics)
    places.push_back(std::filesystem::path(d.file).filename().string() + ':' +
                     std::to_string(d.line) + ' ' + d.entry_id);
  CHECK(places == std::vector<std::string>{"_index.yaml:4 app:p", "_index.yaml:4 app:p",
                                           "_index.yaml:5 app:p", "_index.yaml:6 app:gw",
                                           "_index.yaml:7 app:t", "b.yaml:3 b:x",
                                           "bad.lua:1 app:p"});
}
