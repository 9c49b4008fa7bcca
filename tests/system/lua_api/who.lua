local security = require("security")

return { handler = function(action, resource)
    local actor = security.actor()
    return { id = actor and actor:id(), may = security.can(action, resource) }
end }
