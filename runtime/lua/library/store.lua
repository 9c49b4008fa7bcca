-- store: keys and values that outlive a process.
local native = ...

-- As store_operation in key_value_store.hpp.
local get, entry, set, put, has, remove, list, info = 0, 1, 2, 3, 4, 5, 6, 7

local function check(self, key)
    if self.released then
        return fail(errors.INVALID, "the store was released")
    end
    if type(key) ~= "string" or key == "" then
        return fail(errors.INVALID, "the key must be a text that is not empty, got %s", type(key))
    end
    return true
end

local function check_ttl(ttl)
    if ttl ~= nil and (type(ttl) ~= "number" or ttl < 0 or ttl ~= ttl) then
        return fail(errors.INVALID, "the ttl must be a number of seconds, got %s", tostring(ttl))
    end
    return true
end

local store = class("store", {
    get = function(self, key)
        local good, problem = check(self, key)
        if not good then return nil, problem end
        local value, more = native.run(self.id, get, key)
        if value == nil then
            return nil, type(more) ~= "string" and more or nil
        end
        return value
    end,
    entry = function(self, key)
        local good, problem = check(self, key)
        if not good then return nil, problem end
        local value, version = native.run(self.id, entry, key)
        if value == nil and type(version) ~= "string" then
            return nil, version
        end
        return { key = key, value = value, version = version }
    end,
    set = function(self, key, value, ttl)
        local good, problem = check(self, key)
        if good then good, problem = check_ttl(ttl) end
        if not good then return nil, problem end
        return native.run(self.id, set, key, value, { ttl = ttl })
    end,
    put = function(self, key, value, options)
        options = options or {}
        local good, problem = check(self, key)
        if good then good, problem = check_ttl(options.ttl) end
        if not good then return nil, problem end
        if options.only_if_absent and options.if_version then
            return fail(errors.INVALID, "only_if_absent and if_version exclude each other")
        end
        if options.if_version ~= nil then -- versions are texts; a number is one, too
            local wanted = tostring(options.if_version)
            if wanted == "" then
                return fail(errors.INVALID, "if_version must be a version that entry() gave")
            end
            options = { ttl = options.ttl, if_version = wanted }
        end
        local written, version = native.run(self.id, put, key, value, options)
        if written == nil and type(version) ~= "string" then
            return nil, version
        end
        return { key = key, value = written, version = version }
    end,
    has = function(self, key)
        local good, problem = check(self, key)
        if not good then return nil, problem end
        return native.run(self.id, has, key)
    end,
    delete = function(self, key)
        local good, problem = check(self, key)
        if not good then return nil, problem end
        return native.run(self.id, remove, key)
    end,
    list = function(self, options)
        if self.released then
            return fail(errors.INVALID, "the store was released")
        end
        options = options or {}
        local got = table.pack(native.run(self.id, list, options.after or "", nil, options))
        if got[1] == nil then
            return nil, got[2]
        end
        local items = {}
        for i = 3, got.n, 3 do
            items[#items + 1] = { key = got[i], value = got[i + 1], version = got[i + 2] }
        end
        return { items = items, cursor = got[2], has_more = got[1] }
    end,
    info = function(self)
        if self.released then
            return fail(errors.INVALID, "the store was released")
        end
        return native.run(self.id, info, "-")
    end,
    release = function(self)
        self.released = true
        return true
    end,
}, function(self) return self.released and "store.Store{released}" or "store.Store{}" end)

return {
    get = function(id)
        if type(id) ~= "string" or id == "" then
            return fail(errors.INVALID, "store.get takes the id of a store")
        end
        if not native.has_store(id) then
            return fail(errors.NOT_FOUND, "no entry of kind store.memory or store.sql '%s'", id)
        end
        return store({ id = id })
    end,
    backend = { MEMORY = "memory", SQL = "sql", KV_RAFT = "kv.raft", KV_CRDT = "kv.crdt", UNKNOWN = "unknown" },
    consistency = { LINEARIZABLE = "linearizable", EVENTUAL = "eventual", LOCAL = "local", UNKNOWN = "unknown" },
}
