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
local longest_pause = 50 -- ms

local function publish(id, data, headers)
    local pause, waited = 1, 0
    while true do
        local good, err = native.publish(id, data, headers)
        if good or err:kind() ~= errors.UNAVAILABLE or waited >= native.patience(id) then
            return good, err
        end
        native.sleep(pause * 1000000)
        waited = waited + pause
        pause = math.min(pause * 2, longest_pause)
    end
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
