-- GET /api/v1/ws/connect?name=ada: checks the name and hands the connection to the pond.
local http = require("http")
local json = require("json")

local NAME_BYTES_MAX = 48 -- 16 characters of the page

function handler()
    local req, res = http.request(), http.response()
    local name = (req:query("name") or ""):match("^%s*(.-)%s*$")
    if name == "" or #name > NAME_BYTES_MAX or name:find("%c") then
        res:set_status(400)
        return res:write_json({ error = "name: 1 to 16 characters, no control characters" })
    end
    local relay = json.encode({
        target_pid = "pond", -- a registered name, looked up when the connection opens
        metadata = { name = name },
        heartbeat_interval = "0s",
    })
    res:set_header("X-WS-Relay", relay)
end

return { handler = handler }
