-- GET /api/v1/ws/connect?nick=ada: checks who wants to come in; all begin at the directory.
local http = require("http")
local json = require("json")

local NICK_BYTES_MAX = 72 -- 24 characters of the page

function handler()
    local req, res = http.request(), http.response()
    local nick = (req:query("nick") or ""):match("^%s*(.-)%s*$")
    if nick == "" or #nick > NICK_BYTES_MAX or nick:find("%c") then
        res:set_status(400)
        return res:write_json({ error = "nick: 1 to 24 characters, no control characters" })
    end
    -- The heartbeat is the rooms' clock for who has been silent for long.
    local relay = json.encode({
        target_pid = "rooms", metadata = { nick = nick }, heartbeat_interval = "10s",
    })
    res:set_header("X-WS-Relay", relay)
end

return { handler = handler }
