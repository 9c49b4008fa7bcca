-- Hands each websocket to the benchmark's hub.
local http = require("http")
local json = require("json")

function handler()
    local res = http.response()
    local config = json.encode({
        target_pid = process.registry.lookup("bench_hub"),
        message_topic = "ws.message"
    })
    res:set_header("X-WS-Relay", config)
end

return { handler = handler }
