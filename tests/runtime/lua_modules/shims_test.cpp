#include "test_state.hpp"

#include "tests/catch.hpp"

using natterjack::tests::test_state;

SCENARIO("string.rep repeats, and ends", "[shims]") {
  test_state lua;
  CHECK(lua.run("return ('ab'):rep(3)") == "ababab");
  CHECK(lua.run("return ('ab'):rep(3, '-')") == "ab-ab-ab");
  CHECK(lua.run("return ('ab'):rep(1, '-')") == "ab");
  CHECK(lua.run("return (''):rep(3, '-')") == "--");
  CHECK(lua.run("return ('ab'):rep(0)") == "");
  CHECK(lua.run("return ('ab'):rep(-1)") == "");
  CHECK(lua.run("return (''):rep(math.maxinteger)") == "");
  CHECK(lua.run("return ('a'):rep(math.maxinteger)") ==
        "error: chunk:1: resulting string too large");
  CHECK(lua.run("for n = 0, 40 do for _, sep in ipairs{'', '-', ', '} do for _, s in ipairs{'', "
                "'x', 'abc'} do "
                "assert(s:rep(n, sep) == stock.string.rep(s, n, sep)) end end end return 'same'") ==
        "same");
}

SCENARIO("the functions of table do what Lua's do", "[shims]") {
  test_state lua;
  lua.run(R"(
    local function show(...)
      local out = table.pack(...)
      for i = 1, out.n do
        if type(out[i]) == "table" then
          local t = {}
          for k, v in pairs(out[i]) do t[#t + 1] = tostring(k) .. "=" .. type(v) .. #tostring(v) end
          stock.table.sort(t)
          out[i] = "{" .. stock.table.concat(t, " ") .. "}"
        end
        out[i] = tostring(out[i])
      end
      if out[1] == "false" then out[2] = out[2]:gsub("^[^:]*:%d+: ", ""):gsub("#%d to '.-'", "") end
      return stock.table.concat(out, " ", 1, out.n)
    end
    function compare(name, make, ...)
      local a, b = make(), make()
      local ours = show(pcall(table[name], a, ...)) .. show(a)
      local theirs = show(pcall(stock.table[name], b, ...)) .. show(b)
      return ours == theirs and "same" or ours .. " | " .. theirs
    end)");
  const char* const calls[] = {"'insert', t, 'x'",
                               "'insert', t, 1, 'x'",
                               "'insert', t, 4, 'x'",
                               "'insert', t",
                               "'insert', t, 1, 2, 3",
                               "'insert', t, 'a', 2",
                               "'insert', empty, 1, 'x'",
                               "'insert', proxy, 2, 'x'",
                               "'remove', t",
                               "'remove', t, 1",
                               "'remove', t, 3",
                               "'remove', t, 4",
                               "'remove', empty",
                               "'remove', empty, 0",
                               "'remove', empty, 1",
                               "'remove', proxy, 1",
                               "'move', t, 1, 3, 2",
                               "'move', t, 2, 3, 1",
                               "'move', t, 1, 0, 5",
                               "'move', t, 1, 3, 2, {}",
                               "'move', t, 1, math.maxinteger, 2",
                               "'move', t, -1, math.maxinteger, 2",
                               "'concat', t",
                               "'concat', t, ', '",
                               "'concat', t, ',', 2",
                               "'concat', t, ',', 2, 3",
                               "'concat', t, ',', 3, 2",
                               "'concat', t, ',', 1, 4",
                               "'concat', empty",
                               "'concat', proxy, '-'",
                               "'concat', t, {}",
                               "'sort', t",
                               "'sort', t, function(a, b) return a > b end",
                               "'sort', mixed",
                               "'sort', t, 5",
                               "'concat', function() return {{}} end"};
  lua.run(
      "function t() return {'c', 'a', 'b'} end function empty() return {} end "
      "function mixed() return {1, 'a'} end "
      "function proxy() local inner = {'p', 'q', 'r'} return setmetatable({}, {__index = inner, "
      "__newindex = inner, __len = function() return #inner end}) end");
  for (const std::string call : calls) {
    CAPTURE(call);
    CHECK(lua.run("return compare(" + call + ")") == "same");
  }
  for (const char* name : {"insert", "remove", "move", "concat", "sort"}) {
    CAPTURE(name);
    CHECK(lua.run("local function other() return 5 end return compare('" + std::string(name) +
                  "', other, 1, 2, 3)") == "same");
  }
}

SCENARIO("a position outside of a list is set, or has nothing to be removed", "[shims]") {
  test_state lua;
  CHECK(lua.run("local t = {1, 2} table.insert(t, 5, 'x') return t[5] .. #t") == "x2");
  CHECK(lua.run("local t = {1, 2} table.insert(t, 0, 'x') return t[0] .. t[1] .. #t") == "x12");
  CHECK(lua.run("local t = {1, 2} return tostring(table.remove(t, 4)) .. #t") == "nil2");
  CHECK(lua.run("local t = {[0] = 0, 1, 2} return tostring(table.remove(t, 0)) .. t[0] .. #t") ==
        "nil02");
  CHECK(lua.run("return table.getn({1, 2}) .. table.maxn({[7] = 1, [3.5] = 1})") == "27");
  CHECK(lua.run("return tostring(pcall(table.create, -1)) .. #table.create(10, 1e9)") == "false0");
}

SCENARIO("sorting is right for any size and keeps equal elements in order", "[shims]") {
  test_state lua;
  CHECK(lua.run(R"(
    math.randomseed(7)
    for size = 0, 70 do
      local t = {}
      for i = 1, size do t[i] = {key = math.random(1, 10), place = i} end
      table.sort(t, function(a, b) return a.key < b.key end)
      for i = 2, size do
        local a, b = t[i - 1], t[i]
        assert(a.key < b.key or a.key == b.key and a.place < b.place)
      end
    end
    local t = {}
    for i = 1, 20000 do t[i] = math.random(1, 1000000) end
    local u = table.move(t, 1, #t, 1, {})
    table.sort(t) stock.table.sort(u)
    for i = 1, #t do assert(t[i] == u[i]) end
    return "sorted")") == "sorted");
  GIVEN("a comparison that contradicts itself") {
    CHECK(lua.run("local t = {} for i = 1, 500 do t[i] = i end "
                  "table.sort(t, function() return true end) local seen = {} "
                  "for i = 1, 500 do seen[t[i]] = true end return #t == 500 and #seen == 500") ==
          "true");
  }
}

SCENARIO("tables that claim to be huge do not hold the thread", "[shims]") {
  test_state lua;
  lua.run("huge = setmetatable({}, {__len = function() return 1 << 60 end})");
  const auto says = [&lua](const char* call, const char* text) {
    CAPTURE(call);
    CHECK(lua.run(std::string("return ") + call).find(text) != std::string::npos);
  };
  says("table.insert(huge, 1, 'x')", "table.insert: more than 10000000 elements in one call");
  says("table.remove(huge, 1)", "table.remove: more than 10000000 elements in one call");
  says("table.move({}, 1, 1 << 60, 2)", "table.move: more than 10000000 elements in one call");
  says("table.sort(huge)", "table.sort: more than 1000000 elements");
  says("table.unpack({}, 1, 1 << 60)", "too many results to unpack");
  says("table.concat(setmetatable({}, {__index = type}), '', 1, 1 << 60)",
       "table.concat: more than 10000000 elements in one call");
}

SCENARIO("what scripts for older Lua versions expect is there", "[shims]") {
  test_state lua;
  CHECK(lua.run("return select('#', unpack({1, 2, 3}))") == "3");
  CHECK(lua.run("return math.pow(2, 10)") == "1024.0");
  CHECK(lua.run("return math.log10(1000)") == "3.0");
  CHECK(lua.run("return math.atan2(1, 1) == math.atan(1, 1)") == "true");
  CHECK(lua.run("return math.sinh(0) + math.cosh(0) + math.tanh(0)") == "1.0");
  CHECK(lua.run("return math.pow('x', 1)").find("number expected, got string") !=
        std::string::npos);
}

SCENARIO("os gives times and dates and nothing else", "[shims]") {
  test_state lua;
  CHECK(lua.run("local names = {} for k in pairs(os) do names[#names + 1] = k end "
                "table.sort(names) return table.concat(names, ' ')") ==
        "clock date difftime platform time");
  CHECK(lua.run("return math.type(os.time())") == "integer");
  CHECK(lua.run("return math.abs(os.time() - stock.os.time()) <= 1") == "true");
  CHECK(lua.run("return os.date('!%Y-%m-%d %H:%M:%S', 1703862245)") == "2023-12-29 15:04:05");
  CHECK(lua.run("return os.date('!*t', 0).year") == "1970");
  CHECK(lua.run("local t = {year = 2024, month = 12, day = 25, hour = 10, min = 30, sec = 5} "
                "return os.time(t) == stock.os.time(t)") == "true");
  CHECK(lua.run("return os.date('%H:%M:%S', os.time{year = 2024, month = 6, day = 15})") ==
        "00:00:00");
  CHECK(lua.run("return os.date('%Y-%m', os.time{day = 1}) == os.date('%Y-%m')") == "true");
  CHECK(lua.run("local t = {year = 2024, month = 14, day = -1} os.time(t) "
                "return t.year .. '-' .. t.month .. '-' .. t.day") == "2025-1-30");
  CHECK(lua.run("return os.time{year = 'x'}").find("field 'year' is not an integer") !=
        std::string::npos);
  CHECK(lua.run("return os.time{year = 1 << 40}").find("field 'year' is out-of-bound") !=
        std::string::npos);
  CHECK(lua.run("return os.difftime(10, 4)") == "6.0");
  CHECK(lua.run("local a = os.clock() return os.clock() >= a") == "true");
}
