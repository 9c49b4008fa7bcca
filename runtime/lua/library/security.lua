-- security: who acts, what that one may do, and tokens that say so.
local native = ...

local function matches(pattern, text)
    local quoted = pattern:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*")
    return text:find("^" .. quoted .. "$") ~= nil
end

local function any_matches(patterns, text)
    for _, pattern in ipairs(patterns) do
        if matches(pattern, text) then
            return true
        end
    end
    return false
end

local actor = class("actor", {
    id = function(self) return hidden[self].id end,
    meta = function(self) return merge(hidden[self].meta) end,
})

local function make_actor(value)
    local made = actor({})
    hidden[made] = value
    return made
end

local operators = {
    eq = function(a, b) return a == b end,
    ne = function(a, b) return a ~= b end,
    lt = function(a, b) return a ~= nil and a < b end,
    gt = function(a, b) return a ~= nil and a > b end,
    lte = function(a, b) return a ~= nil and a <= b end,
    gte = function(a, b) return a ~= nil and a >= b end,
    exists = function(a) return a ~= nil end,
    nexists = function(a) return a == nil end,
    contains = function(a, b)
        if type(a) == "string" then return a:find(b, 1, true) ~= nil end
        for _, one in ipairs(a or {}) do
            if one == b then return true end
        end
        return false
    end,
    ["in"] = function(a, b)
        for _, one in ipairs(b or {}) do
            if one == a then return true end
        end
        return false
    end,
    matches = function(a, b) return type(a) == "string" and matches(b, a) end,
}
operators.nin = function(a, b) return not operators["in"](a, b) end
operators.ncontains = function(a, b) return not operators.contains(a, b) end

local function field_of(facts, path)
    local at = facts
    for step in path:gmatch("[^.]+") do
        if type(at) ~= "table" then
            return nil
        end
        at = at[step]
    end
    return at
end

-- "allow", "deny" or "undefined"
local function evaluate(rule, who, action, resource, meta)
    local text = rule.policy or rule
    if not any_matches(text.actions, action) or not any_matches(text.resources, resource or "") then
        return "undefined"
    end
    local facts = { actor = who and hidden[who] or {}, action = action, resource = resource, meta = meta or {} }
    if text.expression then
        local holds = native.holds(rule.id, facts)
        if holds == nil then -- it cannot be told: nothing is allowed by that, and nothing escapes a denial
            return text.effect == "deny" and "deny" or "undefined"
        end
        return holds and text.effect or "undefined"
    end
    for _, one in ipairs(text.conditions or {}) do
        local compare = operators[one.operator or "eq"]
        local wanted = one.value
        if one.value_from then
            wanted = field_of(facts, one.value_from)
        end
        if not compare or not compare(field_of(facts, one.field or ""), wanted) then
            return "undefined"
        end
    end
    return text.effect
end

local policy = class("policy", {
    id = function(self) return self.rule.id end,
    evaluate = function(self, who, action, resource, meta)
        return evaluate(self.rule, who, action, resource, meta)
    end,
})

local function find_policy(id)
    local rule = native.policy(id)
    if not rule then
        return fail(errors.NOT_FOUND, "no security.policy entry '%s'", tostring(id))
    end
    return policy({ rule = rule })
end

local scope
local function make_scope(ids)
    local made = scope({})
    hidden[made] = ids
    return made
end

scope = class("scope", {
    with = function(self, one)
        local ids = { table.unpack(hidden[self]) }
        ids[#ids + 1] = one:id()
        return make_scope(ids)
    end,
    without = function(self, one)
        local id = type(one) == "string" and one or one:id()
        local ids = {}
        for _, each in ipairs(hidden[self]) do
            if each ~= id then ids[#ids + 1] = each end
        end
        return make_scope(ids)
    end,
    contains = function(self, one)
        local id = type(one) == "string" and one or one:id()
        return operators["in"](id, hidden[self])
    end,
    policies = function(self)
        local all = {}
        for _, id in ipairs(hidden[self]) do
            all[#all + 1] = find_policy(id)
        end
        return all
    end,
    evaluate = function(self, who, action, resource, meta)
        local result = "undefined"
        for _, id in ipairs(hidden[self]) do
            local rule = native.policy(id)
            local said = rule and evaluate(rule, who, action, resource, meta) or "undefined"
            if said == "deny" then
                return said -- one of them is enough
            elseif said == "allow" then
                result = said
            end
        end
        return result
    end,
})

local security = {}

function security.actor()
    local who = native.current()
    return who and make_actor(who) or nil
end

function security.scope()
    local _, ids = native.current()
    return ids and make_scope(ids) or nil
end

-- Without an actor and a scope nothing is bounded, as long as nobody asked for the opposite.
function security.can(action, resource, meta)
    if type(action) ~= "string" or action == "" then
        error("security.can takes an action", 2)
    end
    local who, ids = native.current()
    if not who and not ids then
        return true
    end
    if not ids then
        return false
    end
    return make_scope(ids):evaluate(who and make_actor(who), action, resource, meta) == "allow"
end

security.policy = find_policy

function security.named_scope(name)
    local ids = native.group(name)
    if not ids then
        return fail(errors.NOT_FOUND, "no security.policy entry is in the group '%s'", tostring(name))
    end
    return make_scope(ids)
end

function security.new_scope(policies)
    local ids = {}
    for _, one in ipairs(policies or {}) do
        ids[#ids + 1] = type(one) == "string" and one or one:id()
    end
    return make_scope(ids)
end

function security.new_actor(id, meta)
    if type(id) ~= "string" or id == "" then
        error("security.new_actor takes an id that is not empty", 2)
    end
    return make_actor({ id = id, meta = meta or {} })
end

-- A token is random text and, if the store has a key, a signature of it behind a dot.
local function key_of(self, token)
    if type(token) ~= "string" or token == "" then
        return fail(errors.INVALID, "the token must be a text that is not empty")
    end
    if self.closed then
        return fail(errors.INVALID, "the token store was closed")
    end
    if self.key ~= "" then
        local body, code = token:match("^([^.]+)%.([^.]+)$")
        if not body or not native.is_signature(self.key, body, code) then
            return fail(errors.PERMISSION_DENIED, "the token is not one of this store")
        end
        token = body
    end
    return "token:" .. token
end

local token_store = class("token store", {
    create = function(self, who, bounds, options)
        if self.closed then
            return fail(errors.INVALID, "the token store was closed")
        end
        local token = native.new_token(self.length)
        local lasts, said = self.expiration, options and options.expiration
        if type(said) == "number" then
            lasts = said / 1000
        elseif said ~= nil then
            local ns, problem = duration_ns(said)
            if not ns then return nil, problem end
            lasts = ns / 1000000000
        end
        local done, problem = self.store:set("token:" .. token, {
            actor = actor_value(who), scope = bounds and scope_value(bounds) or nil,
            meta = options and options.meta or nil,
        }, lasts)
        if not done then
            return nil, problem
        end
        return self.key == "" and token or token .. "." .. native.signature(self.key, token)
    end,
    validate = function(self, token)
        local key, problem = key_of(self, token)
        if not key then
            return nil, nil, problem
        end
        local found = self.store:get(key)
        if not found then
            return nil, nil, make_error(errors.NOT_FOUND, "the token is unknown or has expired")
        end
        return make_actor(found.actor), found.scope and make_scope(found.scope) or nil, nil
    end,
    revoke = function(self, token)
        local key, problem = key_of(self, token)
        if not key then
            return nil, problem
        end
        return self.store:delete(key)
    end,
    close = function(self)
        self.closed = true
        return true
    end,
})

function security.token_store(id)
    local settings = native.token_store(id)
    if not settings then
        return fail(errors.NOT_FOUND, "no security.token_store entry '%s'", tostring(id))
    end
    local store, problem = native.store.get(settings.store)
    if not store then
        return nil, problem
    end
    return token_store(merge(settings, { store = store }))
end

return security
