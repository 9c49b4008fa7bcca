local check, time, json = require("check"), require("time"), require("json")

local here = "app:mistakes (mistakes.lua):"

local function message()
    process.send(process.pid(), "topic", { 1, 2 })
    return process.inbox():receive()
end

-- What a process of this entry ends with.
local function end_of(what)
    process.spawn_monitored("app:failing", "system:processes", what)
    return tostring(process.events():receive().result.error)
end

-- An error that says all it can, as failing.lua makes it.
local function is_whole(err)
    check.same(err:message(), "busy")
    check.same(err:kind(), errors.CONFLICT)
    check.same(err:retryable(), true)
    check.same(err:details().place, 3)
end

local tests = {
    { "EXIT keeps the kind, the details and whether to try again", function()
        for _, way in ipairs({ "full", "returned full" }) do
            process.spawn_monitored("app:failing", "system:processes", way)
            is_whole(process.events():receive().result.error)
        end
    end },
    { "LINK_DOWN keeps them as well", function()
        process.set_options({ trap_links = true })
        process.spawn_linked("app:failing", "system:processes", "full")
        is_whole(process.events():receive().result.error)
        process.set_options({ trap_links = false })
    end },
    { "process.exec gives the error of the process as it was", function()
        for _, way in ipairs({ "full", "returned full" }) do
            local value, err = process.exec("app:failing", "system:processes", way)
            check.same(value, nil)
            is_whole(err)
        end
        check.fails("NotFound", process.exec("app:failing", "system:processes", "object"))
        check.fails("Internal", process.exec("app:failing", "system:processes", "table"))
    end },
    { "an error that is an argument arrives as it was", function()
        local given = errors.new({ message = 'a "bad"\nthing', kind = errors.CONFLICT, retryable = false,
            details = { place = 4 } })
        local spawned = process.exec("app:tells", "system:processes", given, "more")
        local called = require("funcs").call("app:told", given, "more")
        for _, told in ipairs({ spawned, called }) do
            check.same(told.message, 'a "bad"\nthing')
            check.same(told.kind, errors.CONFLICT)
            check.same(told.retryable, false)
            check.same(told.place, 4)
            check.same(told.more, "more")
        end
    end },
    { "a duration that is none is an error where a channel is given", function()
        check.fails("Invalid", require("time").after("soon"))
        check.fails("Invalid", require("time").timer("soon"))
    end },
    { "a result without a JSON form is an error", function()
        local value, err = process.exec("app:failing", "system:processes", "gap")
        check.fails("Invalid", value, err)
        check.yes(err:message():find("cannot encode a table with gaps", 1, true), err:message())
        process.spawn_monitored("app:failing", "system:processes", "gap")
        check.same(process.events():receive().result.error:kind(), errors.INVALID)
    end },
    { "a payload is no value, and the line is told", function()
        local payload = message():payload()
        local advice = "msg:payload():data()"
        check.raises(advice, function() return payload.name end)
        check.raises("no field '1'", function() return payload[1] end)
        check.raises(advice, function() return #payload end)
        check.raises(here, function() for _ in ipairs(payload) do end end)
        check.raises(advice, function() for _ in ipairs(payload) do end end)
        check.raises(here, function() for _ in pairs(payload) do end end)
        check.raises(advice, function() return "x" .. payload end)
        check.raises(advice, function() return payload() end)
        check.fails("Invalid", json.decode(payload))
    end },
    { "methods need their colon, functions their dot", function()
        local m = message()
        check.raises("write it with a colon, not a dot", function() return m.topic() end)
        check.raises("use msg:topic(), msg:from() or msg:payload()", function() return m.data end)
        check.raises("ch:receive", function() return channel.new().receive() end)
        local sent, problem = process:send(process.pid(), "topic")
        check.same(sent, nil)
        check.yes(problem:message():find("with a dot", 1, true), problem)
    end },
    { "a wrong destination or topic is an error, not a raise", function()
        check.fails("Invalid", process.send(nil, "topic"))
        check.fails("Invalid", process.send(process.pid()))
        check.fails("Invalid", process.send(process.pid(), {}))
        check.fails("Invalid", process.send(process.pid(), "@topic"))
        check.fails("NotFound", process.send("nobody at all", "topic"))
        check.fails("Invalid", process.send(process.pid(), "topic", { 1, a = 2 }))
    end },
    { "select wants cases", function()
        check.raises("case_receive()", function() channel.select({ channel.new() }) end)
    end },
    { "spawn wants two ids", function()
        check.raises('process.spawn("app:worker", "system:processes", ...), got function and nil', function()
            process.spawn(function() end, nil)
        end)
        check.fails("NotFound", process.spawn("app:nothing", "system:processes"))
        check.fails("NotFound", process.spawn("app:failing", "app:nowhere"))
    end },
    { "a file is not required by its path", function()
        local wrong = { ["./util"] = "library.lua", uuid = "add it to `modules` of app:mistakes" }
        for name, advice in pairs(wrong) do -- `check` would see the names in calls
            check.raises(advice, function() require(name) end)
        end
    end },
    { "nothing waits where it cannot", function()
        local function wait() time.sleep("1ms") return false end
        check.raises("cannot wait here", table.sort, { 2, 1, 3 }, wait)
        check.raises("cannot wait here", string.gsub, "abc", ".", wait)
        check.raises("cannot wait here", tostring, setmetatable({}, { __tostring = wait }))
        check.same(pcall(wait), true)
    end },
    { "an error that is no text is shown", function()
        check.same(end_of("table"), '{"code":7}')
        check.same(end_of("nothing"), "error() without a value")
        check.same(end_of("returned table"), '{"code":8}')
        check.same(end_of("object"), "bad thing")
        check.same(end_of("shown"), "shown as it says")
    end },
    { "a limit is named, with the line", function()
        local told = end_of("loop")
        check.yes(told:find("failing.lua%):%d+: ran 100 ms without waiting: limit budget reached"), told)
        told = end_of("memory")
        check.yes(told:find("failing.lua%):%d+: out of memory: limit memory %(4096 KiB%) reached"), told)
    end },
    { "nested C calls are counted up to the limit, in every task", function()
        local first, second = tonumber(end_of("depth")), tonumber(end_of("depth in a task"))
        check.yes(first > 10 and first <= 40, "depth " .. tostring(first)) -- stack: 40
        check.yes(second > 10 and second <= 40, "depth in a task " .. tostring(second))
        check.yes(end_of("overflow"):find("C stack overflow", 1, true))
    end },
    { "an error in a task is that of the process", function()
        check.yes(end_of("task"):find("failing.lua%):%d+: attempt to perform arithmetic on a nil value"))
    end },
}

return { run = function() check.run("mistakes", tests) end }
