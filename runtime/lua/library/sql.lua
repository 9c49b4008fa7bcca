-- sql: statements for a database, transactions, prepared statements; the builder is sql_builder.lua.
local native = ...

-- As sql_operation in sqlite_database.hpp.
local query_statement, execute_statement, begin_statement, end_statement, prepare_statement = 0, 1, 2, 3, 4

local NULL = native.NULL

-- A list with holes as C reads it.
local function pack(values)
    if values == nil then
        return nil
    end
    if type(values) ~= "table" then
        error("the parameters must be a list, got " .. type(values), 4)
    end
    local n = 0
    for key in pairs(values) do
        if math.type(key) == "integer" and key > n then
            n = key
        end
    end
    local made = { n = n }
    for i = 1, n do
        made[i] = values[i]
    end
    return made
end

-- Bytes that are no text come in a code of their own.
local function decode(rows)
    for _, row in ipairs(rows or {}) do
        for name, value in pairs(row) do
            if type(value) == "table" and value["\1b64"] then
                row[name] = native.decode_blob(value["\1b64"])
            end
        end
    end
    return rows
end

local function run(self, what, text, values)
    if self.released then
        return fail(errors.INVALID, "the database handle was released")
    end
    if self.over then
        return fail(errors.INVALID, "the transaction is over")
    end
    if type(text) ~= "string" or text == "" then
        return fail(errors.INVALID, "the statement must be a text that is not empty")
    end
    local result, problem = native.run(self.id, what, text, pack(values), handles[self])
    if problem then
        return nil, problem
    end
    return what == query_statement and decode(result) or result
end

local statement = class("statement", {
    query = function(self, values)
        if self.closed then return fail(errors.INVALID, "the statement is closed") end
        return run(self.of, query_statement, self.text, values)
    end,
    execute = function(self, values)
        if self.closed then return fail(errors.INVALID, "the statement is closed") end
        return run(self.of, execute_statement, self.text, values)
    end,
    close = function(self)
        if self.closed then return fail(errors.INVALID, "the statement is closed") end
        self.closed = true
        return true
    end,
})

local function prepare(self, text)
    local done, problem = run(self, prepare_statement, text)
    if not done then
        return nil, problem
    end
    return statement({ of = self, text = text })
end

local function savepoint(what)
    return function(self, name)
        if type(name) ~= "string" or not name:find("^[%w_]+$") then
            return fail(errors.INVALID, "the name of a savepoint has letters, digits and _ only")
        end
        return run(self, execute_statement, what .. " " .. name) and true
    end
end

local function finish(text)
    return function(self)
        local done, problem = run(self, end_statement, text)
        if not done then
            return nil, problem
        end
        self.over = true
        native.close_guard(handles[self])
        return true
    end
end

local transaction = class("transaction", {
    db_type = function() return "sqlite" end,
    query = function(self, text, values) return run(self, query_statement, text, values) end,
    execute = function(self, text, values) return run(self, execute_statement, text, values) end,
    prepare = prepare,
    commit = finish("COMMIT"),
    rollback = finish("ROLLBACK"),
    savepoint = savepoint("SAVEPOINT"),
    rollback_to = savepoint("ROLLBACK TO"),
    release = savepoint("RELEASE"),
})

local database = class("database", {
    type = function() return "sqlite" end,
    query = function(self, text, values) return run(self, query_statement, text, values) end,
    execute = function(self, text, values) return run(self, execute_statement, text, values) end,
    prepare = prepare,
    begin = function(self)
        if self.released then
            return fail(errors.INVALID, "the database handle was released")
        end
        local guard = native.open_guard(self.id)
        local done, problem = native.run(self.id, begin_statement, "BEGIN IMMEDIATE", nil, guard)
        if not done then
            native.close_guard(guard)
            return nil, problem
        end
        local made = transaction({ id = self.id })
        handles[made] = guard
        return made
    end,
    stats = function()
        return { max_open_connections = 1, open_connections = 1, in_use = 0, idle = 1, wait_count = 0,
            wait_duration = 0, max_idle_closed = 0, max_idle_time_closed = 0, max_lifetime_closed = 0 }
    end,
    release = function(self)
        self.released = true
        return true
    end,
})

return {
    get = function(id)
        if type(id) ~= "string" or id == "" then
            return fail(errors.INVALID, "sql.get takes the id of a database")
        end
        if not native.has_database(id) then
            return fail(errors.NOT_FOUND, "no entry of kind db.sql.sqlite '%s'", id)
        end
        return database({ id = id })
    end,
    NULL = NULL,
    type = { POSTGRES = "postgres", MYSQL = "mysql", SQLITE = "sqlite", UNKNOWN = "unknown" },
    isolation = { DEFAULT = "default", READ_UNCOMMITTED = "read_uncommitted",
        READ_COMMITTED = "read_committed", WRITE_COMMITTED = "write_committed",
        REPEATABLE_READ = "repeatable_read", SERIALIZABLE = "serializable" },
    as = {
        int = function(value) return math.tointeger(tonumber(value)) or math.floor(tonumber(value) or 0) end,
        float = function(value) return (tonumber(value) or 0) + 0.0 end,
        text = function(value) return tostring(value) end,
        binary = function(value) return { blob = tostring(value) } end,
        null = function() return NULL end,
    },
    builder = native.builder,
}
