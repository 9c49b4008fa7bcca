local check = require("check")

type Shape = "round" | "square"
type Box<T> = {
    name: string,
    content?: T,
}

local function area(width: number, height: number?): number
    return width * (height or width)
end

local function pair<T>(a: T, b: T): (T, T)
    return b, a
end

local tests = {
    { "type annotations mean nothing", function()
        local box: Box<number> = { name = "b", content = 3 }
        local shape: Shape = "round"
        local first, second = pair(1, 2)
        for i: integer = 1, 1 do first = first + i end
        check.same(area(2) + (box.content :: number), 7)
        check.same(shape .. first .. second, "round31")
    end },
    { "lines keep their numbers under annotations", function()
        local good, problem = pcall(function() error("here") end)
        check.yes(not good and problem:find(":27:", 1, true), problem)
    end },
    { "labels and method calls are left alone", function()
        local text = ""
        for i = 1, 3 do
            if i == 2 then goto continue end
            text = text .. ("x"):rep(i)
            ::continue::
        end
        check.same(text, "xxxx")
    end },
    { "older names are there", function()
        check.same(select("#", unpack({ 1, 2, 3 })), 3)
        check.same(math.pow(2, 10), 1024.0)
        check.yes(subscribe and unsubscribe)
    end },
    { "a module that is not listed says what to add", function()
        check.raises("add it to `modules` of app:language", require, "json")
    end },
    { "a module that does not exist is said to", function()
        check.raises("module 'nothing' not found", require, "nothing")
    end },
    { "what loads code is absent", function()
        check.yes(load == nil and loadstring == nil and dofile == nil and debug == nil and collectgarbage == nil)
    end },
    { "a payload used as a text says how to read it", function()
        check.raises("msg:payload():data()", function() return "x" .. payload.new("y") end)
    end },
    { "library tables are read-only", function()
        check.raises("read-only", function() string.upper = nil end)
    end },
}

return { run = function() check.run("language", tests) end }
