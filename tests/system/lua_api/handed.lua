local check, events, funcs, pg, queue = require("check"), require("events"), require("funcs"), require("pg"), require("queue")

local sent = errors.new({ message = "busy", kind = errors.CONFLICT, retryable = true, details = { place = 3 } })

local function whole(err, what)
    check.same(type(err), "userdata", what)
    check.same(err:message(), "busy", what)
    check.same(err:kind(), errors.CONFLICT, what)
    check.same(err:retryable(), true, what)
    check.same(err:details().place, 3, what)
end

local function next_payload()
    return process.inbox():receive():payload()
end

local tests = {
    { "an error in a message arrives as one, alone and inside a table", function()
        process.send(process.pid(), "x", sent)
        local got = next_payload()
        check.same(got:get_format(), payload.format.ERROR)
        whole(got:data())
        check.same(got:transcode("text"):data(), '"busy"')
        check.same(got:transcode("json"):data(), "busy")
        process.send(process.pid(), "x", "first", { ok = false, all = { sent, "text" } })
        got = next_payload()
        whole(got[2]:data().all[1])
        check.same(got[2]:data().all[2], "text")
    end },
    { "it stays one when its payload is handed on", function()
        process.send(process.pid(), "x", sent)
        process.send(process.pid(), "x", next_payload())
        local got = next_payload()
        whole(got:data(), "alone")
        process.send(process.pid(), "x", { inside = got })
        whole(next_payload():data().inside, "inside")
    end },
    { "it arrives at channels of topics, from lists and groups", function()
        local heard = process.listen("failed")
        process.send({ process.pid(), process.pid() }, "failed", sent)
        whole(heard:receive(), "list")
        whole(heard:receive(), "list again")
        local group = pg.open("app:scope")
        group:join("handed")
        group:broadcast("handed", "failed", { sent })
        whole(heard:receive()[1], "group")
        group:leave("handed")
        process.unlisten(heard)
    end },
    { "what is inside an error arrives as well, and what has no JSON form stays away", function()
        process.send(process.pid(), "x", errors.new({ message = "outer", details = { cause = sent } }))
        whole(next_payload():data():details().cause)
        process.send(process.pid(), "x", errors.new({ message = "odd", details = { 1, x = 2 } }))
        local got = next_payload():data()
        check.same(got:message(), "odd")
        check.same(got:details(), nil)
        local loop = {}
        loop.err = errors.new({ message = "loop", details = loop })
        process.send(process.pid(), "x", loop.err)
        check.same(next_payload():data():message(), "loop")
    end },
    { "it arrives in results", function()
        whole(funcs.call("app:gives", sent), "function")
        whole(process.exec("app:gives.process", "system:processes", { sent })[1], "process")
        process.spawn_monitored("app:gives.process", "system:processes", sent)
        whole(process.events():receive().result.value, "EXIT")
    end },
    { "it arrives in events and from queues", function()
        local sub = events.subscribe("handed")
        events.send("handed", "kind", "/path", { err = sent })
        whole(sub:channel():receive().data.err, "event")
        sub:close()
        process.registry.register("handed.suite")
        queue.publish("app:handed.queue", sent)
        whole(next_payload():data(), "queue")
    end },
    { "a table that looks like one is none, nor is a text with its marks", function()
        local marks = ' {"\\u0001error":"no"}'
        process.send(process.pid(), "x", { sent, marks, { ["\1error"] = "no" } })
        local got = next_payload():data()
        check.same(got[2], marks)
        check.same(got[3]["\1error"], "no")
    end },
}

return { run = function() check.run("handed", tests) end }
