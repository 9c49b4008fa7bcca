#include "lua_world.hpp"
#include "tests/catch.hpp"

using namespace test;

SCENARIO("values pass through channels", "[lua][channel]") {
  world w;

  THEN("a buffered channel keeps order and takes as much as it holds without waiting") {
    CHECK(w.run(R"(
      local ch = channel.new(3)
      ch:send('a') ch:send(2) ch:send({x = 1})
      local a, ok1 = ch:receive()
      local b, ok2 = ch:receive()
      local c, ok3 = ch:receive()
      return a .. b .. c.x .. tostring(ok1 and ok2 and ok3))") == "a21true");
  }
  THEN("nil and false are values like others") {
    CHECK(w.run(R"(
      local ch = channel.new(2)
      ch:send(nil) ch:send(false)
      local a, ok1 = ch:receive()
      local b, ok2 = ch:receive()
      return tostring(a) .. tostring(ok1) .. tostring(b) .. tostring(ok2))") == "niltruefalsetrue");
  }
  THEN("an unbuffered channel hands over from task to task, both ways round") {
    CHECK(w.run(R"(
      local ch, out = channel.new(), {}
      coroutine.spawn(function() for i = 1, 3 do ch:send(i) end ch:close() end)
      while true do
        local v, ok = ch:receive()
        if not ok then break end
        out[#out + 1] = v
      end
      local back = channel.new()
      coroutine.spawn(function() for i = 4, 6 do out[#out + 1] = back:receive() end back:close() end)
      back:send(4) back:send(5) back:send(6) back:receive()
      return table.concat(out, ' '))") == "1 2 3 4 5 6");
  }
  THEN("a full buffer makes senders wait; they go on in order") {
    CHECK(w.run(R"(
      local ch, log = channel.new(1), {}
      for i = 1, 4 do coroutine.spawn(function() ch:send(i) log[#log + 1] = 'sent' .. i end) end
      local done = channel.new()
      coroutine.spawn(function()
        for i = 1, 4 do log[#log + 1] = 'got' .. ch:receive() end
        done:send(true)
      end)
      done:receive()
      return table.concat(log, ' '))")
              .find("got1 ") != std::string::npos);
  }
  THEN("receivers that wait get values in the order they came") {
    CHECK(w.run(R"(
      local ch, out, done = channel.new(), {}, channel.new(3)
      for i = 1, 3 do coroutine.spawn(function() out[i] = ch:receive() done:send(1) end) end
      coroutine.spawn(function() ch:send('x') ch:send('y') ch:send('z') end)
      for i = 1, 3 do done:receive() end
      return out[1] .. out[2] .. out[3])") == "xyz");
  }
}

SCENARIO("channels are closed", "[lua][channel]") {
  world w;
  THEN("what is buffered is still received, then nil and false") {
    CHECK(w.run(R"(
      local ch = channel.new(2)
      ch:send(1) ch:close() ch:close()
      local a, ok = ch:receive()
      local b, ok2 = ch:receive()
      return tostring(a) .. tostring(ok) .. tostring(b) .. tostring(ok2))") == "1truenilfalse");
  }
  THEN("sending raises, also for a sender that waits") {
    const auto said = w.run(R"(
      local ch = channel.new()
      local said = channel.new(1)
      coroutine.spawn(function() said:send({pcall(ch.send, ch, 1)}) end)
      coroutine.spawn(function() ch:close() end)
      local result = said:receive()
      local ok, err = pcall(ch.send, ch, 2)
      return tostring(result[1]) .. tostring(result[2]) .. tostring(ok) .. tostring(err))");
    CHECK(said == "falsesend on closed channelfalsesend on closed channel");
  }
  THEN("a receiver that waits gets nil and false") {
    CHECK(w.run(R"(
      local ch = channel.new()
      coroutine.spawn(function() ch:close() end)
      local v, ok = ch:receive()
      return tostring(v) .. tostring(ok))") == "nilfalse");
  }
}

SCENARIO("select takes the first ready case", "[lua][channel]") {
  world w;
  THEN("in list order, with the very channel in the result") {
    CHECK(w.run(R"(
      local a, b = channel.new(1), channel.new(1)
      b:send('b') a:send('a')
      local r = channel.select{a:case_receive(), b:case_receive()}
      local s = channel.select{a:case_receive(), b:case_receive()}
      return tostring(r.channel == a and r.value == 'a' and r.ok == true
                      and s.channel == b and s.value == 'b'))") == "true");
  }
  THEN("without a ready case the default is taken, in both spellings") {
    CHECK(w.run(R"(
      local a = channel.new()
      local r = channel.select{a:case_receive(), default = true}
      local s = channel.select({a:case_receive()}, true)
      return tostring(r.default and r.ok and r.channel == nil and s.default))") == "true");
  }
  THEN("it waits for whichever comes") {
    CHECK(w.run(R"(
      local a, b = channel.new(), channel.new()
      coroutine.spawn(function() b:send(7) end)
      local r = channel.select{a:case_receive(), b:case_receive()}
      return tostring(r.channel == b) .. r.value)") == "true7");
  }
  THEN("a send case goes through when somebody receives") {
    CHECK(w.run(R"(
      local a, b, got = channel.new(), channel.new(), channel.new(1)
      coroutine.spawn(function() got:send(a:receive()) end)
      local r = channel.select{b:case_receive(), a:case_send('v')}
      return tostring(r.channel == a and r.ok) .. got:receive() .. r.value)") == "truevv");
  }
  THEN("a send case that waits says what was sent") {
    CHECK(w.run(R"(
      local a, got = channel.new(), channel.new(1)
      coroutine.spawn(function() got:send(channel.select{a:case_send('v')}.value) end)
      require('time').sleep('1ms')
      return a:receive() .. got:receive())") == "vv");
  }
  THEN("two selects that send and receive find each other") {
    CHECK(w.run(R"(
      local a, b, got = channel.new(), channel.new(), channel.new(1)
      coroutine.spawn(function() got:send(channel.select{b:case_receive(), a:case_receive()}.value) end)
      coroutine.spawn(function() channel.select{a:case_send('hello'), b:case_receive()} end)
      return got:receive())") == "hello");
  }
  THEN("a closed channel is ready with ok false") {
    CHECK(w.run(R"(
      local a = channel.new() a:close()
      local r = channel.select{a:case_receive()}
      return tostring(r.channel == a) .. tostring(r.ok) .. tostring(r.value))") == "truefalsenil");
  }
  THEN("what is no case is ignored") {
    CHECK(w.run(R"(
      local a = channel.new(1) a:send(1)
      return channel.select{'x', {}, a:case_receive()}.value)") == "1");
  }
  THEN("changing the list while it waits changes nothing") {
    CHECK(w.run(R"(
      local a = channel.new()
      local list = {a:case_receive()}
      coroutine.spawn(function() list[1] = nil a:send('still') end)
      return channel.select(list).value)") == "still");
  }
}

SCENARIO("wrong use of channels is explained", "[lua][channel]") {
  world w;
  CHECK(w.run("local ch = channel.new() return select(2, pcall(function() ch.receive() end))")
            .find("write ch:receive(...), not ch.receive(...)") != std::string::npos);
  CHECK(w.run("return select(2, pcall(channel.new, -1))").find("capacity is negative") !=
        std::string::npos);
  CHECK(w.run("return select(2, pcall(function() process.inbox():send(1) end))")
            .find("use process.send") != std::string::npos);
}

SCENARIO("the number of channels is bounded", "[lua][channel]") {
  lua::lua_limits limits;
  limits.channels = 10;
  world w(limits);
  THEN("those in use count, those forgotten do not") {
    CHECK(w.run("for i = 1, 1000 do channel.new() end return 'fine'") == "fine");
    CHECK(w.run("local t = {} for i = 1, 10 do t[i] = channel.new() end "
                "return select(2, pcall(channel.new))")
              .find("limit channels (10) reached") != std::string::npos);
  }
}
