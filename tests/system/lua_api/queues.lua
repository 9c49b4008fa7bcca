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
    { "a queue tells how long it is", function()
        local info = queue.info("app:tasks")
        check.same(info.consumer_count, 1)
        check.yes(info.message_count >= 0)
        check.fails("NotFound", queue.info("app:nothing"))
    end },
    { "mistakes are named", function()
        check.fails("NotFound", queue.publish("app:nothing", 1))
        check.fails("Invalid", queue.publish("", 1))
        check.fails("Invalid", queue.publish("app:tasks", nil))
        check.fails("Invalid", queue.message())
    end },
}

return { run = function() check.run("queues", tests) end }
