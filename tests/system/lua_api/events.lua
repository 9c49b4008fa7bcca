local check, events, time = require("check"), require("events"), require("time")

local tests = {
    { "an event reaches who subscribed to its system", function()
        local sub = events.subscribe("orders")
        check.same(events.send("orders", "order.created", "/orders/1", { total = 9.5 }), true)
        local event = sub:channel():receive()
        check.same(event.system .. " " .. event.kind .. " " .. event.path, "orders order.created /orders/1")
        check.same(event.data.total, 9.5)
        sub:close()
    end },
    { "patterns and kinds choose", function()
        local all = events.subscribe("shop.*")
        local some = events.subscribe("shop.*", "order.*")
        local none = events.subscribe("shop")
        events.send("shop.a", "order.created", "/1")
        events.send("shop.b", "user.created", "/2", "text")
        check.same(all:channel():receive().path, "/1")
        local second = all:channel():receive()
        check.same(second.data, "text")
        check.same(some:channel():receive().path, "/1")
        check.same(channel.select({ some:channel():case_receive(), default = true }).default, true)
        check.same(channel.select({ none:channel():case_receive(), default = true }).default, true)
        all:close() some:close() none:close()
    end },
    { "patterns are compared between dots", function()
        local subs, took = {}, {}
        for _, pattern in ipairs({ "test.*", "test.(a|b)", "test.**", "*" }) do
            subs[pattern], took[pattern] = events.subscribe(pattern), {}
        end
        for _, system in ipairs({ "test.match", "test.a.b", "test.a", "other", "test" }) do
            events.send(system, "kind", "/path")
        end
        local expected = { ["test.*"] = "test.match test.a", ["test.(a|b)"] = "test.a",
            ["test.**"] = "test.match test.a.b test.a test" }
        for pattern, systems in pairs(expected) do
            for _ in systems:gmatch("%S+") do
                table.insert(took[pattern], subs[pattern]:channel():receive().system)
            end
            check.same(table.concat(took[pattern], " "), systems, pattern)
            check.same(channel.select({ subs[pattern]:channel():case_receive(), default = true }).default, true)
        end
        check.same(subs["*"]:channel():receive().system, "other")
        for _, sub in pairs(subs) do sub:close() end
    end },
    { "an event without data has none", function()
        local sub = events.subscribe("bare")
        events.send("bare", "kind", "/path")
        check.same(sub:channel():receive().data, nil)
        sub:close()
    end },
    { "close ends the channel", function()
        local sub = events.subscribe("closing")
        sub:close()
        sub:close()
        local value, ok = sub:channel():receive()
        check.same(value, nil)
        check.same(ok, false)
        check.same(events.send("closing", "kind", "/path"), true)
    end },
    { "what is missing is an error", function()
        check.fails("Invalid", events.subscribe(""))
        check.fails("Invalid", events.send("", "kind", "/path"))
        check.fails("Invalid", events.send("system", "", "/path"))
        check.fails("Invalid", events.send("system", "kind", ""))
        check.fails("Invalid", events.send("system", "kind", "/path", { 1, x = 2 }))
    end },
    { "a method without its colon says so", function()
        local sub = events.subscribe("x")
        check.raises("colon", sub.channel)
        sub:close()
    end },
}

return { run = function() check.run("events", tests) end }
