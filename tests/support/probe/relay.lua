-- Sets the relay header to what the query says: the test decides what the relay is told.
--   relay   the header's value, "@name@" stands for the PID of the process of that name
--   before  a status set before the header; after: one set after it
--   body    a body written after the header
local http = require("http")

local DEFAULT = '{"target_pid": "@first@", "metadata": {"colour": "olive"}}'

function handler()
    local req, res = http.request(), http.response()
    if req:query("before") then
        res:set_status(tonumber(req:query("before")))
    end
    local relay = (req:query("relay") or DEFAULT):gsub("@(%w+)@", function(name)
        return process.registry.lookup(name) or ""
    end)
    res:set_header("X-WS-Relay", relay)
    if req:query("after") then
        res:set_status(tonumber(req:query("after")))
    end
    if req:query("body") then
        res:write(req:query("body"))
    end
    if req:query("raise") then
        error("asked to fail")
    end
end

return { handler = handler }
