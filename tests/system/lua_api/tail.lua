-- Answers at once; what it has begun tells its caller later, from the same state.
local time = require("time")
local calls = 0

return function(caller)
    calls = calls + 1
    local mine = calls
    coroutine.spawn(function()
        time.sleep("20ms")
        process.send(caller, "tail", { mine = mine, calls = calls })
    end)
    return mine
end
