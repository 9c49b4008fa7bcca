local check = require("check")

type Shape = "round" | "square"
type Box<T> = {
    name: string,
    content?: T,
}

type Named = interface { name: string }
type Fixed = readonly { name: string }
type Kind<T> = T extends string ? number : boolean
type Check = (v: any) -> asserts v is string
interface Drawn
    function area(width: number, height: number?): number, string
    function name(): string
end
interface Both : Drawn, Named
end

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
        check.yes(not good and problem:find(":38:", 1, true), problem)
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
    { "all other forms of annotations mean nothing as well", function()
        local function two(a: number): number, string return a, "x" end
        local list: readonly {number} = { 1, 2 }
        local first: number = (list as {number})[1]
        local name: Named["name"] = "n"
        local second = list :: {number}
        local interface, readonly, asserts = 1, 2, 3
        check.same(two(1) .. select(2, two(1)) .. first .. name .. #second, "1x1n2")
        check.same(interface + readonly + asserts, 6)
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
        check.same(string.gfind("a1", "%d")(), "1")
        check.same(table.getn({ 1, 2 }) .. table.maxn({ 1, [5] = 2, [2.5] = 3, x = 1 }) .. math.mod(7, 3), "251")
        check.same(#table.create(3, 1), 0)
        check.same((("ab"):gsub("a", "%-%")), "-%b")
    end },
    { "positions outside of a list do no harm", function()
        local list = { 1, 2 }
        check.same(table.remove(list, 9), nil)
        check.same(table.remove({}, 5), nil)
        table.insert(list, 5, "far")
        check.same(list[5], "far")
        check.same(#list, 2)
        table.insert(list, 1.5, 0)
        check.same(table.concat(list, ",", 1, 3), "0,1,2")
    end },
    { "an error is its text where a text is wanted", function()
        local gone, err = process.send("nobody.here", "topic")
        check.same(gone, nil)
        local text = tostring(err)
        check.yes(text:find("nobody.here", 1, true))
        check.same(string.find(err, "nobody.here", 1, true), (text:find("nobody.here", 1, true)))
        check.same(err:match("nobody%.%a+"), "nobody.here")
        check.same((err:gsub("%s", "")), (text:gsub("%s", "")))
        check.same(err:upper() .. err:lower() .. err:len(), text:upper() .. text:lower() .. #text)
        check.same(err:sub(1, 3) .. string.rep(err, 2), text:sub(1, 3) .. text .. text)
        check.same(string.format("%s|%5.3s", err, err), ("%s|%5.3s"):format(text, text))
        for word in string.gmatch(err, "%S+") do check.yes(text:find(word, 1, true)) end
        check.raises("string expected", string.find, {}, "x")
    end },
    { "errors of modules say whether to try again", function()
        local _, unknown = process.send("nobody.here", "topic")
        check.same(unknown:retryable(), false)
        check.same(errors.new("x"):retryable(), nil)
    end },
    { "fractions are cut where a whole number is wanted", function()
        check.same(string.format("%d %5.1f %x %s", 3.7, 2.25, 10.9, "-3.2"), "3   2.2 a -3.2")
        check.same(string.format("%d%%|%d", -3.7, "4.9"), "-3%|4")
        check.same(("ab"):rep(2.5) .. ("abc"):sub(1.9, 2.9) .. string.char(65.5) .. ("a"):byte(1.2), "abababA97")
        check.same(("abc"):find("c", 1.5) .. ("abc"):sub(2, math.huge), "3bc")
        for _ = 1, 20 do
            local drawn = math.random(1.5, 3.9)
            check.yes(math.type(drawn) == "integer" and drawn >= 1 and drawn <= 3, drawn)
        end
        check.yes(math.random() < 1)
        check.same(os.date("!%Y", 0.5), "1970")
        check.raises("number expected, got string", string.format, "%d", "x")
        check.raises("no integer representation", string.format, "%d", 0 / 0)
    end },
    { "what a format is not given is said to be missing", function()
        check.same(string.format("%s %s and %5.2f", "a"), "a %!s(MISSING) and %!f(MISSING)")
        check.same(string.format("100%% %d"), "100% %!d(MISSING)")
        check.raises("invalid conversion", string.format, "%y", 1)
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
