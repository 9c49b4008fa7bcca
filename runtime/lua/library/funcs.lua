-- funcs: calls of other functions, waited for or not, with a context of their own.
local native = ...

local function check_id(id)
    if type(id) ~= "string" or id == "" then
        return fail(errors.INVALID, "the id of a function must be a text, got %s", type(id))
    end
    if not is_id(id) then
        return fail(errors.INVALID, "the id of a function must be namespace:name, got '%s'", id)
    end
    return true
end

local future = class("future", {
    response = function(self) return self.out end,
    channel = function(self) return self.out end,
    is_complete = function(self) return self.complete end,
    is_canceled = function(self) return self.canceled end,
    result = function(self)
        if not self.complete then
            return nil, nil
        end
        return self.value, self.problem
    end,
    error = function(self)
        return self.problem, self.problem ~= nil
    end,
    cancel = function(self)
        if self.complete then
            return false
        end
        self.canceled = true
        native.cancel(handles[self])
        return true
    end,
})

-- Waits for the end of a call in a task of its own and gives it to whoever holds the future.
local function follow(self, items)
    local item, ok = items:receive()
    self.complete = true
    if not ok then
        self.problem = make_error(errors.UNAVAILABLE, "the call was cut off")
    elseif self.canceled then
        self.problem = make_error(errors.CANCELED, "the call was canceled")
    elseif item[1] == "" then
        self.value = native.wrap(#item > 2 and item[2] or nil)
    else
        self.problem = failure(item[1], item[2], type(item[3]) == "table" and item[3] or nil)
    end
    self.out:send(self.problem or self.value)
    self.out:close()
end

local function start(options, id, ...)
    local good, problem = check_id(id)
    if not good then
        return nil, problem
    end
    local items, call = native.start(id, options, ...)
    if not items then
        return nil, call
    end
    local made = future({ out = channel.new(1), complete = false, canceled = false })
    handles[made] = call
    spawn_follower(follow, made, items)
    return made
end

local function call(options, id, ...)
    local good, problem = check_id(id)
    if not good then
        return nil, problem
    end
    return native.call(id, options, ...)
end

local executor
executor = class("executor", {
    with_context = function(self, values)
        return executor({ options = merge(self.options, { context = merge(self.options.context, values) }) })
    end,
    with_options = function(self, options)
        local made = merge(self.options)
        local timeout = options and options.timeout
        if type(timeout) == "number" then
            made.timeout_ns = math.floor(timeout * 1000000)
        elseif type(timeout) == "string" then
            local ns, problem = duration_ns(timeout)
            if not ns then
                return nil, problem
            end
            made.timeout_ns = ns
        end
        return executor({ options = made })
    end,
    with_actor = function(self, actor)
        return executor({ options = merge(self.options,
            { context = merge(self.options.context, { ["\1actor"] = actor_value(actor) }) }) })
    end,
    with_scope = function(self, scope)
        return executor({ options = merge(self.options,
            { context = merge(self.options.context, { ["\1scope"] = scope_value(scope) }) }) })
    end,
    call = function(self, id, ...) return call(self.options, id, ...) end,
    async = function(self, id, ...) return start(self.options, id, ...) end,
})

return {
    call = function(id, ...) return call(nil, id, ...) end,
    async = function(id, ...) return start(nil, id, ...) end,
    new = function() return executor({ options = {} }) end,
}
