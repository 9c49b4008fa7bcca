local http = require("http")

return { handler = function()
    local req, res = http.request(), http.response()
    local form, err = req:parse_multipart()
    if err then
        res:set_status(400)
        res:write_json({ error = err:message(), kind = err:kind() })
        return
    end
    local file = form.files.photo and form.files.photo[1]
    res:write_json({ title = form.values.title, name = file and file:name(), size = file and file:size(),
        type = file and file:header("content-type"), content = file and file:stream():read(0) })
end }
