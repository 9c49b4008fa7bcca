return { handler = function(task)
    require("store").get("app:results"):set("dead." .. task.name, true)
end }
