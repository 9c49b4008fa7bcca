// Slices, budget, memory: nothing a script does holds others up or survives a limit.
#include "lua_world.hpp"
#include "tests/catch.hpp"

using namespace test;
using namespace std::chrono_literals;

namespace {

lua::lua_limits short_budget() {
  lua::lua_limits limits;
  limits.budget = 300ms;
  return limits;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

SCENARIO("long computations are cut into slices and still come out right", "[lua][engine]") {
  world w;
  const auto loop = "local n = 0 for i = 1, 3e7 do n = n + i % 7 end return string.format('%d', n)";
  const auto expected = "89999997";
  CHECK(w.run(loop) == expected);
  CHECK(w.run("local function f() " + std::string(loop) + " end return select(2, pcall(f))") ==
        expected);
  CHECK(w.run("local function f() " + std::string(loop) +
              " end "
              "return setmetatable({}, {__index = f}).x") == expected);
  CHECK(w.run("local function f() " + std::string(loop) +
              " end "
              "return coroutine.wrap(function() return coroutine.wrap(f)() end)()") == expected);
  CHECK(
      w.run("local function f() " + std::string(loop) +
            " end "
            "local r table.sort({1, 2}, function(a, b) r = r or f() return a < b end) return r") ==
      expected);
  CHECK(w.run("local function f() " + std::string(loop) +
              " end "
              "do local c <close> = setmetatable({}, {__close = function() _G.r = f() end}) end "
              "return r") == expected);
}

SCENARIO("others run while a process computes without end", "[lua][engine]") {
  world w;
  auto hog = w.spawn("while true do end");
  auto second = w.spawn("while true do pcall(function() local x = {} end) end");
  w.add("app:echo",
        "local inbox = process.inbox() while true do local m = inbox:receive() "
        "process.send(m:from(), 'echo', m:payload():data()) end",
        "");
  auto echo = w.spawn_id("app:echo");
  auto client = w.make_probe();
  // The 99th percentile of a hundred answers; of three rounds the best, as the test may be held up.
  size_t answers = 0;
  auto round = [&] {
    std::vector<double> took;
    for (int i = 0; i < 100; ++i) {
      const auto start = std::chrono::steady_clock::now();
      w.send(echo, "m", natterjack::hub::payload::text("x"), client->hub::process::id());
      ++answers;
      REQUIRE(client->wait_for(answers).size() == answers);
      took.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
              .count());
    }
    std::sort(took.begin(), took.end());
    return took[98];
  };
  double best = round();
  for (int again = 1; again < 3 && best >= 50; ++again)
    best = std::min(best, round());
  CHECK(best < 50);
}

SCENARIO("a process that never waits ends at its budget", "[lua][engine]") {
  world w(short_budget());
  const auto line = "app:p1 (p1.lua):";
  auto ends = [&w, line](const std::string& text) {
    const auto end = w.run(text);
    INFO(end);
    CHECK(contains(end, "limit budget reached"));
    CHECK(contains(end, "300 ms"));
    CHECK(contains(end, ".lua):"));
    (void)line;
  };
  THEN("in a plain loop") {
    ends("while true do end");
  }
  THEN("whatever pcall, xpcall or error handlers try") {
    ends("while true do pcall(function() while true do end end) end");
    ends("xpcall(function() while true do end end, function() while true do end end) while true do "
         "end");
  }
  THEN("in coroutines, whoever resumes them") {
    ends("local co = coroutine.wrap(function() while true do end end) while true do pcall(co) end");
    ends("while true do coroutine.resume(coroutine.create(function() while true do end end)) end");
  }
  THEN("where Lua cannot be interrupted") {
    ends("table.sort({3, 2, 1}, function(a, b) while true do end end)");
    ends("while true do pcall(table.sort, {3, 2, 1}, function(a, b) while true do pcall(function() "
         "while true do end end) end end) end");
    ends("('x'):gsub('x', function() while true do end end)");
    ends("local co = coroutine.create(function() local c <close> = setmetatable({}, {__close = "
         "function() while true do end end}) coroutine.yield() end) coroutine.resume(co) "
         "coroutine.close(co)");
    ends("table.sort({3, 2, 1}, function(a, b) return coroutine.wrap(function() while true do end "
         "end)() end)");
  }
  THEN("in the shown form of its error") {
    const auto end =
        w.run("error(setmetatable({}, {__tostring = function() while true do end end}))");
    CHECK(contains(end, "error: "));
  }
  THEN("the error names the line, also in the log") {
    const auto end = w.run("local x = 1\nwhile true do\n  x = x + 1\nend");
    CHECK(contains(end, "error: app:p"));
    CHECK((contains(end, "lua):2: ") || contains(end, "lua):3: ")));
    CHECK(contains(w.logged(), "limit budget reached"));
  }
  THEN("waiting now and then starts the budget anew") {
    CHECK(w.run("local t = require 'time' for i = 1, 8 do local e = os.clock() + 0.1 "
                "while os.clock() < e do end t.sleep('1ms') end return 'alive'") == "alive");
  }
}

SCENARIO("memory is bounded", "[lua][engine]") {
  lua::lua_limits limits;
  limits.memory = 2u << 20;
  world w(limits);
  auto ends = [&w](const std::string& text) {
    const auto end = w.run(text);
    INFO(end);
    CHECK(contains(end, "out of memory: limit memory (2048 KiB) reached"));
  };
  THEN("a growing table ends the process alone") {
    ends("local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end");
    CHECK(w.run("return 'another lives'") == "another lives");
  }
  THEN("no pcall survives it") {
    ends("while true do pcall(function() local t = {} while true do t[#t + 1] = {} end end) end");
    ends("pcall(string.rep, 'x', 1 << 30) return 'survived'");
    ends("coroutine.resume(coroutine.create(function() return ('x'):rep(1 << 30) end)) return "
         "'survived'");
    ends("coroutine.wrap(function() pcall(string.rep, 'x', 1 << 30) end)() return 'survived'");
  }
  THEN("garbage does not count") {
    CHECK(w.run("for i = 1, 200 do local s = ('x'):rep(100000) .. i end return 'fine'") == "fine");
  }
  THEN("deep recursion is an error of the script") {
    const auto end = w.run("local function f() return 1 + f() end f()");
    CHECK((contains(end, "stack overflow") || contains(end, "limit memory")));
  }
}

SCENARIO("errors carry entry, line and traceback", "[lua][engine]") {
  world w;
  w.add("app.chat:hub.process", "local function inner()\n  error('went wrong')\nend\n"
                                "function run()\n  inner()\n  return 1\nend\nreturn {run = run}\n");
  auto hub = w.spawn_id("app.chat:hub.process");
  CHECK(w.end_of(hub) == "error: app.chat:hub.process (hub.process.lua):2: went wrong");
  CHECK(contains(w.logged(), "app.chat:hub.process {test@app:processes|0x0000"));
  CHECK(contains(w.logged(), "app.chat:hub.process (hub.process.lua):5: in function"));

  CHECK(w.run("error({code = 7})") == R"(error: {"code":7})");
  CHECK(w.run("error(setmetatable({}, {__tostring = function() return 'mine' end}))") ==
        "error: mine");
  CHECK(w.run("error(errors.new('typed'))").find("typed") != std::string::npos);
  CHECK(w.run("return nil, 'went away'") == "error: went away");
  CHECK(w.run("return nil, errors.new('gone')") == "error: gone");
  CHECK(w.run("return nil") == "");
  CHECK(w.run("return {a = {1, 2}}") == R"({"a":[1,2]})");
}
