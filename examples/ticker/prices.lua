-- GET /api/prices?symbols=TOAD,NEWT: a stream of prices. No streaming code here: the header X-SSE-Relay
-- asks for the stream, and from then on it is a process that the market can send to.
local http = require("http")
local json = require("json")

local SYMBOLS_MAX = 20

function handler()
    local req, res = http.request(), http.response()

    local symbols = {}
    for symbol in (req:query("symbols") or ""):gmatch("[^,]+") do
        if not symbol:match("^%u%u?%u?%u?$") or #symbols == SYMBOLS_MAX then
            res:set_status(400)
            res:write_json({ error = "symbols: up to 20 of 1 to 4 capital letters" })
            return
        end
        table.insert(symbols, symbol)
    end

    res:set_header("X-SSE-Relay", json.encode({
        target_pid = process.registry.lookup("market"),
        message_topic = "price", -- the name of the events, and the only topic the client gets
        heartbeat_interval = "15s",
        metadata = { symbols = symbols },
    }))
end

return { handler = handler }
