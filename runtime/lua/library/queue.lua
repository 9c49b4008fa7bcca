-- queue: messages for functions.
local native = ...

local function settle(self, good)
    if self.settled then
        return fail(errors.INVALID, "this message was settled already")
    end
    self.settled = true
    if not native.settle(self.number, good) then
        return fail(errors.INVALID, "the call this message belongs to is over")
    end
    return true
end

local message = class("message", {
    id = function(self) return self.number end,
    header = function(self, name) return self.all[name] end,
    headers = function(self) return self.all end,
    attempts = function(self) return self.tries end,
    ack = function(self) return settle(self, true) end,
    nack = function(self) return settle(self, false) end,
})

-- A full queue is waited for: who publishes faster than consumers work is slowed down.
local function publish(id, data, headers)
    if type(data) == "table" and next(data) == nil then
        return fail(errors.INVALID, "queue.publish: the data is empty")
    end
    local good, full = native.publish(id, data, headers)
    if good or full:kind() ~= errors.UNAVAILABLE or native.patience(id) == 0 then
        return good, full
    end
    local room, number = native.publish_in_line(id, data, headers)
    if not room or room == true then
        return room, number
    end
    local timer = native.timer(native.patience(id))
    channel.select({ room:case_receive(), timer:channel():case_receive() })
    timer:stop()
    if native.withdraw(id, number) then
        return nil, full
    end
    return true
end

return {
    publish = publish,
    info = native.info,
    message = function()
        local id, headers, attempts = native.current()
        if not id then
            return fail(errors.INVALID, "no message here: queue.message works in functions that a queue.consumer calls")
        end
        return message({ number = id, all = headers, tries = attempts })
    end,
}
