// What a call of a function has begun and not ended, and answers that only look like some.
#include "runtime/lua/call_bound.hpp"
#include "runtime/lua/function_pool.hpp"
#include "runtime/lua/shared/services.hpp"

#include "lua_world.hpp"
#include "tests/catch.hpp"

#include <future>

using namespace test;
using namespace std::chrono_literals;

namespace {

const std::string subscribes = "local events = require('events')\n"
                               "function run() subs = subs or {} for i = 1, 3 do "
                               "subs[#subs + 1] = events.subscribe('system') end return #subs end\n"
                               "return {run = run}";

std::string call(lua::function_pool& pool) {
  auto done = std::make_shared<std::promise<hub::exit_result>>();
  pool.call({}, [done](hub::exit_result result) { done->set_value(std::move(result)); });
  auto answer = done->get_future();
  if (answer.wait_for(20s) != std::future_status::ready)
    FAIL("no answer");
  const auto result = answer.get();
  return result.error.empty() ? std::string(result.value.bytes()) : result.error;
}

} // namespace

SCENARIO("a subscription ends with the call that made it", "[lua][call_bound]") {
  world w;
  auto program = w.add("app:subscribes", subscribes, "run", {"events"});
  const auto& bus = w.runtime->shared().events;
  GIVEN("a function whose state goes back to its pool") {
    auto pool = lua::function_pool::make(*w.runtime, program, w.node->host("app:functions"), {});
    for (const auto* count : {"3", "6", "9"}) { // the script still holds them
      CHECK(call(*pool) == count);
      CHECK(bus.size() == 0);
    }
    CHECK(pool->workers() == 1);
    pool->stop();
  }
  GIVEN("a process that ends") {
    CHECK(w.end_of(w.spawn_id("app:subscribes")) == "3");
    CHECK(w.wait_until([&bus] { return bus.size() == 0; }));
  }
}

SCENARIO("what has a sender is no answer, whatever its topic", "[lua][call_bound]") {
  world w;
  w.add("app:waits",
        "local events = require('events')\n"
        "function run() local sub = events.subscribe('system')\n"
        "local event, ok = sub:channel():receive() return ok and event.kind or 'closed' end\n"
        "return {run = run}",
        "run", {"events"});
  auto who = w.spawn_id("app:waits");
  auto& bus = w.runtime->shared().events;
  REQUIRE(w.wait_until([&bus] { return bus.size() == 1; }));
  auto stranger = w.make_probe();
  for (const auto* topic : {"@s1", "@a1", "@e1"})
    w.send(who, topic, hub::payload::json("{\"kind\":\"wrong\"}"), stranger->hub::process::id());
  bus.send("system", "right", "/", {});
  CHECK(w.end_of(who) == "right");
}
