local http = require("http")

return { handler = function()
    local req, res = http.request(), http.response()
    res:set_header("Set-Cookie", "seen=yes; Path=/")
    res:set_header("X-Two-Words", "here")
    res:write_json({ method = req:method(), body = req:body(), type = req:content_type(), q = req:query("q"),
        word = req:header("X-Word"), auth = req:header("Authorization"), cookie = req:header("Cookie") })
end }
