-- GET /api/v1/ws/connect: hands the connection to the hub. The header asks for the upgrade.
local http = require("http")
local json = require("json")

function handler()
    local res = http.response()
    local hub = process.registry.lookup("echo")
    if not hub then
        res:set_status(503)
        return res:write_json({ error = "the hub is not there yet" })
    end
    res:set_header("X-WS-Relay", json.encode({ target_pid = hub }))
end

return { handler = handler }
