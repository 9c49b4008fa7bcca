#include "hub/address_schemes.hpp"

#include "tests/catch.hpp"
#include "tests/hub/fake_process.hpp"

using namespace natterjack::hub;

SCENARIO_METHOD(node_fixture, "an address of a scheme is found by whoever added it",
                "[hub][schemes]") {
  auto alice = spawn();
  std::string asked;
  REQUIRE(add_scheme(home, "star", [&alice, &asked](std::string_view address, std::string* why) {
    asked = address;
    if (address == "star:alice")
      return alice;
    if (why != nullptr)
      *why = "no such star";
    return process_ref{};
  }));
  CHECK_FALSE(
      add_scheme(home, "star", [](std::string_view, std::string*) { return process_ref{}; }));

  CHECK(home.resolve("star:alice").self == alice.self);
  CHECK(asked == "star:alice");
  std::string why;
  CHECK_FALSE(home.resolve("star:bob", &why));
  CHECK(why == "no such star");

  GIVEN("names with colons that are of no scheme") {
    home.names().add("chat:lobby", alice.self->id());
    CHECK(home.resolve("chat:lobby").self == alice.self);
  }
  WHEN("the scheme is removed") {
    remove_scheme(home, "star");
    THEN("its addresses are nobody's") {
      asked.clear();
      CHECK_FALSE(home.resolve("star:alice", &why));
      CHECK(why == "could not resolve 'star:alice' as PID or registered name");
      CHECK(asked.empty());
    }
  }
  remove_scheme(home, "star");
}

SCENARIO_METHOD(node_fixture, "a scheme belongs to one node", "[hub][schemes]") {
  node other(system, "there");
  auto alice = spawn();
  add_scheme(home, "star", [&alice](std::string_view, std::string*) { return alice; });
  CHECK(home.resolve("star:x"));
  CHECK_FALSE(other.resolve("star:x"));
  remove_scheme(home, "star");
}
