return { handler = function()
    local http = require("http")
    local res = http.response()
    res:set_status(302)
    res:set_header("Location", http.request():query("to") or "/echo?q=moved")
end }
