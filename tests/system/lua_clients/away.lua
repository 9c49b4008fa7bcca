return { handler = function()
    local res = require("http").response()
    res:set_status(302)
    res:set_header("Location", "/echo?q=moved")
end }
