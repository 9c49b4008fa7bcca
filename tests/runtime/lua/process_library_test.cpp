#include "lua_world.hpp"
#include "tests/catch.hpp"

#include <nlohmann/json.hpp>

using namespace test;
using natterjack::hub::payload;
using natterjack::hub::payload_kind;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<payload> args(std::initializer_list<std::string> texts) {
  std::vector<payload> result;
  for (auto& one : texts)
    result.push_back(payload::text(one));
  return result;
}

} // namespace

SCENARIO("a process knows itself", "[lua][process]") {
  world w;
  w.add("app.x:me", "function run() return process.id() .. ' ' .. process.pid() end "
                    "return {run = run}");
  auto p = w.spawn_id("app.x:me");
  const auto id = to_string(p.self->id());
  CHECK(w.end_of(p) == "app.x:me " + id);
  CHECK(id.find("{test@app:processes|0x") == 0);
}

SCENARIO("sending values", "[lua][process]") {
  world w;
  auto a = w.make_probe();
  auto b = w.make_probe();
  THEN("each kind of value has its form") {
    w.add("app:sends",
          "local to = ... return tostring(process.send(to, 't', 'text') and "
          "process.send(to, 't', {a = 1}) and process.send(to, 't', 5) and "
          "process.send(to, 't', true) and process.send(to, 't', nil) and "
          "process.send(to, 't', '\\xff') and process.send(to, 't', {}) and "
          "process.send(to, 't', payload.new({1, 2})))",
          "");
    CHECK(w.end_of(w.spawn_id("app:sends", args({a->pid_text()}))) == "true");
    auto letters = a->wait_for(8);
    REQUIRE(letters.size() == 8);
    CHECK(letters[0].kind == payload_kind::text);
    CHECK(letters[1].body == R"({"a":1})");
    CHECK(letters[2].body == "5");
    CHECK(letters[3].body == "true");
    CHECK(letters[4].kind == payload_kind::nil);
    CHECK(letters[5].kind == payload_kind::binary);
    CHECK(letters[6].body == "[]");
    CHECK(letters[7].body == "[1,2]");
  }
  THEN("several values go in one message, none in an empty one") {
    w.add("app:sends",
          "local to = ... process.send(to, 'many', 1, nil, 'x') process.send(to, 'none')", "");
    w.end_of(w.spawn_id("app:sends", args({a->pid_text()})));
    a->wait_for(2);
    const auto messages = a->messages();
    REQUIRE(messages.size() == 2);
    REQUIRE(messages[0]->payloads().size() == 3);
    CHECK(messages[0]->payloads()[1].kind() == payload_kind::nil);
    CHECK(messages[1]->payloads().empty());
  }
  THEN("a list with what is no text is refused, and nobody gets anything") {
    CHECK(w.run("local _, e = process.send({process.pid(), true}, 't') "
                "return e:kind() .. ': ' .. e") ==
          "Invalid: process.send: destination 2 of the list must be a PID or a name, got boolean");
    CHECK(w.run("local n = process.send({5, process.pid()}, 't') local m = process.send({process.pid(), nil}, 'u') "
                "return tostring(n) .. m .. process.inbox():receive():topic()") == "nil1u");
  }
  THEN("a list shares one message and the number reached comes back") {
    w.add("app:sends",
          "local x, y = ... return process.send({x, y, '{test@app:gateway|0xfffff}', "
          "'nobody'}, 't', {n = 1})",
          "");
    CHECK(w.end_of(w.spawn_id("app:sends", args({a->pid_text(), b->pid_text()}))) == "2");
    a->wait_for(1);
    b->wait_for(1);
    REQUIRE(a->messages().size() == 1);
    REQUIRE(b->messages().size() == 1);
    CHECK(a->messages()[0] == b->messages()[0]);
  }
  THEN("a loop that sends the same to many shares one message") {
    w.add("app:sends",
          "local x, y = ... for i = 1, 2 do for _, to in ipairs({x, y}) do "
          "assert(process.send(to, 't', 'a text ' .. 7)) end end",
          "");
    w.end_of(w.spawn_id("app:sends", args({a->pid_text(), b->pid_text()})));
    REQUIRE(a->wait_for(2).size() == 2);
    REQUIRE(b->wait_for(2).size() == 2);
    CHECK(b->messages()[0] == a->messages()[0]);
    CHECK(b->messages()[1] == a->messages()[0]);
    CHECK(a->messages()[0]->payloads()[0].bytes() == "a text 7");
  }
  THEN("a table that is changed between two sends is sent as it was at each") {
    w.add("app:sends",
          "local x = ... local t = {n = 1} for i = 1, 3 do process.send(x, 't', t) "
          "process.send(x, 't', t) t.n = t.n + 1 end process.send(x, 'u', t)",
          "");
    w.end_of(w.spawn_id("app:sends", args({a->pid_text()})));
    std::string bodies;
    for (const auto& letter : a->wait_for(7))
      bodies += letter.topic + letter.body + " ";
    CHECK(bodies == R"(t{"n":1} t{"n":1} t{"n":2} t{"n":2} t{"n":3} t{"n":3} u{"n":4} )");
  }
  THEN("who has ended is not reached, however often it was written to") {
    w.add("app:sends",
          "local x = ... process.monitor(x) "
          "for i = 1, 100 do assert(process.send(x, 't', i)) end "
          "local event = process.events():receive() "
          "local ok, err = process.send(x, 't', 101) "
          "return tostring(ok) .. ' ' .. tostring(err)",
          "");
    auto p = w.spawn_id("app:sends", args({a->pid_text()}));
    REQUIRE(a->wait_for(100).size() == 100);
    caf::anon_send_exit(caf::actor_cast<caf::actor>(w.node->resolve(a->pid_text()).actor),
                        caf::exit_reason::user_shutdown);
    CHECK(w.end_of(p) == "nil process not found");
  }
  THEN("a registered name will do") {
    CHECK(w.run("process.registry.register('me') assert(process.send('me', 't', 1)) "
                "return process.inbox():receive():topic()") == "t");
  }
  THEN("what cannot be encoded is refused and not sent") {
    w.add("app:sends",
          "local to = ... local ok, err = process.send(to, 't', {1, a = 2}) "
          "local ok2, err2 = process.send(to, 't', 'fine', {[1.5] = 1}) "
          "return tostring(ok) .. err:message() .. tostring(ok2)",
          "");
    const auto end = w.end_of(w.spawn_id("app:sends", args({a->pid_text()})));
    CHECK(contains(end, "nil"));
    CHECK(contains(end, "mixed"));
    CHECK(a->messages().empty());
  }
  THEN("what is wrong is said, never raised") {
    auto why = [&w](const std::string& call) {
      return w.run("local ok, err = " + call +
                   " return tostring(ok) .. ' ' .. err:message() .. ' ' "
                   ".. err:kind()");
    };
    const std::string not_found =
        w.run("return errors.NOT_FOUND or errors.new('NOT_FOUND', 'x'):kind()");
    CHECK(why("process.send('nobody', 't')") ==
          "nil could not resolve 'nobody' as PID or registered name " + not_found);
    CHECK(why("process.send('{test@app:processes|0xfffff}', 't')") ==
          "nil process not found " + not_found);
    CHECK(why("process.send('{test@app:nowhere|0x00001}', 't')") ==
          "nil host not found " + not_found);
    CHECK(why("process.send('{other@app:processes|0x00001}', 't')") ==
          "nil node not found " + not_found);
    CHECK(contains(why("process.send(process.pid(), '@x')"), "cannot send to @ topics"));
    CHECK(contains(why("process.send(nil, 't')"), "destination"));
    CHECK(contains(why("process.send(process.pid())"), "takes a destination"));
    CHECK(contains(why("process.send(process.pid(), {})"), "topic must be a text"));
  }
  THEN("a full mailbox is said") {
    lua::lua_limits limits;
    limits.mailbox.messages = 2;
    world small(limits);
    CHECK(contains(
        small.run("local me = process.pid() for i = 1, 2 do assert(process.send(me, 't', i)) "
                  "end local ok, err = process.send(me, 't', 3) return err:message()"),
        "mailbox full"));
  }
  THEN("payloads pass through unparsed, alone and inside a table") {
    w.add("app:passes",
          "local to = ... local m = process.inbox():receive() "
          "process.send(to, 't', m:payload()) process.send(to, 't', {inside = m:payload()})",
          "");
    auto p = w.spawn_id("app:passes", args({a->pid_text()}));
    w.send(p, "x", payload::json(R"({ "kept" : 1 })"));
    auto letters = a->wait_for(2);
    REQUIRE(letters.size() == 2);
    CHECK(letters[0].body == R"({ "kept" : 1 })");
    CHECK(json::parse(letters[1].body) == json{{"inside", {{"kept", 1}}}});
  }
}

SCENARIO("pubsub is an alias of the guide's time", "[lua][process]") {
  world w;
  auto a = w.make_probe();
  w.add("app:p",
        "local to = ... return tostring(pubsub.send(pubsub.message.new('x', to, 'ws.control', "
        "'{}'))) .. tostring(pubsub.send(pubsub.message.new('x', 'nobody', 't', '')))",
        "");
  auto p = w.spawn_id("app:p", args({a->pid_text()}));
  const auto id = to_string(p.self->id());
  CHECK(w.end_of(p) == "truefalse");
  auto letters = a->wait_for(1);
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].topic == "ws.control");
  CHECK(letters[0].from == id);
  CHECK(letters[0].body == "{}");
}

SCENARIO("names", "[lua][process]") {
  lua::lua_limits limits;
  limits.names = 3;
  world w(limits);
  auto other = w.make_probe();
  CHECK(w.run("local r = process.registry return tostring(r.register('n') and r.register('n') and "
              "r.lookup('n') == process.pid() and r.unregister('n') and not r.unregister('n') and "
              "r.lookup('n') == nil)") == "true");
  CHECK_FALSE(w.node->names().lookup("n"));
  w.add("app:for",
        "local pid = ... assert(process.registry.register('theirs', pid)) "
        "return process.registry.lookup('theirs')",
        "");
  CHECK(w.end_of(w.spawn_id("app:for", args({other->pid_text()}))) == other->pid_text());
  CHECK(contains(w.run("return select(2, process.registry.register('theirs')):message()"),
                 "another process"));
  CHECK(contains(w.run("for i = 1, 3 do assert(process.registry.register('n' .. i)) end "
                       "return select(2, process.registry.register('n4')):message()"),
                 "too many names: limit names (3) reached"));
  CHECK(w.run("return select(2, process.registry.lookup('nobody')):message()") ==
        "name not registered");
  CHECK(contains(w.run("return select(2, process.registry.register('')):message()"), "empty"));
}

SCENARIO("options", "[lua][process]") {
  world w;
  CHECK(w.run("local a = process.get_options().trap_links assert(process.set_options{trap_links = "
              "true}) "
              "return tostring(a) .. tostring(process.get_options().trap_links)") == "falsetrue");
  CHECK(
      w.run(
          "local ok, err = process.set_options{speed = 9} return tostring(ok) .. err:message()") ==
      "falseoption speed is not supported");
}
