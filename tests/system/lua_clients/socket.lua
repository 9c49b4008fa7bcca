local http, json = require("http"), require("json")

return { handler = function()
    http.response():set_header("X-WS-Relay", json.encode({ target_pid = process.registry.lookup("hub") }))
end }
