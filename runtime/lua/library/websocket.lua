-- websocket: connections to other servers.
local native = ...

local client
client = class("client", {
    channel = function(self) return self.out end,
    receive = function(self) return self.out end,
    send = function(self, data, kind)
        if type(data) ~= "string" then
            return fail(errors.INVALID, "the message must be a text, got %s: encode it first", type(data))
        end
        return native.send(handles[self], data, kind or 1)
    end,
    ping = function(self) return native.ping(handles[self]) end,
    close = function(self, code, reason)
        code = code or 1000
        if math.type(code) ~= "integer" or code < 1000 or code > 4999 then
            return fail(errors.INVALID, "the code must be from 1000 to 4999")
        end
        return native.close(handles[self], code, reason or "")
    end,
    protocol = function(self) return self.chosen end,
})

-- Takes what comes, and gives it as {type, data}; the close is told last, then the channel ends.
local function follow(self, items)
    while true do
        local item, ok = items:receive()
        if not ok then
            break
        end
        if item[3] == "close" then
            self.code, self.reason = item[1], item[2]
        else
            self.out:send({ type = item[2], data = item[1] })
        end
    end
    self.out:close()
end

local function time_of(options, name)
    local value = options[name]
    if type(value) == "number" then
        return math.floor(value * 1000000)
    elseif value ~= nil then
        return duration_ns(value)
    end
end

local function connect(url, options)
    options = options or {}
    if type(url) ~= "string" or not url:find("^wss?://") then
        return fail(errors.INVALID, "the URL must begin with ws:// or wss://")
    end
    local head, protocols = {}, {}
    for name, value in pairs(options.headers or {}) do
        head[#head + 1], head[#head + 2] = tostring(name), tostring(value)
    end
    for _, one in ipairs(options.protocols or {}) do
        protocols[#protocols + 1], protocols[#protocols + 2] = one, ""
    end
    local dial, problem = time_of(options, "dial_timeout")
    if problem then return nil, problem end
    local handle, items, stream = native.new_socket()
    local chosen
    chosen, problem = native.open({
        url = url, headers = head, protocols = protocols, dial_timeout_ns = dial,
        read_limit = options.read_limit and options.read_limit > 0 and options.read_limit or nil,
        tls = tls_of(options),
    }, handle, stream)
    if problem then
        return nil, problem
    end
    local made = client({ chosen = chosen, out = channel.new(options.channel_capacity or 64) })
    handles[made] = handle
    spawn_follower(follow, made, items)
    return made
end

return {
    connect = connect,
    TEXT = 1,
    BINARY = 2,
    TYPE_TEXT = "text",
    TYPE_BINARY = "binary",
    TYPE_PING = "ping",
    TYPE_PONG = "pong",
    TYPE_CLOSE = "close",
    COMPRESSION = { DISABLED = 0, CONTEXT_TAKEOVER = 1, NO_CONTEXT = 2 },
    CLOSE_CODES = {
        NORMAL = 1000, GOING_AWAY = 1001, PROTOCOL_ERROR = 1002, UNSUPPORTED_DATA = 1003, RESERVED = 1004,
        NO_STATUS = 1005, ABNORMAL_CLOSURE = 1006, INVALID_PAYLOAD = 1007, POLICY_VIOLATION = 1008,
        MESSAGE_TOO_BIG = 1009, MANDATORY_EXTENSION = 1010, INTERNAL_ERROR = 1011, SERVICE_RESTART = 1012,
        TRY_AGAIN_LATER = 1013, BAD_GATEWAY = 1014, TLS_HANDSHAKE = 1015,
    },
}
