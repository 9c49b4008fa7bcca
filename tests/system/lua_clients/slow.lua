return { handler = function()
    require("time").sleep("5s")
    require("http").response():write("late")
end }
