// What comes in: inbox, listeners, order, credit, events.
#include "lua_world.hpp"
#include "runtime/lua/process/feed.hpp"
#include "tests/catch.hpp"

#include <atomic>

using namespace test;
using natterjack::hub::payload;

namespace {

struct counting_source final : natterjack::hub::credit_source {
  std::atomic<size_t> back{0};
  void give_back(size_t bytes) noexcept override { back += bytes; }
};

using source_ptr = caf::intrusive_ptr<counting_source>;

void send_with_credit(const hub::process_ref& to, const source_ptr& source, size_t bytes) {
  to.self->deliver(hub::make_message(hub::pid{}, hub::shared_bytes("m"), payload::text("x"),
                                     hub::credit(source, bytes)));
}

} // namespace

SCENARIO("globs", "[lua][feed]") {
  using lua::matches_glob;
  CHECK(matches_glob("update", "update"));
  CHECK_FALSE(matches_glob("update", "updates"));
  CHECK(matches_glob("update.*", "update.user"));
  CHECK_FALSE(matches_glob("update.*", "update.user.name"));
  CHECK_FALSE(matches_glob("update.*", "update"));
  CHECK(matches_glob("*", ""));
  CHECK(matches_glob("*", "other"));
  CHECK_FALSE(matches_glob("*", "a.b"));
  CHECK(matches_glob("test.(a|b)", "test.a"));
  CHECK_FALSE(matches_glob("test.(a|b)", "test.c"));
  CHECK_FALSE(matches_glob("test.(a|b)", "test.a.b"));
  CHECK(matches_glob("test.**", "test.a.b"));
  CHECK(matches_glob("test.**", "test"));
  CHECK(matches_glob("**", "a.b.c"));
  CHECK(matches_glob("**.end", "a.end.b.end"));
  CHECK(matches_glob("a.**.b.**.c", "a.b.x.b.c"));
  CHECK_FALSE(matches_glob("a.**.b", "a.b.c"));
  CHECK(matches_glob("*.a.*", "x.a.y"));
  CHECK_FALSE(matches_glob("a.b", "a.b.c"));
  CHECK_FALSE(matches_glob("a.b.c", "a.b"));
  CHECK(matches_glob("a?c*e.x", "abcde.x"));
  CHECK_FALSE(matches_glob("a*b", "a*c"));
}

SCENARIO("messages wait until somebody asks for them, in order", "[lua][feed]") {
  world w;
  w.add("app:late", R"(
    require('time').sleep('20ms')
    local inbox = process.inbox()
    local out = {}
    for i = 1, 4 do
      local m = inbox:receive()
      out[i] = m:topic() .. '=' .. tostring(m:payload() and m:payload():data())
    end
    return table.concat(out, ' '))",
        "");
  auto p = w.spawn_id("app:late");
  w.send_text(p, "a", "1");
  w.send(p, "b", payload::json("2.5"));
  w.send(p, "c", payload{});
  w.send(p, "d", payload::binary("\xff"));
  CHECK(w.end_of(p) == "a=1 b=2.5 c=nil d=\xff");
}

SCENARIO("listeners get their topics, the inbox gets the rest", "[lua][feed]") {
  world w;
  w.add("app:listens", R"(
    local inbox = process.inbox()
    local go = inbox:receive()
    local users = process.listen('user.*', {message = true})
    local values = process.listen('plain')
    assert(process.inbox() == inbox)
    assert(process.listen('user.*', {message = true}) == users)
    local out = {}
    for i = 1, 2 do local m = users:receive() out[#out + 1] = m:topic() .. m:payload():data() end
    out[#out + 1] = values:receive().x
    out[#out + 1] = inbox:receive():topic()
    assert(process.unlisten(users))
    local v, ok = users:receive()
    assert(v == nil and ok == false)
    out[#out + 1] = inbox:receive():topic()
    return table.concat(out, ' '))",
        "");
  auto p = w.spawn_id("app:listens");
  w.send_text(p, "go", "");
  w.send_text(p, "user.a", "1");
  w.send_text(p, "other", "");
  w.send(p, "plain", payload::json(R"({"x":"value"})"));
  w.send_text(p, "user.b", "2");
  w.send_text(p, "user.c", "3"); // left over when the listener goes
  CHECK(w.end_of(p) == "user.a1 user.b2 value other user.c");
  CHECK(w.run("for i = 1, 1000 do process.listen('t' .. i) end "
              "return select(2, process.listen('one more')):message()")
            .find("too many listeners") != std::string::npos);
  CHECK(w.run("return select(2, process.listen('@x')):message()") == "cannot listen to @ topics");
  CHECK(w.run("return select(2, process.listen('')):message()").find("empty") != std::string::npos);
}

SCENARIO("messages tell topic, sender and values", "[lua][feed]") {
  world w;
  w.add("app:shows", R"(
    local m = process.inbox():receive()
    local p = m:payload()
    local list = type(p) == 'table' and p or {p}
    local out = {m:topic(), m:from()}
    for _, one in ipairs(list) do
      out[#out + 1] = one:get_format() .. ':' .. tostring(one:data()) .. ':' .. tostring(one)
    end
    assert(m:payload() == p)
    return table.concat(out, ' '))",
        "");
  auto client = w.make_probe();
  THEN("one value") {
    auto p = w.spawn_id("app:shows");
    w.send(p, "t", payload::text("x"), client->hub::process::id());
    CHECK(w.end_of(p) == "t " + client->pid_text() + " text/plain:x:payload{format=text/plain}");
  }
  THEN("several values") {
    auto p = w.spawn_id("app:shows");
    p.self->deliver(hub::make_message(hub::pid{}, hub::shared_bytes("t"),
                                      std::vector<payload>{payload::json("7"), payload{}}));
    CHECK(w.end_of(p) == "t  lua/any:7:payload{format=lua/any} lua/any:nil:payload{format=lua/any}");
  }
  THEN("a payload outlives the message it came with") {
    auto p = w.spawn(R"(
      local kept = process.inbox():receive():payload()
      local weak = setmetatable({[process.inbox():receive():payload()] = true}, {__mode = 'k'})
      local junk = {}
      for i = 1, 300000 do
        junk[i % 100] = {i}
        for other in pairs(weak) do tostring(other:data()) end
      end
      return kept:data() .. tostring(next(weak)))");
    w.send(p, "t", payload::text("x"));
    w.send(p, "t", payload::text("gone"));
    CHECK(w.end_of(p) == "xnil");
  }
  THEN("wrong use is explained") {
    auto explained = [&w](const std::string& code) {
      auto p = w.spawn("local m = process.inbox():receive() "
                       "return select(2, pcall(function() " +
                       code + " end))");
      w.send(p, "t", payload::json("{}"));
      return w.end_of(p);
    };
    CHECK(explained("return m.topic()").find("with a colon, not a dot") != std::string::npos);
    CHECK(explained("return m.payload.x").find("attempt to index") != std::string::npos);
    CHECK(explained("return m:payload().x").find("msg:payload():data()") != std::string::npos);
    CHECK(explained("return m:payload()()").find("msg:payload():data()") != std::string::npos);
    CHECK(explained("return 'x' .. m:payload()").find("msg:payload():data()") != std::string::npos);
    CHECK(explained("return m.text").find("has no field 'text'") != std::string::npos);
  }
}

SCENARIO("a sender's credit comes back when the script has the message", "[lua][feed]") {
  world w;
  auto source = caf::make_counted<counting_source>();
  WHEN("it is received") {
    w.add("app:one",
          "local inbox = process.inbox() inbox:receive() "
          "process.registry.register('has one') inbox:receive() process.events():receive()",
          "");
    auto p = w.spawn_id("app:one");
    for (int i = 0; i < 5; ++i)
      send_with_credit(p, source, 10);
    THEN("for those received only, and at once for the rest when it dies") {
      CHECK(w.wait_until([&source] { return source->back == 20; }));
      CHECK(source->back == 20);
      caf::anon_send_exit(caf::actor_cast<caf::actor>(p.actor), caf::exit_reason::kill);
      CHECK(w.end_of(p) == "error: terminated");
      CHECK(source->back == 50);
    }
  }
  WHEN("nobody ever asks") {
    auto p = w.spawn("process.events():receive()");
    send_with_credit(p, source, 7);
    send_with_credit(p, source, 7);
    caf::anon_send(caf::actor_cast<caf::actor>(p.actor), hub::cancel_signal{{}, ""});
    w.end_of(p);
    THEN("it comes back with the end") {
      CHECK(source->back == 14);
    }
  }
}

SCENARIO("the mailbox is bounded", "[lua][feed]") {
  lua::lua_limits limits;
  limits.mailbox.messages = 3;
  world w(limits);
  auto p = w.spawn("local events = process.events() events:receive() "
                   "local inbox = process.inbox() for i = 1, 4 do inbox:receive() end "
                   "events:receive()");
  for (int i = 0; i < 3; ++i)
    CHECK(w.send_text(p, "m", "x") == hub::send_result::sent);
  CHECK(w.send_text(p, "m", "x") == hub::send_result::mailbox_full);
  // What clients cause is bounded by their credit.
  auto source = caf::make_counted<counting_source>();
  CHECK(p.self->deliver(hub::make_message(hub::pid{}, hub::shared_bytes("c"), payload::text("x"),
                                          hub::credit(source, 1))) == hub::send_result::sent);
  caf::anon_send(caf::actor_cast<caf::actor>(p.actor), hub::cancel_signal{{}, ""});
  CHECK(w.wait_until([&w, &p] { return w.send_text(p, "m", "y") == hub::send_result::sent; }));
}

SCENARIO("events", "[lua][feed]") {
  world w;
  WHEN("a process is cancelled while messages wait for it") {
    w.add("app:drains", R"(
      local inbox, events = process.inbox(), process.events()
      inbox:receive()
      require('time').sleep('30ms')
      local seen = 0
      while true do
        local r = channel.select{events:case_receive(), inbox:case_receive()}
        if r.channel == events then
          local e = r.value
          return {seen = seen, kind = e.kind, from = e.from, reason = e.reason,
                  known = e.kind == process.event.CANCEL, at = math.type(e.at)}
        end
        seen = seen + 1
      end)",
          "");
    auto p = w.spawn_id("app:drains");
    w.send_text(p, "go", "");
    for (int i = 0; i < 10; ++i)
      w.send_text(p, "m", "x");
    caf::anon_send(caf::actor_cast<caf::actor>(p.actor), hub::cancel_signal{{}, "stopping"});
    w.send_text(p, "late", "x");
    THEN("CANCEL comes behind what was there before it, whatever the order of the cases") {
      const auto end = w.end_of(p);
      INFO(end);
      // 11 if the late one was there as well when the signal was taken in.
      CHECK((end.find(R"("seen":10)") != std::string::npos ||
             end.find(R"("seen":11)") != std::string::npos));
      CHECK(end.find(R"("kind":"pid.cancel")") != std::string::npos);
      CHECK(end.find(R"("reason":"stopping")") != std::string::npos);
      CHECK(end.find(R"("known":true)") != std::string::npos);
      CHECK(end.find(R"("at":"integer")") != std::string::npos);
    }
  }
}

SCENARIO("who spawns a process hears when it first waits", "[lua][feed]") {
  world w;
  std::atomic<int> waits{0};
  auto options = [&waits] {
    lua::spawn_options result;
    result.on_first_wait = [&waits] {
      ++waits;
    };
    return result;
  };
  WHEN("it waits several times") {
    auto p = w.spawn("process.registry.register('ready') process.inbox():receive() "
                     "process.inbox():receive()",
                     {}, options());
    THEN("once, and what it did before is done") {
      CHECK(w.wait_until([&waits] { return waits == 1; }));
      CHECK(w.node->names().lookup("ready") == p.self->id());
      w.send_text(p, "m", "");
      w.send_text(p, "m", "");
      w.end_of(p);
      CHECK(waits == 1);
    }
  }
  WHEN("it ends or fails without waiting") {
    w.end_of(w.spawn("return 1", {}, options()));
    CHECK(w.wait_until([&waits] { return waits == 1; }));
    w.end_of(w.spawn("error('x')", {}, options()));
    CHECK(w.wait_until([&waits] { return waits == 2; }));
  }
}
