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
    { "functions that raise may say so behind their arguments", function()
        local function some(v: any?): asserts v
            if not v then error("nothing") end
        end
        local is = {}
        function is.text(v: any): asserts v is string | number
            if type(v) ~= "string" then error("no text") end
        end
        some(1)
        is.text("a")
        check.raises("nothing", some)
        check.raises("no text", is.text, 1)
    end },
    { "a type is asked for by calling it", function()
        check.same(string("a") .. tostring(number(1.5)) .. integer(2) .. integer(3.0), "a1.523")
        check.same(boolean(false), false)
        check.same(math.type(integer(3.0)), "integer")
        check.raises("string expected, got number", string, 1)
        check.raises("string expected", string)
        check.raises("number expected, got string", number, "1")
        check.raises("integer expected, got number", integer, 1.5)
        check.raises("boolean expected, got nil", boolean, nil)
        check.same(type(string), "table")
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
