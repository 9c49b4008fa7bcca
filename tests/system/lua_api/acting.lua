local security = require("security")

return { run = function()
    process.registry.register("acting")
    local message = process.inbox():receive()
    local actor = security.actor()
    process.send(message:from(), "answer", { id = actor:id(), role = actor:meta().role,
        may = security.can("doc.read", "doc:1"), may_not = security.can("doc.write", "doc:1") })
end }
