#include "test_state.hpp"

#include "tests/catch.hpp"
#include "tests/hub/fake_process.hpp"

using namespace natterjack;
using natterjack::tests::test_state;

namespace {

struct pg_fixture : hub::node_fixture {
  pg_fixture() : hub_process(spawn()), client(spawn("app:gateway")), lua(&home) {
    lua.act_as(hub_process.self->id());
    lua.run("group = pg.open('app:rooms')");
    set("me", hub_process.self->id());
    set("client", client.self->id());
  }
  void set(const char* name, const hub::pid& id) {
    lua_pushstring(lua.L, hub::to_string(id).c_str());
    lua_setglobal(lua.L, name);
  }
  // "true", or the kind and text of the error.
  std::string says(const std::string& call) {
    return lua.run("local ok, e = group:" + call +
                   " if e then return e:kind() .. ': ' .. e end return ok");
  }
  std::string list(const std::string& call) {
    return lua.run("return table.concat(group:" + call + ", ' ')");
  }

  hub::process_ref hub_process;
  hub::process_ref client;
  test_state lua;
};

} // namespace

SCENARIO_METHOD(pg_fixture, "processes join groups, and messages reach all members", "[pg]") {
  const std::string me = hub::to_string(hub_process.self->id());
  const std::string other = hub::to_string(client.self->id());
  GIVEN("a group with the caller and another process in it") {
    CHECK(says("join('lobby')") == "true");
    CHECK(says("join('lobby', client)") == "true");
    CHECK(says("join('lobby', client)") == "true");
    CHECK(list("get_members('lobby')") == me + " " + other);
    CHECK(list("get_local_members('lobby')") == me + " " + other);
    CHECK(list("which_groups()") == "lobby");
    WHEN("something is broadcast") {
      CHECK(says("broadcast('lobby', 'chat', {text = 'hello'}, 'more')") == "true");
      THEN("each member has one message, the same for all") {
        REQUIRE(received(hub_process).size() == 1);
        REQUIRE(received(client).size() == 1);
        const auto message = received(client).front();
        CHECK(message == received(hub_process).front());
        CHECK(message->from() == hub_process.self->id());
        CHECK(message->topic() == "chat");
        REQUIRE(message->payloads().size() == 2);
        CHECK(message->payloads()[0].bytes() == R"({"text":"hello"})");
        CHECK(message->payloads()[1].kind() == hub::payload_kind::text);
      }
    }
    WHEN("the other one leaves") {
      CHECK(says("leave('lobby', client)") == "true");
      CHECK(list("get_members('lobby')") == me);
      CHECK(says("leave('lobby', client)") ==
            "Invalid: the process is a member of none of these groups");
    }
    WHEN("the other one ends") {
      end(client);
      THEN("it is no member any more and cannot become one") {
        CHECK(list("get_members('lobby')") == me);
        CHECK(says("join('lobby', client)") == "NotFound: process not found");
      }
    }
  }
  GIVEN("several groups at once") {
    CHECK(says("join({'a', 'b', 'c'})") == "true");
    CHECK(list("which_local_groups()") == "a b c");
    CHECK(says("leave({'b', 'x'})") == "true");
    CHECK(list("which_groups()") == "a c");
    CHECK(says("broadcast_local('a', 'tick')") == "true");
    REQUIRE(received(hub_process).size() == 1);
    CHECK(received(hub_process).front()->payloads().empty());
  }
  GIVEN("another scope with a group of the same name") {
    CHECK(lua.run("return pg.open('app:other'):join('lobby')") == "true");
    CHECK(list("get_members('lobby')").empty());
    CHECK(list("which_groups()").empty());
  }
  GIVEN("a registered name instead of a PID") {
    home.names().add("front", client.self->id());
    CHECK(says("join('lobby', 'front')") == "true");
    CHECK(list("get_members('lobby')") == other);
  }
}

SCENARIO_METHOD(pg_fixture, "wrong use of groups is an error value", "[pg]") {
  CHECK(lua.run("return select(2, pg.open('rooms'))") ==
        "pg.open takes an entry id, as in \"app:groups\"");
  CHECK(lua.run("return select(2, pg.open())") ==
        "pg.open takes an entry id, as in \"app:groups\"");
  CHECK(says("join('')").find("Invalid: the name of a group is a text of 1 to 200 bytes without control "
                              "bytes, got an empty text") == 0);
  CHECK(says("join('a\\nb')").find("got one with a control byte") != std::string::npos);
  CHECK(says("join(('x'):rep(200))") == "true");
  CHECK(says("join(('x'):rep(201))").find("got a longer one") != std::string::npos);
  CHECK(says("join({})") == "Invalid: a list of groups has 1 to 1000 names");
  CHECK(says("join({'a', 5})").find("got number") != std::string::npos);
  CHECK(says("join('a', 5)") == "Invalid: the process must be a PID text, got number");
  CHECK(says("join('a', 'nobody')") ==
        "NotFound: could not resolve 'nobody' as PID or registered name");
  CHECK(says("broadcast('a')") == "Invalid: broadcast takes a topic second");
  CHECK(says("broadcast('a', '@x')") == "Invalid: cannot send to @ topics");
  CHECK(says("broadcast('a', 't', 1, {1, x = 2})") ==
        "Invalid: value 2 of the broadcast: cannot encode a table with mixed keys at $");
  CHECK(says("broadcast('a', 't', 1)") == "true");
  CHECK(lua.run("group.join('a')").find("write group:join(...) with a colon") != std::string::npos);
  GIVEN("a released group") {
    CHECK(lua.run("return group:release()") == "true");
    CHECK(lua.run("return group:release()") == "true");
    CHECK(says("join('a')") == "Invalid: this group has been released");
    CHECK(says("get_members('a')") == "Invalid: this group has been released");
  }
}
