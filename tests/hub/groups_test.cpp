#include "tests/catch.hpp"
#include "tests/hub/fake_process.hpp"

using namespace natterjack::hub;

SCENARIO_METHOD(node_fixture, "a group delivers one message to all members", "[hub][groups]") {
  auto alice = spawn();
  auto bob = spawn();
  auto& groups = home.groups();
  GIVEN("a group of two") {
    CHECK(groups.join("room", alice));
    CHECK(groups.join("room", bob));
    CHECK_FALSE(groups.join("room", bob));
    WHEN("something is said") {
      const auto said = text_message("chat", "hello");
      CHECK(groups.broadcast("room", said) == 2);
      THEN("both hold the very same message") {
        REQUIRE(received(alice).size() == 1);
        CHECK(received(alice).front().get() == said.get());
        CHECK(received(bob).front().get() == said.get());
      }
    }
    WHEN("one leaves") {
      CHECK(groups.leave("room", alice.self->id()));
      CHECK_FALSE(groups.leave("room", alice.self->id()));
      THEN("only the other is reached") {
        CHECK(groups.broadcast("room", text_message("chat", "x")) == 1);
        CHECK(received(alice).empty());
      }
    }
    WHEN("one ends") {
      end(alice);
      THEN("it has left by itself") { CHECK(groups.members("room").size() == 1); }
      AND_WHEN("the last one ends") {
        end(bob);
        THEN("the group is gone") { CHECK(groups.names().empty()); }
      }
    }
  }
  CHECK(groups.broadcast("nowhere", text_message("chat", "x")) == 0);
}

SCENARIO_METHOD(node_fixture, "a process that has ended joins no group", "[hub][groups]") {
  auto alice = spawn();
  const auto kept = alice; // in memory still
  end(alice);
  CHECK_FALSE(home.groups().join("room", kept));
  CHECK(home.groups().names().empty());
}
