-- GET /api/v1/ws/connect: everybody may ask the pool.
local http = require("http")
local json = require("json")

function handler()
    http.response():set_header("X-WS-Relay",
        json.encode({ target_pid = "pool", heartbeat_interval = "0s" }))
end

return { handler = handler }
