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

return {
    publish = function(id, data, ...)
        if type(data) == "table" and next(data) == nil then
            return fail(errors.INVALID, "queue.publish: the data is empty")
        end
        return native.publish(id, data, ...)
    end,
    info = native.info,
    message = function()
        local id, headers, attempts = native.current()
        if not id then
            return fail(errors.INVALID, "no message here: queue.message works in functions that a queue.consumer calls")
        end
        return message({ number = id, all = headers, tries = attempts })
    end,
}
