-- pg: groups of processes, their bounds, and who joins and leaves.
local native = ...

local subscription = class("subscription", {
    channel = function(self) return self.items end,
    close = function(self)
        if not self.closed then
            self.closed = true
            native.unwatch(table.unpack(handles[self]))
        end
        return true
    end,
})

local function watch(self, name)
    local items, stream, number = native.watch(self.scope, name)
    local made = subscription({ items = items })
    handles[made] = { stream, number }
    return made
end

local function each(names, act)
    if type(names) ~= "table" then
        return act(names)
    end
    for _, name in ipairs(names) do
        act(name)
    end
end

local group = class("group", {
    join = function(self, names, pid)
        local why
        each(names, function(name)
            if type(name) == "string" then
                why = why or native.refusal(self.scope, name)
            end
        end)
        if why then
            return fail(errors.UNAVAILABLE, "%s", why)
        end
        local done, problem = self.native:join(names, pid)
        if done then
            each(names, function(name) native.joined(self.scope, name, pid) end)
        end
        return done, problem
    end,
    leave = function(self, names, pid)
        local done, problem = self.native:leave(names, pid)
        if done then
            each(names, function(name) native.left(self.scope, name, pid) end)
        end
        return done, problem
    end,
    get_members = function(self, name) return self.native:get_members(name) end,
    get_local_members = function(self, name) return self.native:get_members(name) end,
    which_groups = function(self) return self.native:which_groups() end,
    which_local_groups = function(self) return self.native:which_groups() end,
    broadcast = function(self, ...) return self.native:broadcast(...) end,
    broadcast_local = function(self, ...) return self.native:broadcast(...) end,
    monitor = function(self, name)
        local members, problem = self.native:get_members(name)
        if not members then
            return nil, problem
        end
        local made = watch(self, name)
        members = self.native:get_members(name)
        for _, pid in ipairs(members) do native.track(self.scope, name, pid) end
        return made, members
    end,
    events = function(self)
        local names, problem = self.native:which_groups()
        if not names then
            return nil, problem
        end
        local made, snapshot = watch(self, ""), {}
        for _, name in ipairs(self.native:which_groups()) do
            snapshot[name] = self.native:get_members(name)
            for _, pid in ipairs(snapshot[name]) do native.track(self.scope, name, pid) end
        end
        return made, snapshot
    end,
    release = function(self) return self.native:release() end,
})

return {
    open = function(scope)
        local opened, problem = native.open(scope)
        if not opened then
            return nil, problem
        end
        if not native.knows(scope) then
            return fail(errors.NOT_FOUND, "no pg.scope entry '%s'", scope)
        end
        return group({ native = opened, scope = scope })
    end,
}
