#include "tests/catch.hpp"
#include "tests/hub/fake_process.hpp"

#include <chrono>
#include <thread>

using namespace natterjack::hub;

SCENARIO_METHOD(node_fixture, "a host keeps its processes alive, up to a number", "[hub][process_host]") {
  auto& host = home.add_process_host("app:host", 2);
  GIVEN("a host for two that holds one") {
    REQUIRE(host.reserve());
    auto alice = spawn();
    const auto id = alice.self->id();
    host.hold(alice.actor);
    WHEN("nobody else holds the process") {
      auto kept = alice.actor;
      alice = {};
      THEN("it lives on") { CHECK(home.processes().find(id.number())); }
      alice = {kept, static_cast<fake_process*>(kept->get())};
    }
    WHEN("more are wanted than there are places") {
      CHECK(host.reserve());
      CHECK_FALSE(host.reserve());
      host.cancel();
      CHECK(host.reserve());
    }
    WHEN("the process ends") {
      end(alice);
      THEN("its place is free") {
        // Who monitors it and its host hear of the end in no certain order.
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (host.size() != 0 && std::chrono::steady_clock::now() < deadline)
          std::this_thread::yield();
        CHECK(host.size() == 0);
        CHECK(host.reserve());
        CHECK(host.reserve());
      }
    }
    for (auto& actor : host.all())
      caf::anon_send_exit(actor, caf::exit_reason::kill);
  }
}
