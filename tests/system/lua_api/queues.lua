local check, queue, store, time = require("check"), require("queue"), require("store"), require("time")

local function wait_for(key)
    local kept = store.get("app:results")
    for _ = 1, 500 do
        local value = kept:get(key)
        if value ~= nil then return value end
        time.sleep("10ms")
    end
    error("nothing wrote " .. key, 2)
end

local tests = {
    { "a consumer's function gets the message and its headers", function()
        check.same(queue.publish("app:tasks", { name = "one" }, { colour = "red" }), true)
        local seen = wait_for("task.one")
        check.same(seen.attempts, 1)
        check.same(seen.colour, "red")
    end },
    { "what fails is tried again, then goes to the dead letters", function()
        queue.publish("app:tasks", { name = "two", fail = true })
        check.same(wait_for("dead.two"), true)
        check.same(wait_for("task.two").attempts, 2)
    end },
    { "what is refused with false is tried again as well", function()
        queue.publish("app:tasks", { name = "three", refuse = true })
        check.same(wait_for("dead.three"), true)
        check.same(wait_for("task.three").attempts, 2)
    end },
    { "a queue is bounded in messages, by the older name of the field as well", function()
        check.same(queue.publish("app:short", 1), true)
        check.same(queue.publish("app:short", 2), true)
        local done, err = queue.publish("app:short", 3)
        check.fails("Unavailable", done, err)
        check.yes(err:message():find("max_length (2)", 1, true), err:message())
        check.same(queue.info("app:short").message_count, 2) -- what waited in vain does not come in later
    end },
    { "who publishes to a full queue is told when there is room, in order", function()
        local done, took = channel.new(6), process.listen("took", { message = true })
        for n = 1, 6 do
            coroutine.spawn(function()
                done:send(queue.publish("app:line", { n = n, to = process.pid() }) and n)
            end)
        end
        for n = 1, 6 do
            local message = took:receive():payload()
            check.same(message[1]:data(), n, "taken")
            process.send(message[2]:data(), "go on")
        end
        local all = {}
        for n = 1, 6 do all[n] = done:receive() end
        check.same(table.concat(all, " "), "1 2 3 4 5 6", "published")
        process.unlisten(took)
    end },
    { "a queue is bounded in bytes", function()
        check.same(queue.publish("app:narrow", ("x"):rep(1016)), true) -- and two bytes of headers
        local done, err = queue.publish("app:narrow", "xxxxx")
        check.fails("Unavailable", done, err)
        check.same(err:retryable(), true)
        check.yes(err:message():find("max_bytes (1024)", 1, true), err:message())
        check.same(queue.publish("app:narrow", "xx"), true)
    end },
    { "a queue tells how long it is", function()
        local info = queue.info("app:tasks")
        check.same(info.consumer_count, 1)
        check.yes(info.message_count >= 0)
        check.fails("Internal", queue.info("app:nothing"))
    end },
    { "mistakes are named", function()
        check.fails("NotFound", queue.publish("app:nothing", 1))
        check.fails("Invalid", queue.publish("", 1))
        check.fails("Invalid", queue.publish("app:tasks", nil))
        check.fails("Invalid", queue.publish("app:tasks", {}))
        check.fails("Invalid", queue.publish("app:nothing", {}))
        check.fails("Invalid", queue.message())
    end },
}

return { run = function() check.run("queues", tests) end }
