-- Answers a POST with what came in.
local http = require("http")

function handler()
    local req, res = http.request(), http.response()
    res:set_header("X-Word", req:param("word"))
    res:write_json({
        method = req:method(),
        path = req:path(),
        query = req:query("q"),
        header = req:header("x-probe"),
        body = req:body(),
    })
end

return { handler = handler }
