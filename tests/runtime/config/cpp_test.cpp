// Hubs in C++ as entries: process.cpp.
#include "tests/runtime/config/application_fixture.hpp"

using namespace natterjack::runtime;

SCENARIO_METHOD(application_fixture, "a hub in C++ has the documented defaults", "[config][cpp]") {
  const auto all = read("  - {name: a, kind: process.cpp, class: room}\n"
                        "  - {name: b, kind: process.cpp, class: room, options: {size: 3, on: true},"
                        " limits: {mailbox: 5, timers: 6, names: 7}}\n"
                        "  - {name: s, kind: process.service, process: a,"
                        " lifecycle: {auto_start: true}}\n");
  REQUIRE(all.cpp_processes.size() == 2);
  const auto& plain = all.cpp_processes.at(0);
  CHECK(plain.id == "app:a");
  CHECK(plain.class_name == "room");
  CHECK(plain.options == nlohmann::json::object());
  CHECK(plain.mailbox == 100'000);
  CHECK(plain.timers == 100'000);
  CHECK(plain.names == 1'000);
  const auto& told = all.cpp_processes.at(1);
  CHECK(told.options == nlohmann::json{{"size", 3}, {"on", true}});
  CHECK(told.mailbox == 5);
  CHECK(told.timers == 6);
  CHECK(told.names == 7);
  CHECK(all.services.at(0).process_id == "app:a");
}

SCENARIO_METHOD(application_fixture, "a class must be one that the program has", "[config][cpp]") {
  const std::string entries = "  - name: a\n"
                              "    kind: process.cpp\n"
                              "    class: chat.rom\n"
                              "  - {name: b, kind: process.cpp}\n"
                              "  - {name: c, kind: process.cpp, class: 5}\n"
                              "  - {name: d, kind: process.cpp, class: chat.room}\n";
  GIVEN("a program with two classes") {
    options.hub_classes = {"chat.room", "game"};
    load(entries);
    CHECK(said() ==
          "app/_index.yaml:5: app:a: class: this program has no hub class \"chat.rom\" (did you "
          "mean \"chat.room\"?); expected one of: chat.room, game\n"
          "app/_index.yaml:6: app:b: class is missing; expected text\n"
          "app/_index.yaml:7: app:c: class: found number 5; expected text\n");
  }
  GIVEN("a program with none") {
    options.hub_classes.emplace();
    load("  - {name: d, kind: process.cpp, class: chat.room}\n");
    CHECK(said() ==
          "app/_index.yaml:3: app:d: class: this program has no hub class \"chat.room\"; expected "
          "a program of your own that registers it; this one has no classes\n");
  }
}
