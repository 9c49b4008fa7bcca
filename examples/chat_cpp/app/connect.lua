-- GET /api/v1/ws/connect?nick=ada&room=lobby: checks who wants to come in, and hands the
-- connection to a room. No websocket code here: the header X-WS-Relay asks for the upgrade, and
-- from then on the connection is a process that the room can send to.
local http = require("http")
local json = require("json")

local NICK_BYTES_MAX = 72 -- 24 characters of the page

local function refuse(res, status, reason)
    res:set_status(status)
    res:write_json({ error = reason })
end

function handler()
    local req, res = http.request(), http.response()

    -- Whatever comes from outside is checked once, here. Rooms rely on the result.
    local nick = (req:query("nick") or ""):match("^%s*(.-)%s*$")
    if nick == "" or #nick > NICK_BYTES_MAX or nick:find("%c") then
        return refuse(res, 400, "nick: 1 to 24 characters, no control characters")
    end

    local room = req:query("room") or "lobby"
    local room_pid = process.registry.lookup("chat." .. room)
    if not room_pid then
        return refuse(res, 404, "there is no room of that name")
    end

    local metadata = { nick = nick, room = room }
    local relay, err = json.encode({ target_pid = room_pid, metadata = metadata })
    if err then
        return refuse(res, 400, "nick: not UTF-8 text")
    end
    res:set_header("X-WS-Relay", relay)
end

return { handler = handler }
