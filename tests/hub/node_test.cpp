#include "tests/catch.hpp"
#include "tests/hub/fake_process.hpp"

using namespace natterjack::hub;

SCENARIO_METHOD(node_fixture, "a process is found by PID text or by name", "[hub][node]") {
  auto alice = spawn();
  const auto text = to_string(alice.self->id());
  home.names().add("alice", alice.self->id());
  CHECK(home.resolve(text).self == alice.self);
  CHECK(home.resolve("{app:host|" + text.substr(text.find("0x"))).self == alice.self);
  CHECK(home.resolve("alice").self == alice.self);
  std::string why;
  CHECK_FALSE(home.resolve("bob", &why));
  CHECK(why == "could not resolve 'bob' as PID or registered name");
}

SCENARIO_METHOD(node_fixture, "a PID of nobody says who is missing", "[hub][node]") {
  auto alice = spawn();
  auto result = [this](const char* text) { return home.find(text)->second; };
  CHECK(result("{here@app:host|0x0ffff}") == send_result::no_process);
  CHECK(result("{here@app:other|0x00001}") == send_result::no_host);
  CHECK(result("{there@app:host|0x00001}") == send_result::no_node);
  CHECK_FALSE(home.find("app:host"));
}

SCENARIO_METHOD(node_fixture, "a process that ended is nobody", "[hub][node]") {
  auto alice = spawn();
  const auto id = alice.self->id();
  home.names().add("alice", id);
  CHECK(home.send(id, text_message("t", "x")) == send_result::sent);
  end(alice);
  CHECK(home.send(id, text_message("t", "x")) == send_result::no_process);
  CHECK_FALSE(home.names().lookup("alice"));
  CHECK(home.processes().size() == 0);
}

SCENARIO_METHOD(node_fixture, "the PID of a replaced process leads to its successor", "[hub][node]") {
  auto first = spawn();
  auto second = spawn();
  auto third = spawn();
  const auto before = first.self->id();
  const auto between = second.self->id();
  home.succeed(before, between);
  CHECK(home.resolve(to_string(before)).self == first.self); // as long as it lives
  end(first);
  CHECK(home.resolve(to_string(before)).self == second.self);
  home.succeed(between, third.self->id());
  end(second);
  CHECK(home.resolve(to_string(before)).self == third.self);
  CHECK(home.send(between, text_message("topic", "text")) == send_result::sent);
  CHECK(received(third).size() == 1);
}

SCENARIO_METHOD(node_fixture, "of a thousand replacements the oldest are forgotten", "[hub][node]") {
  auto oldest = spawn();
  auto next = spawn();
  const auto first_number = oldest.self->id().number(), last_number = next.self->id().number();
  const auto* where = home.host("app:host");
  for (uint64_t i = 0; i < 1000; ++i)
    home.succeed(pid(where, 1'000'000 + i), next.self->id());
  home.succeed(oldest.self->id(), next.self->id()); // the one with the lowest number is the last
  CHECK(home.successor_of(first_number).self == next.self);
  CHECK_FALSE(home.successor_of(1'000'000));
  CHECK(home.successor_of(1'000'001).self == next.self);
  CHECK_FALSE(home.successor_of(last_number));
}
