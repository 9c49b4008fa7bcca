local queue, store = require("queue"), require("store")

return { handler = function(task)
    local message = queue.message()
    local kept = store.get("app:results")
    kept:set("task." .. task.name, { attempts = message:attempts(), colour = message:header("colour") })
    if task.fail then
        error("cannot do " .. task.name)
    end
    return not task.refuse
end }
