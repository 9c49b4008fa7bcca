// What lies between entries: references, circles, routes, folders, the order of starting.
#include "tests/runtime/config/application_fixture.hpp"

using namespace natterjack::runtime;

namespace {

std::string service(const std::string& name, const std::string& lifecycle) {
  return "  - {name: " + name + ", kind: process.service, process: p, lifecycle: {" + lifecycle +
         "}}\n";
}

const std::string process = "  - {name: p, kind: process.lua, source: \"return 1\"}\n"; // line 3
const std::string function = "  - {name: f, kind: function.lua, source: \"return 1\"}\n";

std::string gateway(const std::string& name) {
  return "  - {name: " + name +
         ", kind: http.service, addr: \":0\", lifecycle: {auto_start: true}}\n";
}

std::string endpoint(const std::string& name, const std::string& router, const std::string& method,
                     const std::string& path) {
  return "  - {name: " + name + ", kind: http.endpoint, meta: {router: " + router +
         "}, method: " + method + ", path: \"" + path + "\", func: f}\n";
}

} // namespace

// What a service may require.
const std::string starting =
    "db.sql.sqlite, env.storage.file, http.service, pg.scope, process.host, process.service, "
    "queue.consumer, queue.driver.memory, queue.queue, store.memory, store.sql, terminal.host";

SCENARIO_METHOD(application_fixture, "references lead to entries of the right kind",
                "[config][relations]") {
  load(process + function +
       "  - {name: ws.service, kind: process.service, process: ws.proces}\n"
       "  - {name: ws.process, kind: process.lua, source: \"return 1\"}\n"
       "  - {name: b, kind: process.service, process: f, host: p}\n"
       "  - {name: c, kind: process.service, process: other:p}\n"
       "  - {name: d, kind: process.service, process: \"a:b:c\"}\n" +
       service("e", "requires: [p, nobody]"));
  CHECK(said() ==
        "app/_index.yaml:5: app:ws.service: process: there is no entry \"app:ws.proces\" (did you "
        "mean \"app:ws.process\"?); expected the id of an entry of kind one of: process.cpp, "
        "process.lua\n"
        "app/_index.yaml:7: app:b: process: app:f is a function.lua (app/_index.yaml:4); expected "
        "the id of an entry of kind one of: process.cpp, process.lua\n"
        "app/_index.yaml:7: app:b: host: app:p is a process.lua (app/_index.yaml:3); expected the "
        "id of an entry of kind one of: process.host, terminal.host\n"
        "app/_index.yaml:8: app:c: process: there is no entry \"other:p\"; expected the id of an "
        "entry of kind one of: process.cpp, process.lua\n"
        "app/_index.yaml:9: app:d: process: found text \"a:b:c\"; expected the id of an entry of "
        "kind one of: process.cpp, process.lua\n"
        "app/_index.yaml:10: app:e: lifecycle.requires: app:p is a process.lua "
        "(app/_index.yaml:3); expected the id of an entry of kind one of: " +
            starting +
            "\n"
            "app/_index.yaml:10: app:e: lifecycle.requires: there is no entry \"app:nobody\"; expected "
            "the id of an entry of kind one of: " +
            starting + "\n");
}

SCENARIO_METHOD(application_fixture, "a kind that cannot be used is told once",
                "[config][relations]") {
  load(process + "  - {name: t, kind: store.kv.raft}\n"
                 "  - {name: s, kind: process.service, process: p, host: t}\n");
  REQUIRE(app.diagnostics.size() == 1);
  CHECK(app.diagnostics[0].line == 4);
  CHECK(app.diagnostics[0].message == "kind store.kv.raft is not built yet");
}

SCENARIO_METHOD(application_fixture, "a kind that others can do without is a warning until one refers to it",
                "[config][relations]") {
  load(process + "  - {name: t, kind: exec.native}\n");
  CHECK(app.ok());
  REQUIRE(app.warnings.size() == 1);
  CHECK(app.warnings[0].message ==
        "kind exec.native is not built: nothing can be done with this entry");
  load(process + "  - {name: t, kind: exec.native}\n"
                 "  - {name: s, kind: process.service, process: p, host: t}\n");
  REQUIRE(app.diagnostics.size() == 1);
  CHECK(app.diagnostics[0].line == 5);
}

SCENARIO_METHOD(application_fixture, "references cross namespaces", "[config][relations]") {
  write("lib.yaml", "namespace: shared.code\nname: p.x\nkind: process.lua\nsource: return 1\n");
  const auto read = this->read("  - {name: s, kind: process.service, process: shared.code:p.x, "
                               "lifecycle: {auto_start: true}}\n");
  CHECK(read.services[0].process_id == "shared.code:p.x");
}

SCENARIO_METHOD(application_fixture, "circles are told once each", "[config][relations]") {
  load(process + service("a", "depends_on: [b]") + service("b", "requires: [c]") +
       service("c", "depends_on: [a]") + service("d", "depends_on: [d]") +
       service("e", "depends_on: [a]") +
       "  - {name: l, kind: library.lua, source: \"return 1\", imports: {m: m}}\n"
       "  - {name: m, kind: library.lua, source: \"return 1\", imports: {l: l}}\n");
  CHECK(said() ==
        "app/_index.yaml:6: app:c: requires or depends_on goes in a circle: app:a -> app:b "
        "-> app:c -> app:a\n"
        "app/_index.yaml:7: app:d: requires or depends_on goes in a circle: app:d -> "
        "app:d\n"
        "app/_index.yaml:10: app:m: imports goes in a circle: app:l -> app:m -> app:l\n");
}

SCENARIO_METHOD(application_fixture, "dead letters and variables go in no circle",
                "[config][relations]") {
  load("  - {name: dr, kind: queue.driver.memory}\n"
       "  - {name: q, kind: queue.queue, driver: dr, dead_letter: {queue: q}}\n"
       "  - {name: x, kind: env.storage.memory}\n"
       "  - {name: y, kind: env.storage.router, storages: [x, z]}\n"
       "  - {name: z, kind: env.storage.router, storages: [y]}\n");
  CHECK(said() == "app/_index.yaml:4: app:q: dead_letter goes in a circle: app:q -> app:q\n"
                  "app/_index.yaml:7: app:z: storages goes in a circle: app:y -> app:z -> app:y\n");
}

SCENARIO_METHOD(application_fixture, "imports name libraries", "[config][relations]") {
  const auto read =
      this->read("  - {name: l, kind: library.lua, source: \"return 1\", modules: [json]}\n"
                 "  - {name: f, kind: function.lua, source: \"return 1\", imports: {tools: l}}\n");
  REQUIRE(read.functions[0].code.imports.size() == 1);
  CHECK(read.functions[0].code.imports[0].alias == "tools");
  CHECK(read.functions[0].code.imports[0].library_id == "app:l");
  load(function + "  - {name: g, kind: function.lua, source: \"return 1\", imports: {x: f}}\n");
  CHECK(said() == "app/_index.yaml:4: app:g: imports.x: app:f is a function.lua "
                  "(app/_index.yaml:3); expected the id of an entry of kind library.lua\n");
}

SCENARIO_METHOD(application_fixture, "two endpoints cannot be one route", "[config][relations]") {
  const std::string frame =
      function + gateway("gw") + gateway("other") +
      "  - {name: r, kind: http.router, meta: {server: gw}, prefix: /api/}\n"
      "  - {name: q, kind: http.router, meta: {server: gw}}\n"
      "  - {name: o, kind: http.router, meta: {server: other}, prefix: /api}\n";
  WHEN("method and path are the same") {
    load(frame + endpoint("a", "r", "GET", "/x") + endpoint("b", "r", "GET", "/x"));
    CHECK(said() == "app/_index.yaml:10: app:b: path: GET /api/x is the route of app:a "
                    "(app/_index.yaml:9); expected another method or path\n");
  }
  WHEN("another router of the gateway has it") {
    load(frame + endpoint("a", "r", "GET", "/x") + endpoint("b", "q", "GET", "/api/x"));
    CHECK(app.diagnostics.size() == 1);
  }
  WHEN("neither is the more specific") {
    load(frame + endpoint("a", "r", "GET", "/x/{id}/c") + endpoint("b", "r", "GET", "/x/b/{id}"));
    CHECK(said() == "app/_index.yaml:10: app:b: path: GET /api/x/b/{id} fits requests of "
                    "/api/x/{id}/c, which is the route of app:a (app/_index.yaml:9); expected "
                    "another method or path\n");
  }
  WHEN("method, gateway or path differ") {
    load(frame + endpoint("a", "r", "GET", "/x") + endpoint("b", "r", "POST", "/x") +
         endpoint("c", "o", "GET", "/x") + endpoint("d", "r", "GET", "/{id}"));
    CHECK(said() == "");
  }
}

SCENARIO_METHOD(application_fixture, "folders of files must be there", "[config][relations]") {
  write("public/index.html", "");
  write("public/sub/x.html", "");
  const std::string frame = gateway("gw");
  auto statics = [](const std::string& more) {
    return "  - {name: web, kind: http.static, meta: {server: gw}, path: /, fs: files" + more +
           "}\n";
  };
  WHEN("they are") {
    const auto read =
        this->read(frame + "  - {name: files, kind: fs.directory, directory: ./public}\n" +
                   statics(", directory: sub, static_options: {spa: true, cache: no-store}"));
    REQUIRE(read.statics.size() == 1);
    const auto& web = read.statics[0];
    CHECK(web.directory == folder() / "public/sub");
    CHECK(web.server_id == "app:gw");
    CHECK(web.path == "/");
    CHECK(web.spa);
    CHECK(web.index == "index.html");
    CHECK(web.cache == "no-store");
    CHECK(read.directories[0].directory == folder() / "public");
    CHECK(read.directories[0].mode == 0755);
  }
  WHEN("options stand in their older place") {
    const auto read = this->read(
        frame + "  - {name: files, kind: fs.directory, directory: public, mode: 0700}\n" +
        statics(", options: {spa: \"true\", index: home.html, allow_origins: \"*\"}"));
    CHECK(read.statics[0].spa);
    CHECK(read.statics[0].index == "home.html");
    CHECK(read.statics[0].options == string_map{{"allow_origins", "*"}});
    CHECK(read.statics[0].directory == folder() / "public");
    CHECK(read.directories[0].mode == 0700);
  }
  WHEN("one is missing") {
    load(frame + "  - {name: files, kind: fs.directory, directory: publik}\n" + statics(""));
    CHECK(said() ==
          "app/_index.yaml:4: app:files: directory: looked for app/publik, which does not "
          "exist; expected a folder\n");
    load(frame + "  - {name: files, kind: fs.directory, directory: publik, auto_init: true}\n" +
         statics(""));
    CHECK(said() == "");
  }
  WHEN("a part of one leads out or is missing") {
    load(frame + "  - {name: files, kind: fs.directory, directory: public}\n" +
         statics(", directory: ../x") +
         "  - {name: w2, kind: http.static, meta: {server: gw}, path: /b, fs: files, directory: "
         "no}\n");
    CHECK(said() ==
          "app/_index.yaml:5: app:web: directory: leads out of app:files; expected a "
          "folder inside it\n"
          "app/_index.yaml:6: app:w2: directory: looked for app/public/no, which does not "
          "exist; expected a folder\n");
  }
  WHEN("spa has no index, or is no word of its kind") {
    load(
        frame + "  - {name: files, kind: fs.directory, directory: public, mode: \"9\"}\n" +
        statics(", static_options: {spa: true, index: \"\"}") +
        "  - {name: w2, kind: http.static, meta: {server: gw}, path: /b, fs: files, options: {spa: "
        "\"maybe\"}}\n");
    CHECK(said() ==
          "app/_index.yaml:4: app:files: mode: found text \"9\"; expected permissions as "
          "octal digits in quotes such as \"0755\"\n"
          "app/_index.yaml:5: app:web: index: is empty, and spa needs it; expected the "
          "name of a file\n"
          "app/_index.yaml:6: app:w2: spa: found text \"maybe\"; expected true or false\n");
  }
}

SCENARIO_METHOD(application_fixture, "services start after what they need", "[config][relations]") {
  const auto read =
      this->read(process + gateway("gw") + service("c", "auto_start: true, requires: [b]") +
                 service("a", "auto_start: true") + service("b", "depends_on: [d]") +
                 service("d", "auto_start: false") + service("idle", "auto_start: false"));
  CHECK(read.start_order ==
        std::vector<std::string>{"system:processes", "app:a", "app:d", "app:b", "app:c", "app:gw"});
  CHECK(warned() == "app/_index.yaml:9: app:idle: nothing starts this process.service: "
                    "lifecycle.auto_start is not true, and no service that starts depends on it\n");
  AND_THEN("a service that needs a gateway comes behind it") {
    const auto other = this->read(process + service("s", "auto_start: true, requires: [gw]") +
                                  service("t", "auto_start: true") + gateway("gw"));
    CHECK(other.start_order ==
          std::vector<std::string>{"system:processes", "app:t", "app:gw", "app:s"});
  }
}
