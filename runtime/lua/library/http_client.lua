-- http_client: requests to other servers.
local native = ...

local function encode_uri(text)
    return (tostring(text):gsub("[^%w%-%._~ ]", function(c) return ("%%%02X"):format(c:byte()) end):gsub(" ", "+"))
end

local function decode_uri(text)
    if type(text) ~= "string" then
        return fail(errors.INVALID, "decode_uri takes a text")
    end
    local plain = text:gsub("%+", " ")
    if plain:gsub("%%%x%x", ""):find("%%") then
        return fail(errors.INVALID, "decode_uri: a %% without two hexadecimal digits")
    end
    return (plain:gsub("%%(%x%x)", function(code) return string.char(tonumber(code, 16)) end))
end

local function sorted(map)
    local names = {}
    for name in pairs(map) do names[#names + 1] = tostring(name) end
    table.sort(names)
    return names
end

local function form_text(map)
    local parts = {}
    for _, name in ipairs(sorted(map)) do
        local value = map[name]
        for _, one in ipairs(type(value) == "table" and value or { value }) do
            parts[#parts + 1] = encode_uri(name) .. "=" .. encode_uri(one)
        end
    end
    return table.concat(parts, "&")
end

local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(text)
    return (text:gsub("..?.?", function(group)
        local a, b, c = group:byte(1, 3)
        local bits = a << 16 | (b or 0) << 8 | (c or 0)
        local made = ""
        for i = 0, 3 do
            local place = bits >> (18 - 6 * i) & 63
            made = made .. (i <= #group and letters:sub(place + 1, place + 1) or "=")
        end
        return made
    end))
end

local function quoted(text)
    return '"' .. tostring(text):gsub('[\r\n"]', function(c) return ("%%%02X"):format(c:byte()) end) .. '"'
end

local function multipart(form, files)
    local boundary = "part" .. tostring({}):gsub("%W", "") .. math.random(1000000000)
    local parts = {}
    for _, name in ipairs(sorted(form or {})) do
        parts[#parts + 1] = "--" .. boundary .. "\r\nContent-Disposition: form-data; name=" .. quoted(name) ..
            "\r\n\r\n" .. tostring(form[name]) .. "\r\n"
    end
    for _, file in ipairs(files) do
        if tostring(file.content_type or ""):find("%c") then
            return nil, ("file '%s': its content_type has a line break or another control byte"):format(tostring(file.name))
        end
        parts[#parts + 1] = "--" .. boundary .. "\r\nContent-Disposition: form-data; name=" .. quoted(file.name) ..
            "; filename=" .. quoted(file.filename or file.name) .. "\r\nContent-Type: " ..
            (file.content_type or "application/octet-stream") .. "\r\n\r\n" .. tostring(file.content) .. "\r\n"
    end
    parts[#parts + 1] = "--" .. boundary .. "--\r\n"
    return table.concat(parts), "multipart/form-data; boundary=" .. boundary
end

local stream = class("stream", {
    read = function(self, n)
        if self.at > #self.body then
            return nil
        end
        local part = self.body:sub(self.at, self.at + (n and n > 0 and n or 65536) - 1)
        self.at = self.at + #part
        return part
    end,
    close = function(self)
        self.at = #self.body + 1
        return true
    end,
})

-- Header names are found in any case of letters, as the server wrote them or canonical.
local function header_table(list)
    local lower, made = {}, {}
    for _, one in ipairs(list) do
        local name, value = one[1], one[2]
        local key = name:lower()
        lower[key] = lower[key] and lower[key] .. ", " .. value or value
        made[(key:gsub("^%l", string.upper):gsub("%-%l", string.upper))] = lower[key]
    end
    return setmetatable(made, { __index = function(_, name)
        return type(name) == "string" and lower[name:lower()] or nil
    end })
end

local function cookies_of(list)
    local made = {}
    for _, one in ipairs(list) do
        if one[1]:lower() == "set-cookie" then
            local name, value = one[2]:match("^%s*([^=;]+)=([^;]*)")
            if name then made[name] = value end
        end
    end
    return made
end

local function has_header(list, wanted)
    for i = 1, #list, 2 do
        if list[i]:lower() == wanted then return true end
    end
    return false
end

local function request(method, url, options)
    options = options or {}
    if type(method) ~= "string" or not method:find("^%u[%u%-]*$") then
        return fail(errors.INVALID, "the method must be a word in capitals, got '%s'", tostring(method))
    end
    if type(url) ~= "string" or url == "" then
        return fail(errors.INVALID, "the URL must be a text that is not empty")
    end
    if type(options) ~= "table" then
        return fail(errors.INVALID, "the options must be a table, got %s", type(options))
    end
    local head = {}
    for name, value in pairs(options.headers or {}) do
        if type(name) ~= "string" then
            return fail(errors.INVALID, "a header must have a name, got %s", type(name))
        end
        head[#head + 1], head[#head + 2] = name, tostring(value)
    end
    local body = options.body
    if options.files then
        local kind
        body, kind = multipart(options.form, options.files)
        if not body then return fail(errors.INVALID, "%s", kind) end
        head[#head + 1], head[#head + 2] = "Content-Type", kind
    elseif options.form then
        body = form_text(options.form)
        if not has_header(head, "content-type") then
            head[#head + 1], head[#head + 2] = "Content-Type", "application/x-www-form-urlencoded"
        end
    end
    if body ~= nil and type(body) ~= "string" then
        return fail(errors.INVALID, "the body must be a text, got %s: encode it first", type(body))
    end
    if options.query then
        local more = type(options.query) == "table" and form_text(options.query) or tostring(options.query)
        local base, fragment = url:match("^([^#]*)(.*)$")
        url = base .. (base:find("?", 1, true) and "&" or "?") .. more .. fragment
    end
    if options.auth then
        head[#head + 1] = "Authorization"
        head[#head + 1] = "Basic " .. base64(tostring(options.auth.user) .. ":" .. tostring(options.auth.pass))
    end
    if options.cookies then
        local all = {}
        for name, value in pairs(options.cookies) do
            if not tostring(name):find("^[%w!#$%%&'*+.^_`|~%-]+$") or tostring(value):find("[;%c]") then
                return fail(errors.INVALID, "cookie '%s': its name must be a word, its value without ; and line breaks",
                    tostring(name))
            end
        end
        for _, name in ipairs(sorted(options.cookies)) do all[#all + 1] = name .. "=" .. tostring(options.cookies[name]) end
        head[#head + 1], head[#head + 2] = "Cookie", table.concat(all, "; ")
    end
    local timeout
    if type(options.timeout) == "number" then
        timeout = math.floor(options.timeout * 1000000000)
    elseif options.timeout ~= nil then
        local problem
        timeout, problem = duration_ns(options.timeout)
        if not timeout then return nil, problem end
    end
    if options.unix_socket or options.overlay_network then
        return fail(errors.INVALID, "unix_socket and overlay_network are not available here")
    end
    local status, got, list, final = native.fetch({
        method = method, url = url, headers = head, body = body, timeout_ns = timeout,
        body_max = options.max_response_body and options.max_response_body > 0 and options.max_response_body or nil,
        tls = tls_of(options),
    })
    if not status then
        return nil, got
    end
    local answer = { status_code = status, headers = header_table(list), cookies = cookies_of(list), url = final }
    if options.stream then
        answer.body_size = -1
        answer.stream = stream({ body = got, at = 1 })
    else
        answer.body, answer.body_size = got, #got
    end
    return answer
end

local http_client = { request = request, encode_uri = encode_uri, decode_uri = decode_uri }

for _, name in ipairs({ "get", "post", "put", "delete", "head", "patch" }) do
    local method = name:upper()
    http_client[name] = function(url, options) return request(method, url, options) end
end

function http_client.request_batch(list)
    if type(list) ~= "table" then
        return fail(errors.INVALID, "request_batch takes a list of {method, url, options}")
    end
    for i = 1, #list do
        if type(list[i]) ~= "table" then
            return fail(errors.INVALID, "request_batch: number %d must be {method, url, options}, got %s", i, type(list[i]))
        end
    end
    local answers, problems, failed = {}, {}, false
    local done = channel.new(#list)
    for i, one in ipairs(list) do
        coroutine.spawn(function()
            local answer, problem = request(one[1], one[2], one[3])
            done:send({ i, answer, problem })
        end)
    end
    for _ = 1, #list do
        local one = done:receive()
        answers[one[1]] = one[2] or false
        problems[one[1]] = one[3] or false
        failed = failed or one[3] ~= nil
    end
    return answers, failed and problems or nil
end

return http_client
