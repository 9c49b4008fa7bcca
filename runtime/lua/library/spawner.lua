-- What process.with_context and with_options give: a spawn with more to it, said step by step.
local native = ...

-- As in process_control.cpp.
local bonds = {
    spawn = 0,
    spawn_monitored = 1,
    spawn_linked = 2,
    spawn_linked_monitored = 3,
    exec = 4,
}

local spawner
local methods = {
    with_context = function(self, values)
        if type(values) ~= "table" then
            error("with_context takes a table of values, got " .. type(values), 3)
        end
        return spawner(merge(self, { context = merge(self.context, values) }))
    end,
    with_options = function(self, options)
        return spawner(merge(self, { options = merge(self.options, options) }))
    end,
    with_name = function(self, name)
        if type(name) ~= "string" or name == "" then
            error("with_name takes a name that is not empty", 3)
        end
        return spawner(merge(self, { name = name }))
    end,
    with_message = function(self, topic, ...)
        if type(topic) ~= "string" or topic == "" or topic:sub(1, 1) == "@" then
            error("with_message takes a topic that does not begin with @", 3)
        end
        local messages = { table.unpack(self.messages or {}) }
        messages[#messages + 1] = { topic, select("#", ...), ... }
        return spawner(merge(self, { messages = messages }))
    end,
    with_actor = function(self, actor)
        return spawner(merge(self,
            { context = merge(self.context, { ["\1actor"] = actor_value(actor) }) }))
    end,
    with_scope = function(self, scope)
        return spawner(merge(self,
            { context = merge(self.context, { ["\1scope"] = scope_value(scope) }) }))
    end,
}
for name, bond in pairs(bonds) do
    methods[name] = function(self, entry, host, ...)
        return native.spawn_with(self, bond, entry, host, ...)
    end
end
spawner = class("spawner", methods)

local empty = spawner({})

return {
    with_context = function(values) return empty:with_context(values) end,
    with_options = function(options) return empty:with_options(options) end,
}
