-- Ends the way it is told to.
local ways = {
    table = function() error({ code = 7 }) end,
    nothing = function() error() end,
    object = function() error(errors.new({ message = "bad thing", kind = errors.NOT_FOUND })) end,
    shown = function() error(setmetatable({}, { __tostring = function() return "shown as it says" end })) end,
    loop = function() while true do end end,
    memory = function()
        local all = {}
        while true do all[#all + 1] = ("x"):rep(1000) .. #all end
    end,
    task = function()
        coroutine.spawn(function() return nil + 1 end)
        channel.new():receive()
    end,
}
local full = errors.new({ message = "busy", kind = errors.CONFLICT, retryable = true, details = { place = 3 } })
ways.full = function() error(full) end
ways["returned full"] = function() return nil, full end
ways.gap = function() return { 1, nil, 3 } end
ways["mixed table"] = function() error({ 1, code = 7 }) end
ways["returned table"] = function() return nil, { code = 8 } end


-- How many callbacks of gsub fit into each other.
local function depth()
    local deepest = 0
    local function deeper(n)
        deepest = n
        string.gsub("x", "x", function() deeper(n + 1) end)
    end
    pcall(deeper, 1)
    return deepest
end
ways.depth = function() return nil, tostring(depth()) end
ways["depth in a task"] = function()
    local found = channel.new(1)
    coroutine.spawn(function() found:send(depth()) end)
    return nil, tostring((found:receive()))
end
ways.overflow = function()
    local function deeper() return (string.gsub("x", "x", deeper)) end
    deeper()
end

return { run = function(way) return ways[way]() end }
