local ctx, time = require("ctx"), require("time")

local does = {
    who = function() return ctx.get("user") end,
    nameless = function() return select(2, ctx.get("")):kind() end,
    raise = function()
        error(errors.new({ message = "no such thing", kind = errors.NOT_FOUND, details = { id = 7 } }))
    end,
    -- Each waits for the other: they must run at the same time.
    meet = function(other, own)
        process.registry.register("called." .. own)
        while not process.send("called." .. other, "met") do
            local one = channel.select({ process.inbox():case_receive(), time.after("1ms"):case_receive() })
            if one.channel == process.inbox() then
                break
            end
        end
        return "met"
    end,
    stay = function(topic)
        if topic then
            process.send("funcs.suite", "here")
        end
        process.inbox():receive()
    end,
}

return { run = function(first, second, ...)
    local f = does[first]
    if f then
        return f(second, ...)
    end
    return { first = first, second = second }
end }
