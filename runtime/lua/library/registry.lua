-- registry: the entries of the application, as they stand in its files, and versions of them.
local native = ...

local function parse_id(text)
    local ns, name = tostring(text):match("^([^:]*):(.*)$")
    return { ns = ns or "", name = name or tostring(text) }
end

local operators = {
    ["~"] = function(found, wanted)
        local yes, why = native.is_like(wanted, found)
        if yes == nil then error(why, 0) end
        return yes
    end,
    ["*"] = function(found, wanted) return found:find(wanted, 1, true) ~= nil end,
    ["^"] = function(found, wanted) return found:sub(1, #wanted) == wanted end,
    ["$"] = function(found, wanted) return wanted == "" or found:sub(-#wanted) == wanted end,
}

-- `*` any characters; all else stands for itself.
local function glob(found, wanted)
    local pattern = wanted:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*")
    return found:find("^" .. pattern .. "$") ~= nil
end

local own = {
    [".kind"] = function(entry) return entry.kind end,
    [".id"] = function(entry) return entry.id end,
    [".ns"] = function(entry) return parse_id(entry.id).ns end,
    [".name"] = function(entry) return parse_id(entry.id).name end,
}

-- Keys may hold dots themselves: `meta.mcp.tool` is the key `mcp.tool`, or `tool` inside `mcp`.
local function inside(at, path)
    if type(at) ~= "table" then
        return nil
    end
    local found = at[path]
    for head, rest in path:gmatch("()%.()") do
        if found ~= nil then
            break
        end
        found = inside(at[path:sub(1, head - 1)], path:sub(rest))
    end
    return found
end

local function value_at(entry, path)
    if own[path] then
        return own[path](entry)
    end
    return inside(entry, path)
end

local function matches(found, wanted, compare)
    if type(wanted) == "table" then -- a list: all of them
        for _, item in ipairs(wanted) do
            if not matches(found, item, compare) then
                return false
            end
        end
        return #wanted > 0
    end
    if type(found) == "table" then -- a list: one of them is enough
        for _, item in ipairs(found) do
            if matches(item, wanted, compare) then
                return true
            end
        end
        return false
    end
    if found == nil then
        return false
    end
    if compare then
        return compare(tostring(found), tostring(wanted))
    end
    return found == wanted or tostring(found) == tostring(wanted)
end

local told = {}

-- Keys that say nothing about an entry are told (once) and passed over, as the dialect does.
local function conditions_of(filter)
    local all = {}
    for key, wanted in pairs(filter or {}) do
        local text = tostring(key)
        local compare = operators[text:sub(1, 1)]
        local path = compare and text:sub(2) or text
        for _, one in ipairs(text:sub(1, 1) == "~" and (type(wanted) == "table" and wanted or { wanted }) or {}) do
            local yes, why = native.is_like(tostring(one), "")
            if yes == nil then
                return fail(errors.INVALID, "registry.find: %s: no regular expression: %s", text, why)
            end
        end
        if own[path] and not compare then
            compare = glob
        end
        if own[path] or path:find("^meta%.") or path:find("^data%.") then
            all[#all + 1] = { key = text, path = path, wanted = wanted, compare = compare }
        elseif not told[text] then
            told[text] = true
            native.warn("registry.find: the key '" .. text ..
                "' selects nothing: write .kind, .ns, .name or meta.NAME")
        end
    end
    return all
end

local function find_in(entries, filter)
    local conditions, problem = conditions_of(filter)
    if not conditions then
        return nil, problem
    end
    local found = {}
    for _, entry in ipairs(entries or {}) do
        local good = true
        for _, one in ipairs(conditions) do
            local done, result = pcall(matches, value_at(entry, one.path), one.wanted, one.compare)
            if not done then
                return fail(errors.INVALID, "registry.find: %s: %s of %s", one.key, tostring(result), entry.id)
            end
            good = good and result
        end
        if good then
            found[#found + 1] = entry
        end
    end
    return found
end

local function id_text(id)
    if type(id) == "table" then
        return (id.ns or "") .. ":" .. (id.name or "")
    end
    return id
end

local version
version = class("version", {
    id = function(self) return self.number end,
    string = function(self) return "v" .. self.number end,
    previous = function(self)
        local before
        for _, number in ipairs(native.versions()) do
            if number < self.number then
                before = number
            end
        end
        return before and version({ number = before })
    end,
    next = function(self)
        for _, number in ipairs(native.versions()) do
            if number > self.number then
                return version({ number = number })
            end
        end
    end,
})

local function number_of(given)
    if type(given) == "number" then
        return given
    end
    return objects[given] and given.number
end

local function check_entry(entry, what)
    if type(entry) ~= "table" then
        error(what .. " takes an entry: {id, kind, meta, data}", 3)
    end
    local made = { id = id_text(entry.id), kind = entry.kind, meta = entry.meta or {}, data = entry.data or {} }
    if not is_id(made.id) then
        error(what .. ": the id must be namespace:name", 3)
    end
    if type(made.kind) ~= "string" then
        error(what .. ": the kind must be a text", 3)
    end
    return made
end

local changes = class("changes", {
    create = function(self, entry)
        self.list[#self.list + 1] = { kind = "entry.create", entry = check_entry(entry, "changes:create") }
        return self
    end,
    update = function(self, entry)
        self.list[#self.list + 1] = { kind = "entry.update", entry = check_entry(entry, "changes:update") }
        return self
    end,
    delete = function(self, id)
        self.list[#self.list + 1] = { kind = "entry.delete", entry = { id = id_text(id), kind = "" } }
        return self
    end,
    ops = function(self) return self.list end,
    apply = function(self)
        if #self.list == 0 then
            return fail(errors.INVALID, "no changes to apply")
        end
        local number, problem = native.apply(self.list)
        if not number then
            return nil, problem
        end
        return version({ number = number })
    end,
}, function(self) return "registry.Changes{ops=" .. #self.list .. "}" end)

local snapshot = class("snapshot", {
    entries = function(self) return native.all(self.number) end,
    get = function(self, id)
        local found = native.get(id_text(id), self.number)
        if not found then
            return fail(errors.NOT_FOUND, "no entry '%s'", tostring(id_text(id)))
        end
        return found
    end,
    find = function(self, filter) return find_in(native.all(self.number), filter) end,
    namespace = function(self, ns) return find_in(native.all(self.number), { [".ns"] = ns }) end,
    version = function(self) return version({ number = self.number }) end,
    changes = function() return changes({ list = {} }) end,
}, function(self) return "registry.Snapshot{version=" .. self.number .. "}" end)

local registry = { parse_id = parse_id }

function registry.get(id)
    local text = id_text(id)
    if type(text) ~= "string" or text == "" then
        return fail(errors.INVALID, "registry.get takes the id of an entry")
    end
    local found = native.get(text)
    if not found then
        return fail(errors.NOT_FOUND, "no entry '%s'", text)
    end
    return found
end

function registry.find(filter)
    if filter ~= nil and type(filter) ~= "table" then
        return fail(errors.INVALID, "registry.find takes a table, got %s", type(filter))
    end
    return find_in(native.all(), filter)
end

function registry.snapshot()
    return snapshot({ number = native.version() })
end

function registry.snapshot_at(which)
    local number = number_of(which)
    if not number or not native.all(number) then
        return fail(errors.NOT_FOUND, "no such version")
    end
    return snapshot({ number = number })
end

function registry.current_version()
    return version({ number = native.version() })
end

function registry.versions()
    local all = {}
    for _, number in ipairs(native.versions()) do
        all[#all + 1] = version({ number = number })
    end
    return all
end

local history = class("history", {
    versions = registry.versions,
    get_version = function(_, number)
        if not native.all(number) then
            return fail(errors.NOT_FOUND, "no version %s", tostring(number))
        end
        return version({ number = number })
    end,
    snapshot_at = function(_, which) return registry.snapshot_at(which) end,
})

function registry.history()
    return history({})
end

function registry.apply_version(which)
    local number = number_of(which)
    if not number then
        return fail(errors.INVALID, "registry.apply_version takes a version")
    end
    return native.go_to(number)
end

local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
        return a == b
    end
    for key, value in pairs(a) do
        if not same(value, b[key]) then
            return false
        end
    end
    for key in pairs(b) do
        if a[key] == nil then
            return false
        end
    end
    return true
end

function registry.build_delta(from, to)
    local before, after, ops = {}, {}, {}
    for _, entry in ipairs(from) do before[entry.id] = entry end
    for _, entry in ipairs(to) do
        after[entry.id] = entry
        if not before[entry.id] then
            ops[#ops + 1] = { kind = "entry.create", entry = entry }
        elseif not same(before[entry.id], entry) then
            ops[#ops + 1] = { kind = "entry.update", entry = entry }
        end
    end
    for _, entry in ipairs(from) do
        if not after[entry.id] then
            ops[#ops + 1] = { kind = "entry.delete", entry = entry }
        end
    end
    return ops
end

return registry
