local check, time = require("check"), require("time")
local host = "system:processes"

local function ask(pid, topic, value)
    local answers = process.listen("echo")
    process.send(pid, topic, value)
    local got = answers:receive()
    process.unlisten(answers)
    return got
end

local tests = {
    { "a spawned process gets its arguments", function()
        local pid = process.spawn("app:echo", host, "argument")
        local got = ask(pid, "say", { n = 1 })
        check.same(got[1].n, 1)
        check.same(got[2], "argument")
        process.cancel(pid)
    end },
    { "a payload says its format", function()
        local format = payload.format
        check.same(format.JSON .. " " .. format.YAML .. " " .. format.STRING .. " " .. format.BYTES,
            "json/plain yaml/plain text/plain application/octet-stream")
        check.same(format.MSGPACK .. " " .. format.LUA .. " " .. format.GOLANG .. " " .. format.ERROR,
            "application/msgpack lua/any golang/any golang/error")
        check.same(payload.new({ a = 1 }):get_format(), format.LUA)
        check.same(payload.new("text"):get_format(), format.LUA)
        check.same(tostring(payload.new("text")), "payload{format=lua/any}")
        check.same(payload.new(errors.new("x")):get_format(), format.ERROR)
        check.same(payload.new(payload.json("1")):get_format(), format.JSON)
        local made = payload.new({ a = 1 }):transcode(format.JSON)
        check.same(made:get_format(), "json/plain")
        check.same(made:data().a, 1)
        check.same(made:transcode(format.STRING):get_format(), "text/plain")
        check.same(made:transcode("text"):data(), '{"a":1}')
        check.same(made:transcode(format.BYTES):get_format(), format.BYTES)
        check.same(made:transcode(format.LUA):data().a, 1)
        check.fails("Invalid", made:transcode(format.MSGPACK))
        process.send(process.pid(), "formats", "text", "\255", { 1 })
        local got = process.inbox():receive():payload()
        check.same(got[1]:get_format() .. " " .. got[2]:get_format() .. " " .. got[3]:get_format(),
            "text/plain application/octet-stream lua/any")
    end },
    { "a topic listened to may be a pattern", function()
        local some = process.listen("step.*.(a|b)")
        for _, topic in ipairs({ "step.1.a", "step.1.c", "step.1.2.a", "step.2.b" }) do
            process.send(process.pid(), topic, topic)
        end
        check.same(some:receive() .. " " .. some:receive(), "step.1.a step.2.b")
        check.same(process.inbox():receive():topic() .. process.inbox():receive():topic(), "step.1.cstep.1.2.a")
        process.unlisten(some)
    end },
    { "a JSON text is sent as it stands", function()
        local ready = payload.json('{"a": [1, 2]}')
        check.same(ready:get_format(), payload.format.JSON)
        check.same(ready:data().a[2], 2)
        process.send(process.pid(), "ready", ready)
        check.same(process.inbox():receive():payload():data().a[1], 1)
        check.fails("Invalid", payload.json("{nope}"))
        check.fails("Invalid", payload.json('"\255"'))
        check.fails("Invalid", payload.json(""))
    end },
    { "with_context reaches the process and what it was given before", function()
        local pid = process.with_context({ user = "ada" }):with_context({ level = 3 })
            :spawn("app:echo", host)
        local answers = process.listen("context")
        process.send(pid, "context")
        local got = answers:receive()
        process.unlisten(answers)
        check.same(got.user, "ada")
        check.same(got.level, 3)
    end },
    { "with_name registers before the process runs, and finds who has the name", function()
        local named = process.with_options({}):with_name("only.one")
        local pid = named:spawn("app:echo", host)
        check.same(process.registry.lookup("only.one"), pid)
        check.same(named:spawn("app:echo", host), pid)
    end },
    { "whoever has the name is monitored, and waited for", function()
        local named = process.with_options({}):with_name("only.one.waited.for")
        local pid = named:spawn("app:echo", host, "the end")
        check.same(named:spawn_monitored("app:echo", host), pid)
        local waiting, ended = channel.new(), channel.new(1)
        coroutine.spawn(function()
            waiting:send(true)
            ended:send(named:exec("app:echo", host))
        end)
        waiting:receive()
        process.cancel(pid)
        check.same(ended:receive(), "the end")
        check.same(process.events():receive().from, pid)
    end },
    { "what an unlistened channel had goes to who waits for it as well", function()
        local first, second = process.listen("moved.*", { message = true }), process.listen("moved.*")
        local heard = channel.new(1)
        coroutine.spawn(function() heard:send((second:receive())) end)
        process.send(process.pid(), "moved.on", "hello")
        time.sleep(1) -- the other task waits by now, and the message is at the first channel
        process.unlisten(first)
        check.same(heard:receive(), "hello")
        process.unlisten(second)
    end },
    { "a message that is garbage, and seen in a weak table all the same, does no harm", function()
        local weak, inbox = setmetatable({}, { __mode = "k" }), process.inbox()
        for round = 1, 1000 do
            process.send(process.pid(), "garbage", ("x"):rep(100))
            weak[inbox:receive()] = { {}, {}, {}, {}, {}, {}, {}, {} }
            for message in pairs(weak) do
                local good, told = pcall(message.topic, message)
                check.yes(told == "garbage" or tostring(told):find("the message is gone", 1, true), told)
            end
        end
    end },
    { "with_message is in the mailbox when the process begins", function()
        local answers = process.listen("echo")
        process.with_context({}):with_message("say", "early"):spawn("app:echo", host)
        check.same(answers:receive(), "early")
        process.unlisten(answers)
    end },
    { "a builder is used with a colon", function()
        check.raises("colon", function() process.with_context({}).spawn("app:echo", host) end)
    end },
    { "an upgrade keeps the PID and what waited", function()
        local pid = process.spawn_monitored("app:echo", host)
        local answers = process.listen("upgraded")
        process.send(pid, "upgrade")
        process.send(pid, "say", "later")
        local got = answers:receive()
        process.unlisten(answers)
        check.same(got.pid, pid)
        check.same(got.before, "from " .. pid)
        check.same(got.heard, "later")
        local event = process.events():receive()
        check.same(event.kind, process.event.EXIT)
        check.same(event.from, pid)
    end },
    { "an upgrade to nothing is an error", function()
        check.fails("NotFound", process.upgrade("app:nothing"))
    end },
    { "EXIT has the result, or the error", function()
        local pid = process.spawn_monitored("app:echo", host, "the end")
        process.cancel(pid)
        check.same(process.events():receive().result.value, "the end")
        pid = process.spawn_monitored("app:echo", host)
        process.send(pid, "fail")
        local event = process.events():receive()
        check.yes(tostring(event.result.error):find("as it was told", 1, true))
    end },
    { "a linked process that fails is told to who traps links", function()
        process.set_options({ trap_links = true })
        local pid = process.spawn_linked("app:echo", host)
        process.send(pid, "fail")
        local event = process.events():receive()
        check.same(event.kind, process.event.LINK_DOWN)
        check.same(event.from, pid)
        process.set_options({ trap_links = false })
    end },
    { "terminate ends a process", function()
        local pid = process.spawn_monitored("app:echo", host)
        process.terminate(pid)
        local event = process.events():receive()
        check.same(tostring(event.result.error), "terminated")
    end },
    { "names of a wider scope are their holder's", function()
        local pid = process.spawn("app:echo", host)
        process.registry.register("wide", pid, process.registry.STRONG)
        check.same(process.registry.unregister("wide", process.registry.STRONG), false)
        check.same(process.registry.unregister("wide"), true)
        check.fails("NotFound", process.registry.lookup("wide"))
    end },
    { "a name has a length that can be shown", function()
        check.same(process.registry.register(("n"):rep(1024)), true)
        check.fails("Invalid", process.registry.register(("n"):rep(1025)))
        process.registry.unregister(("n"):rep(1024))
    end },
    { "options that do not exist are named", function()
        local good, problem = process.set_options({ nothing = true })
        check.same(good, false)
        check.yes(problem:message():find("option nothing is not supported", 1, true))
        check.same(process.set_options({ upgradable = true }), true)
    end },
    { "a thousand processes answer", function()
        local answers = process.listen("echo")
        for i = 1, 1000 do
            process.send(process.spawn("app:echo", host), "say", i)
        end
        local sum = 0
        for _ = 1, 1000 do sum = sum + answers:receive() end
        process.unlisten(answers)
        check.same(sum, 500500)
    end },
}

return { run = function() check.run("processes", tests) end }
