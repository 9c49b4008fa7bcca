#include "runtime/lua/program/sandbox.hpp"

#include "lua_world.hpp"
#include "tests/catch.hpp"

using namespace test;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

SCENARIO("what a script finds", "[lua][sandbox]") {
  world w;
  CHECK(w.run(R"(
    local missing = {}
    for name in ([[_G _VERSION assert error pcall xpcall select type tostring tonumber pairs ipairs next
      rawget rawset rawequal getmetatable setmetatable unpack print require table string math os
      coroutine errors process channel payload pubsub]]):gmatch('%S+') do
      if _G[name] == nil then missing[#missing + 1] = name end
    end
    return table.concat(missing, ' '))") == "");
  CHECK(w.run(R"(
    local there = {}
    for name in ([[load loadstring loadfile dofile collectgarbage rawlen io debug package utf8 warn
      os.execute os.exit os.remove os.rename os.tmpname os.getenv os.setlocale string.dump]]):gmatch('%S+') do
      local value = _G
      for part in name:gmatch('[^.]+') do value = value and value[part] end
      if value ~= nil then there[#there + 1] = name end
    end
    return table.concat(there, ' '))") == "");
  CHECK(w.run("return type(os.platform) .. math.type(os.time()) .. type(os.clock())") ==
        "stringintegernumber");
}

SCENARIO("library tables are read-only, globals are the script's own", "[lua][sandbox]") {
  world w;
  for (const auto* name : {"string.x", "math.pi", "process.send", "coroutine.wrap", "errors.new",
                           "require('json').encode", "require('time').now", "os.time"})
    CHECK(contains(w.run("return select(2, pcall(function() " + std::string(name) + " = 1 end))"),
                   "library tables are read-only"));
  CHECK(w.run("return tostring(getmetatable('')) .. tostring(getmetatable(string)) .. "
              "tostring(getmetatable(channel.new()))") == "falsefalsefalse");
  CHECK(
      w.run(
          "local n = 0 for k, v in pairs(string) do n = n + (type(v) == 'function' and 1 or 0) end "
          "return tostring(n > 10)") == "true");
  w.run("shared = 1");
  CHECK(w.run("return tostring(shared)") == "nil");
  CHECK(w.run("helper = function() return 'late' end return helper()") == "late");
}

SCENARIO("libraries made on first use are there for whoever looks at the globals",
         "[lua][sandbox]") {
  world w;
  CHECK(w.run("setmetatable(_G, {__index = function(_, name) error('undeclared ' .. name, 0) end}) "
              "local ok, err = pcall(function() return nope end) return math.max(1, 2) .. err") ==
        "2undeclared nope");
  CHECK(w.run("local m = math return tostring(m == math and m == _G.math and rawget(_G, 'math') == "
              "m)") == "true");
}

SCENARIO("nothing runs behind a limit's back", "[lua][sandbox]") {
  world w;
  CHECK(w.run("ran = 'no' do local x = setmetatable({}, {__gc = function() ran = 'yes' end}) end "
              "for i = 1, 1e5 do local t = {i} end return ran") == "no");
  CHECK(w.run("local mt = {__gc = true} local x = setmetatable({}, mt) mt.__gc = function() ran = "
              "1 end "
              "x = nil for i = 1, 1e5 do local t = {i} end return tostring(ran)") == "nil");
}

SCENARIO("a wrong argument is told with name and place, also if pcall is the caller", "[lua][sandbox]") {
  world w;
  // Each time another program: the place is taken off, if there is one.
  const auto said = [&w](const std::string& call) {
    return w.run("local text = select(2, pcall(" + call + ")) "
                 "local rest = text:match('^app:%w+ %(%w+%.lua%):1: (.*)') return rest and '@' .. rest or text");
  };
  const std::string no_text = " (string expected, got no value)";
  CHECK(said("process.listen") == "@bad argument #1 to 'process.listen'" + no_text);
  CHECK(said("process.exec") == "@bad argument #1 to 'process.exec'" + no_text);
  CHECK(said("process.monitor") == "@bad argument #1 to 'process.monitor'" + no_text);
  CHECK(said("process.registry.register") ==
        "@bad argument #1 to 'process.registry.register'" + no_text);
  CHECK(said("string.rep") == "@bad argument #1 to 'string.rep'" + no_text);
  CHECK(said("coroutine.spawn, 5") ==
        "@bad argument #1 to 'coroutine.spawn' (function expected, got number)");
  CHECK(said("require") == "@require takes the name of a module, got no value");
  CHECK(said("require, 5").starts_with("@module '5' not found"));
  CHECK(said("require('time').sleep, 'x'").starts_with("@a duration is a text"));
  CHECK(said("process.spawn").starts_with("@a process is started with"));
  CHECK(said("error, 'as it is'") == "as it is");
  CHECK(said("function() process.listen() end") ==
        "@bad argument #1 to 'listen'" + no_text);
}

SCENARIO("print writes one line with single spaces", "[lua][sandbox]") {
  world w;
  w.run(
      "print('a', 1, nil, true, {} ~= nil) print() print(setmetatable({}, {__tostring = function() "
      "return 'shown' end}))");
  CHECK(w.printed() == "a 1 nil true true\n\nshown\n");
}

SCENARIO("require", "[lua][sandbox]") {
  world w;
  auto util = w.add("app:util",
                    "local json = require('json') loads = (loads or 0) + 1 "
                    "return {twice = function(s) return json.encode({s, s}) end}",
                    "", {"json"});
  auto silent = w.add("app:silent", "made_by_library = 'seen'", "", {});
  w.add("app:user",
        "local u = require('util') require('util') require('silent') "
        "return u.twice('x') .. loads .. made_by_library .. "
        "tostring(require('process') == process) .. tostring(pcall(require, 'json'))",
        "", {}, {{"util", util}, {"silent", silent}});
  CHECK(w.end_of(w.spawn_id("app:user")) == R"(["x","x"]1seentruefalse)");
  w.add("app:none",
        "return select(2, pcall(require, 'json')) .. '|' .. select(2, pcall(require, 'nope'))", "",
        {});
  const auto said = w.end_of(w.spawn_id("app:none"));
  CHECK(contains(said, "module 'json' is not granted: add it to `modules` of app:none"));
  CHECK(contains(said, "module 'nope' not found"));
  auto broken = w.add("app:broken", "local x\nerror('no luck')", "", {});
  w.add("app:uses", "require('broken')", "", {}, {{"broken", broken}});
  CHECK(w.end_of(w.spawn_id("app:uses")) == "error: app:broken (broken.lua):2: no luck");
  CHECK(lua::is_module("json"));
  CHECK(lua::is_module("process"));
  CHECK_FALSE(lua::is_module("excel"));
}

SCENARIO("the method", "[lua][sandbox]") {
  world w;
  w.add("app:direct", "return function(a) return 'direct ' .. a end");
  CHECK(w.end_of(w.spawn_id("app:direct", {hub::payload::text("x")})) == "direct x");
  w.add("app:missing", "return {other = function() end}");
  CHECK(contains(w.end_of(w.spawn_id("app:missing")), "method 'run' not found"));
  w.add("app:nothing", "local x = 1");
  auto nothing = w.spawn_id("app:nothing");
  CHECK(contains(w.end_of(nothing), "method 'run' not found"));
  CHECK(contains(std::string(nothing.self->result().error_facts.bytes()), R"("missing_method":"run")"));
}
