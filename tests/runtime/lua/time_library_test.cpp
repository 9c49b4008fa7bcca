#include "lua_world.hpp"
#include "tests/catch.hpp"

using namespace test;

SCENARIO("time passes", "[lua][time]") {
  world w;
  const std::string time = "local time = require('time') ";
  auto since = [](auto start) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
        .count();
  };
  THEN("sleep waits at least that long, in several tasks at a time") {
    const auto start = std::chrono::steady_clock::now();
    CHECK(w.run(time +
                "local done = channel.new(10) for i = 1, 10 do coroutine.spawn(function() "
                "time.sleep((600 - 50 * i) .. 'ms') done:send(i) end) end local out = {} "
                "for i = 1, 10 do out[i] = done:receive() end return table.concat(out, ' ')") ==
          "10 9 8 7 6 5 4 3 2 1");
    CHECK(since(start) >= 549);
  }
  THEN("after gives one value, also in select") {
    CHECK(w.run(time +
                "local r = channel.select{channel.new():case_receive(), "
                "time.after('20ms'):case_receive()} return tostring(r.ok) .. type(r.value)") !=
          "truenil");
  }
  THEN("timers can be stopped and set anew") {
    CHECK(w.run(time + "local t = time.timer('20ms') assert(t:stop()) assert(not t:stop()) "
                       "t:reset('10ms') t:channel():receive() assert(not t:stop()) "
                       "assert(t:response() == t:channel()) return 'fine'") == "fine");
  }
  THEN("a ticker ticks until it is stopped") {
    CHECK(w.run(time +
                "local t = time.ticker('5ms') for i = 1, 4 do t:channel():receive() end "
                "t:stop() local r = channel.select{t:channel():case_receive(), "
                "time.after('30ms'):case_receive()} return tostring(r.channel == t:channel())")
              .size() > 0);
  }
  THEN("wrong durations are said") {
    CHECK(w.run(time + "return select(2, time.timer('0s')):message()") ==
          "the duration must be positive");
    CHECK(w.run(time + "return tostring(pcall(time.sleep, 'soon'))") == "false");
    CHECK(w.run(time + "return select(2, pcall(function() time.timer('1s').stop() end))")
              .find("with a colon") != std::string::npos);
  }
}

SCENARIO("timers are bounded and die with their process", "[lua][time]") {
  lua::lua_limits limits;
  limits.timers = 5;
  world w(limits);
  CHECK(
      w.run("local time = require('time') local t = {} for i = 1, 5 do t[i] = time.after('1h') end "
            "return select(2, pcall(time.after, '1h'))")
          .find("limit timers (5) reached") != std::string::npos);
  CHECK(w.run("local time = require('time') for i = 1, 100 do time.timer('1h'):stop() end return "
              "'fine'") == "fine");
}
