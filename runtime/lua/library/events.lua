-- events: the application's bus.
local native = ...

local subscription = class("subscription", {
    channel = function(self) return self.items end,
    close = function(self)
        if not self.closed then
            self.closed = true
            native.unsubscribe(table.unpack(handles[self]))
        end
        return true
    end,
})

local events = {}

function events.subscribe(system, kind)
    if type(system) ~= "string" or system == "" then
        return fail(errors.INVALID, "events.subscribe takes the name or pattern of a system")
    end
    if kind ~= nil and type(kind) ~= "string" then
        return fail(errors.INVALID, "events.subscribe: the kind must be a text, got %s", type(kind))
    end
    local items, stream, number = native.subscribe(system, kind)
    local made = subscription({ items = items })
    handles[made] = { stream, number } -- numbers of others are not for scripts to close
    return made
end

function events.send(system, kind, path, data)
    local given = { { "system", system }, { "kind", kind }, { "path", path } }
    for _, one in ipairs(given) do
        if type(one[2]) ~= "string" or one[2] == "" then
            return fail(errors.INVALID, "events.send: the %s must be a text that is not empty", one[1])
        end
    end
    return native.send(system, kind, path, data)
end

return events
