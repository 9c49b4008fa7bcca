-- GET /api/v1/ws/connect: everybody may watch, and be unkind to toads.
local http = require("http")
local json = require("json")

function handler()
    http.response():set_header("X-WS-Relay",
        json.encode({ target_pid = "board", heartbeat_interval = "0s" }))
end

return { handler = handler }
