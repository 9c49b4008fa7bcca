-- Answers at once; what it has begun tells its caller later, from the same state. Asked for nothing, it starts a call
-- that it does not wait for, and which holds its state up no longer than itself.
local funcs, time = require("funcs"), require("time")
local calls = 0

return function(caller)
    calls = calls + 1
    local mine = calls
    if not caller then
        funcs.async("app:add", "slow")
        return mine
    end
    coroutine.spawn(function()
        time.sleep("20ms")
        process.send(caller, "tail", { mine = mine, calls = calls })
    end)
    return mine
end
