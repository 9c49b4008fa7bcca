-- A hub that reports everything it receives to its watchers and obeys {"ask": ...} messages.
local json = require("json")

local watchers = {} -- pid -> true

local function hex(text)
    return (text:gsub(".", function(octet) return string.format("%02x", octet:byte()) end))
end

local function report(entry)
    if entry.topic == "ws.leave" then
        watchers[entry.from] = nil
    end
    for pid in pairs(watchers) do
        process.send(pid, "seen", entry)
    end
end

local asked = {}

function asked.watch(order, sender)
    watchers[sender] = true
    process.send(sender, "watching", {})
end

function asked.whoami(order, sender, name)
    process.send(sender, "you", { pid = sender, hub = name, hub_pid = process.pid() })
end

function asked.echo(order, sender)
    process.send(sender, "echo", order.data)
end

function asked.control(order, sender)
    local body = order.body
    if order.to then
        body.target_pid = process.registry.lookup(order.to)
    end
    if order.as_text then
        body = json.encode(body)
    end
    process.send(order.pid or sender, "ws.control", body)
end

function asked.close(order, sender)
    if order.body == nil then
        process.send(order.pid or sender, "ws.close")
    else
        process.send(order.pid or sender, "ws.close", order.body)
    end
end

function asked.send(order, sender)
    local sent, err = process.send(order.pid, order.topic, order.data)
    process.send(sender, "sent", { sent = sent ~= nil, err = err and tostring(err) })
end

-- A payload that cannot be JSON: the sender hears of it, the socket lives on.
function asked.unencodable(order, sender)
    local sent, err = process.send(sender, "never", { 1, 2, key = "mixed" })
    process.send(sender, "sent", { sent = sent ~= nil, err = err and tostring(err) })
end

-- Several values in one send are several frames.
function asked.values(order, sender)
    process.send(sender, "value", "text", 42, 3.0, 0.5, true, nil, {}, { 1, 2, 3 }, { a = 1 })
end

-- Clients get errors as their texts, whichever way they are sent.
function asked.errors(order, sender)
    local err = errors.new({ message = "bu\"sy\\", kind = errors.CONFLICT, details = { "}" } })
    process.send(sender, "value", err)
    process.send({ sender, process.pid() }, "value", { all = { err, "text" }, last = 1 })
    process.send(sender, "value", { inside = payload.new(err), more = err })
end

function asked.monitor(order, sender)
    process.monitor(order.pid or sender)
end

-- `count` messages of `size` bytes to every watcher.
function asked.burst(order)
    local filling = string.rep("x", order.size)
    for number = 1, order.count do
        for pid in pairs(watchers) do
            process.send(pid, "burst", { number = number, filling = filling })
        end
    end
end

-- Takes nothing for a moment, without waiting.
function asked.spin()
    local ends = os.clock() + 1
    while os.clock() < ends do
    end
end

function asked.raise()
    error("asked to fail") -- the traceback names this line
end

function run(name)
    process.registry.register(name)
    print("probe " .. name .. " started")
    local inbox, events = process.inbox(), process.events()
    while true do
        local result = channel.select({ inbox:case_receive(), events:case_receive() })
        if result.channel == events then
            local event = result.value
            if event.kind == process.event.CANCEL then
                print("probe " .. name .. " cancelled")
                return
            end
            report({ topic = "event", kind = event.kind, from = event.from, hub = name })
        else
            local message = result.value
            local payload = message:payload()
            local data = payload and payload:data()
            local order = type(data) == "string" and json.decode(data)
            if type(order) == "table" and order.ask == "exit" then
                return "asked to end"
            elseif type(order) == "table" and asked[order.ask] then
                asked[order.ask](order, message:from(), name)
            else
                report({
                    topic = message:topic(),
                    from = message:from(),
                    hub = name,
                    type = type(data),
                    hex = type(data) == "string" and #data < 100 and hex(data) or nil,
                    size = type(data) == "string" and #data or nil,
                    data = type(data) == "table" and data or type(data) == "string" and order or nil,
                })
            end
        end
    end
end

return { run = run }
