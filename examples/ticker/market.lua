-- The market: some prices that move, and the streams that listen to them.
--
--   receives     does
--   sse.join     notes which symbols the stream wants (none named: all), sends their prices at once
--   sse.leave    forgets the stream
--   every tick   moves the prices; `price` {symbol, price, at} to whoever wants the symbol
local time = require("time")

local prices = { TOAD = 100.0, NEWT = 42.0, FROG = 7.5 }
local listeners = {} -- symbol -> list of streams
local wanted = {}    -- stream -> list of its symbols

local function event(symbol)
    return { symbol = symbol, price = math.floor(prices[symbol] * 100 + 0.5) / 100, at = os.time() }
end

local function forget(pid)
    for _, symbol in ipairs(wanted[pid] or {}) do
        for i, listener in ipairs(listeners[symbol]) do
            if listener == pid then
                table.remove(listeners[symbol], i)
                break
            end
        end
    end
    wanted[pid] = nil
end

local topics = {}

topics["sse.join"] = function(pid, join)
    local symbols = join.metadata.symbols
    if #symbols == 0 then
        for symbol in pairs(prices) do
            table.insert(symbols, symbol)
        end
        table.sort(symbols)
    end
    wanted[pid] = {}
    for _, symbol in ipairs(symbols) do
        if prices[symbol] then
            table.insert(wanted[pid], symbol)
            table.insert(listeners[symbol], pid)
            process.send(pid, "price", event(symbol))
        end
    end
    if #wanted[pid] == 0 then
        process.send(pid, "sse.close", "none of these symbols is traded here")
    end
end

topics["sse.leave"] = forget

local function tick()
    for symbol, price in pairs(prices) do
        prices[symbol] = math.max(0.01, price * (1 + (math.random() - 0.5) / 50))
        if #listeners[symbol] > 0 then
            process.send(listeners[symbol], "price", event(symbol)) -- encoded once for all of them
        end
    end
end

function run(interval)
    for symbol in pairs(prices) do
        listeners[symbol] = {}
    end
    process.registry.register("market")
    local inbox, events = process.inbox(), process.events()
    local ticks = time.ticker(interval):channel()

    while true do
        local result = channel.select({
            inbox:case_receive(), events:case_receive(), ticks:case_receive(),
        })
        if result.channel == ticks then
            tick()
        elseif result.channel == inbox then
            local message = result.value
            local act = topics[message:topic()]
            if act then
                act(message:from(), message:payload():data())
            end
        elseif result.value.kind == process.event.CANCEL then
            return -- the program is going down; the relay says goodbye to the streams
        end
    end
end

return { run = run }
