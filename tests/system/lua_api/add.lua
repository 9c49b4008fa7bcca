local ctx, time = require("ctx"), require("time")

return { handler = function(a, b)
    if a == "context" then
        return ctx.all()
    elseif a == "fail" then
        return nil, errors.new({ message = "no such thing", kind = errors.NOT_FOUND, details = { id = 7 } })
    elseif a == "raise" then
        error("broken")
    elseif a == "slow" then
        time.sleep("30s")
    elseif a == "soon" then
        time.sleep("20ms")
        return "done"
    end
    return a + b
end }
