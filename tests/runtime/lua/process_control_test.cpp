// Spawning, monitoring, linking and ending other processes.
#include "lua_world.hpp"
#include "tests/catch.hpp"

using namespace test;
using namespace std::chrono_literals;
using natterjack::hub::payload;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void add_children(world& w) {
  w.add("app:adds", "function run(a, b) return {sum = a + b} end return {run = run}");
  w.add("app:fails", "function run() error('child broke', 0) end return {run = run}");
  w.add("app:waits",
        "function run() process.inbox():receive() return 'told' end return {run = run}");
  w.add("app:cancelled", "function run() local e = process.events():receive() "
                         "return e.kind .. ' ' .. (e.reason or '') end return {run = run}");
}

} // namespace

SCENARIO("exec gives what the other process returned", "[lua][control]") {
  world w;
  add_children(w);
  CHECK(w.run("return process.exec('app:adds', 'app:processes', 2, 3).sum") == "5");
  CHECK(w.run("local v, err = process.exec('app:fails', 'app:processes') return err:message()") ==
        "child broke");
  CHECK(contains(w.run("return select(2, process.exec('adds', 'app:processes')):message()"),
                 "entry id"));
  CHECK(contains(w.run("return select(2, process.exec('app:nope', 'app:processes')):message()"),
                 "no process.lua or process.cpp entry 'app:nope'"));
  CHECK(contains(w.run("return select(2, process.spawn('app:adds', 'app:nowhere')):message()"),
                 "no process.host entry 'app:nowhere'"));
  CHECK(
      w.run(
          "local sum = 0 local done = channel.new(20) for i = 1, 20 do coroutine.spawn(function() "
          "done:send(process.exec('app:adds', 'app:processes', i, i).sum) end) end "
          "for i = 1, 20 do sum = sum + done:receive() end return sum") == "420");
}

SCENARIO("a host takes only so many", "[lua][control]") {
  world w;
  add_children(w);
  auto& small = w.node->add_process_host("app:small", 2);
  CHECK(contains(w.run("for i = 1, 2 do assert(process.spawn('app:waits', 'app:small')) end "
                       "return select(2, process.spawn('app:waits', 'app:small')):message()"),
                 "limit max_processes (2) reached"));
  for (auto& one : small.all())
    caf::anon_send_exit(caf::actor_cast<caf::actor>(one), caf::exit_reason::kill);
}

SCENARIO("monitors hear how a process ended", "[lua][control]") {
  world w;
  add_children(w);
  const std::string shows =
      " local e = process.events():receive() "
      "return (e.from == pid and e.kind == process.event.EXIT and 'its ' or 'no ') "
      ".. tostring(e.result.value) .. ' ' .. tostring(e.result.error)";
  THEN("by returning") {
    CHECK(w.run("local pid = process.spawn_monitored('app:waits', 'app:processes') "
                "process.send(pid, 'x')" +
                shows) == "its told nil");
  }
  THEN("by failing") {
    CHECK(w.run("local pid = process.spawn_monitored('app:fails', 'app:processes')" + shows) ==
          "its nil child broke");
  }
  THEN("by being terminated") {
    CHECK(w.run("local pid = process.spawn_monitored('app:waits', 'app:processes') "
                "assert(process.terminate(pid))" +
                shows) == "its nil terminated");
    CHECK(w.run("local pid = process.spawn_monitored('app:loops', 'app:processes') "
                "return tostring(pid)") == "nil");
    w.add("app:loops", "while true do end", "");
    CHECK(w.run("local pid = process.spawn_monitored('app:loops', 'app:processes') "
                "require('time').sleep('20ms') assert(process.terminate(pid))" +
                shows) == "its nil terminated");
  }
  THEN("by being cancelled, with the reason") {
    CHECK(w.run("local pid = process.spawn_monitored('app:cancelled', 'app:processes') "
                "assert(process.cancel(pid, 'enough'))" +
                shows) == "its pid.cancel enough nil");
  }
  THEN("also when asked for later, once") {
    CHECK(w.run("local pid = process.spawn('app:waits', 'app:processes') "
                "assert(process.monitor(pid)) "
                "assert(select(2, process.monitor(pid)):message() == 'already monitoring') "
                "process.send(pid, 'x')" +
                shows) == "its told nil");
  }
  THEN("not when they stopped listening") {
    CHECK(w.run("local pid = process.spawn_monitored('app:waits', 'app:processes') "
                "assert(process.unmonitor(pid)) process.send(pid, 'x') "
                "local r = channel.select{process.events():case_receive(), "
                "require('time').after('100ms'):case_receive()} return tostring(r.channel == "
                "process.events())") == "false");
  }
  THEN("of processes that are not Lua as well") {
    auto client = w.make_probe();
    client->end_with(payload::text("websocket connection closed"));
    w.add("app:watches",
          "local pid = ... assert(process.monitor(pid)) process.registry.register('on')" + shows,
          "");
    auto p = w.spawn_id("app:watches", {payload::text(client->pid_text())});
    REQUIRE(w.wait_until([&w] { return w.node->names().lookup("on").has_value(); }));
    caf::anon_send(caf::actor_cast<caf::actor>(client.get()), caf::ok_atom::value);
    CHECK(w.end_of(p) == "its websocket connection closed nil");
  }
  THEN("unknown ones are said") {
    CHECK(w.run("return select(2, process.monitor('{test@app:processes|0xfffff}')):message()") ==
          "pid not registered");
    CHECK(w.run("return select(2, process.terminate('nobody')):message()") == "pid not registered");
  }
}

SCENARIO("linked processes fail together", "[lua][control]") {
  world w;
  add_children(w);
  THEN("an error ends the other") {
    CHECK(contains(w.run("process.spawn_linked('app:fails', 'app:processes') "
                         "process.inbox():receive()"),
                   "error: linked process failed"));
  }
  THEN("a chain of links hands on who failed first, and why") {
    w.add("app:chain", "function run(n) if n > 0 then process.spawn_linked('app:chain', 'app:processes', n - 1) "
                       "else process.send('top', 'pid', process.pid()) error('bottom', 0) end "
                       "process.inbox():receive() end return {run = run}");
    CHECK(w.run("process.registry.register('top') process.set_options{trap_links = true} "
                "local first = process.spawn_linked('app:chain', 'app:processes', 20) "
                "local e = process.events():receive() "
                "local bottom = process.inbox():receive():payload():data() "
                "return tostring(e.from == first and tostring(e.result.error) == "
                "'linked process failed: ' .. bottom .. ': bottom')") == "true");
  }
  THEN("a normal end does not") {
    CHECK(w.run("local pid = process.spawn_linked_monitored('app:adds', 'app:processes', 1, 1) "
                "local e = process.events():receive() return e.result.value.sum") == "2");
  }
  THEN("one that traps links gets an event instead") {
    CHECK(w.run("process.set_options{trap_links = true} "
                "local pid = process.spawn_linked('app:fails', 'app:processes') "
                "local e = process.events():receive() "
                "return tostring(e.kind == process.event.LINK_DOWN and e.from == pid) .. "
                "tostring(e.result.error)") == "truechild broke");
  }
  THEN("also when the other was terminated, whoever made the link") {
    CHECK(
        w.run(
            "process.set_options{trap_links = true} "
            "local pid = process.spawn_linked('app:waits', 'app:processes') process.terminate(pid) "
            "local e = process.events():receive() "
            "return tostring(e.kind == process.event.LINK_DOWN) .. tostring(e.result.error)") ==
        "trueterminated");
    w.add("app:links", "function run(to) assert(process.link(to)) error('linker broke', 0) end "
                       "return {run = run}");
    CHECK(w.run("process.set_options{trap_links = true} "
                "local pid = process.spawn('app:links', 'app:processes', process.pid()) "
                "local e = process.events():receive() "
                "return tostring(e.kind == process.event.LINK_DOWN and e.from == pid) .. "
                "tostring(e.result.error)") == "truelinker broke");
  }
  THEN("links work in both directions and can be undone") {
    auto p = w.spawn(
        "local pid = process.spawn('app:waits', 'app:processes') assert(process.link(pid)) "
        "process.registry.register('child', pid) process.inbox():receive() error('mine', 0)");
    REQUIRE(w.wait_until([&w] { return w.node->names().lookup("child").has_value(); }));
    auto child = w.node->resolve("child");
    w.send_text(p, "x", "");
    CHECK(w.end_of(p) == "error: mine");
    CHECK(contains(w.end_of(child), "error: linked process failed"));
    CHECK(w.run("local pid = process.spawn('app:waits', 'app:processes') assert(process.link(pid)) "
                "assert(process.unlink(pid)) process.terminate(pid) require('time').sleep('50ms') "
                "return 'alive'") == "alive");
  }
}

SCENARIO("names die with their process", "[lua][control]") {
  world w;
  w.end_of(w.spawn("process.registry.register('short')"));
  CHECK(w.wait_until([&w] { return !w.node->names().lookup("short"); }));
  lua::spawn_options options;
  options.name = "given";
  auto p = w.spawn("return process.registry.lookup('given') == process.pid() and 'mine' or 'no'",
                   {}, std::move(options));
  CHECK(w.end_of(p) == "mine");
}

SCENARIO("others may ask what a process runs while it is upgraded", "[lua][control]") {
  world w;
  const std::string passes = "function run(left) if left == 0 then return 'done' end "
                             "process.upgrade('app:OTHER', left - 1) end return {run = run}";
  const auto to = [&passes](const char* other) {
    auto text = passes;
    return text.replace(text.find("OTHER"), 5, other);
  };
  w.add("app:tick", to("tock"));
  w.add("app:tock", to("tick"));
  const auto p = w.spawn_id("app:tick", {payload::json("200")});
  do {
    const auto entry = p.self->facts().entry;
    CHECK((entry == "app:tick" || entry == "app:tock"));
    CHECK_FALSE(p.self->dialect());
  } while (p.self->is_here());
  CHECK(w.end_of(p) == "done");
}
