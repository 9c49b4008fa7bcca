#include "lua_world.hpp"
#include "tests/catch.hpp"

using namespace test;

SCENARIO("coroutines behave as in Lua", "[lua][coroutine]") {
  world w;
  CHECK(w.run(R"(
    local co = coroutine.create(function(a, b)
      local c = coroutine.yield(a + b)
      local d, e = coroutine.yield(c * 2)
      return d + e
    end)
    local out = {}
    for _, args in ipairs{{1, 2}, {10}, {3, 4}} do
      local ok, v = coroutine.resume(co, table.unpack(args))
      out[#out + 1] = tostring(ok) .. v
    end
    out[#out + 1] = coroutine.status(co)
    out[#out + 1] = select(2, coroutine.resume(co))
    return table.concat(out, ' '))") == "true3 true20 true7 dead cannot resume dead coroutine");
  CHECK(w.run(R"(
    local out = {}
    for k, v in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i, i * i) end end) do
      out[#out + 1] = k .. '=' .. v
    end
    return table.concat(out, ','))") == "1=1,2=4,3=9");
  CHECK(w.run("return select(2, pcall(coroutine.wrap(function() error('x', 0) end)))") == "x");
  CHECK(w.run("local ok, e = coroutine.resume(coroutine.create(function() error({code = 7}) end)) "
              "return tostring(ok) .. e.code") == "false7");
  CHECK(w.run("return select(2, pcall(coroutine.yield, 1))").find("outside a coroutine") !=
        std::string::npos);
  CHECK(w.run("local co = coroutine.create(function() coroutine.yield() end) "
              "coroutine.resume(co) "
              "return tostring(coroutine.close(co)) .. coroutine.status(co)") == "truedead");
  CHECK(w.run("local co = coroutine.create(function() local c <close> = "
              "setmetatable({}, {__close = function() error('in close', 0) end}) coroutine.yield() "
              "end) "
              "coroutine.resume(co) local ok, e = coroutine.close(co) return tostring(ok) .. e") ==
        "falsein close");
  CHECK(w.run("local co co = coroutine.create(function() return coroutine.resume(co) end) "
              "local _, ok, e = coroutine.resume(co) return tostring(ok) .. e") ==
        "falsecannot resume non-suspended coroutine");
  CHECK(w.run("return tostring(select(2, coroutine.running()))") == "true");
}

SCENARIO("a wait deep inside coroutines suspends the whole task", "[lua][coroutine]") {
  world w;
  THEN("values and order stay right, whatever the depth") {
    CHECK(w.run(R"(
      local ch = channel.new()
      local function nest(depth)
        if depth == 0 then
          coroutine.yield('first ' .. ch:receive())
          return 'second ' .. ch:receive()
        end
        local inner = coroutine.wrap(nest)
        coroutine.yield(inner(depth - 1))
        return inner()
      end
      coroutine.spawn(function() ch:send('a') ch:send('b') end)
      local co = coroutine.create(nest)
      local _, one = coroutine.resume(co, 20)
      local _, two = coroutine.resume(co)
      return one .. ', ' .. two)") == "first a, second b");
  }
  THEN("it works through pcall, metamethods and iterators") {
    CHECK(w.run(R"(
      local ch, out = channel.new(), {}
      coroutine.spawn(function() for i = 1, 4 do ch:send(i) end end)
      local t = setmetatable({}, {__index = function() return ch:receive() end,
                                  __add = function() return ch:receive() end})
      out[1] = select(2, pcall(function() return ch:receive() end))
      out[2] = t.x
      out[3] = t + t
      for v in function(_, last) if not last then return ch:receive() end end do out[4] = v end
      return table.concat(out, ' '))") == "1 2 3 4");
  }
  THEN("nobody else can resume or close a coroutine on the way") {
    CHECK(w.run(R"(
      local ch = channel.new()
      local co = coroutine.create(function() return ch:receive() end)
      local out = channel.new(1)
      coroutine.spawn(function()
        local ok, why = coroutine.resume(co)
        local ok2, why2 = pcall(coroutine.close, co)
        out:send(coroutine.status(co) .. ', ' .. why .. ', ' .. why2)
        ch:send('end')
      end)
      local _, v = coroutine.resume(co)
      return out:receive() .. ', ' .. v)") ==
          "normal, cannot resume non-suspended coroutine, cannot close a normal coroutine, end");
  }
  THEN("where a C function cannot be left, waiting raises instead of hanging") {
    CHECK(w.run(R"(
      local ch = channel.new()
      local ok, err = pcall(table.sort, {2, 1}, function(a, b) ch:receive() return a < b end)
      return err)")
              .find("cannot wait here") != std::string::npos);
    CHECK(w.run(R"(
      local ch = channel.new()
      local ok, err = pcall(table.sort, {2, 1}, function(a, b)
        return coroutine.wrap(function() return ch:receive() end)()
      end)
      return err)")
              .find("cannot wait here") != std::string::npos);
  }
}

SCENARIO("spawned tasks", "[lua][coroutine]") {
  world w;
  THEN("get their arguments and run when the others wait") {
    CHECK(w.run(R"(
      local ch, log = channel.new(), {'main'}
      coroutine.spawn(function(a, b) log[#log + 1] = a .. b ch:send(1) end, 'x', 'y')
      log[#log + 1] = 'before'
      ch:receive()
      return table.concat(log, ' '))") == "main before xy");
  }
  THEN("an error in one ends the process, with its line") {
    const auto end = w.run("coroutine.spawn(function()\n error('broken') end)\n"
                           "channel.new():receive()");
    CHECK(end.find("error: app:p1 (p1.lua):2: broken") == 0);
  }
  THEN("they end with the main function") {
    CHECK(w.run("coroutine.spawn(function() channel.new():receive() end) return 'done'") == "done");
  }
}
