-- sql: statements for a database, transactions, prepared statements, a builder.
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
    local result, problem = native.run(self.id, what, text, pack(values), self.number or 0)
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
        native.close_guard(self.guard)
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
        local guard, number = native.open_guard(self.id)
        local done, problem = native.run(self.id, begin_statement, "BEGIN IMMEDIATE", nil, number)
        if not done then
            native.close_guard(guard)
            return nil, problem
        end
        return transaction({ id = self.id, number = number, guard = guard })
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

-- -- builder ----------------------------------------------------------------------

local expression
expression = class("expression", {
    to_sql = function(self) return self.text, self.values end,
})

local function expr(text, ...)
    return expression({ text = text, values = table.pack(...) })
end

local function append(to, values)
    for i = 1, values.n or #values do
        to.n = (to.n or #to) + 1
        to[to.n] = values[i] == nil and NULL or values[i]
    end
end

local function sorted(map)
    local names = {}
    for name in pairs(map) do names[#names + 1] = name end
    table.sort(names)
    return names
end

-- {column = value} as one condition.
local function compare(operator, null, list)
    return function(map)
        local parts, values = {}, { n = 0 }
        for _, name in ipairs(sorted(map)) do
            local value = map[name]
            if value == NULL and null then
                parts[#parts + 1] = name .. " " .. null
            elseif type(value) == "table" and list then
                local marks = {}
                for i = 1, #value do marks[i] = "?" end
                parts[#parts + 1] = name .. " " .. list .. " (" .. table.concat(marks, ",") .. ")"
                append(values, value)
            else
                parts[#parts + 1] = name .. " " .. operator .. " ?"
                append(values, { value, n = 1 })
            end
        end
        return expression({ text = table.concat(parts, " AND "), values = values })
    end
end

local eq = compare("=", "IS NULL", "IN")

local function condition(given, ...)
    if type(given) == "string" then
        return expr(given, ...)
    end
    return objects[given] and given or eq(given)
end

local function combine(word)
    return function(list)
        local parts, values = {}, { n = 0 }
        for _, one in ipairs(list) do
            local text, more = condition(one):to_sql()
            parts[#parts + 1] = "(" .. text .. ")"
            append(values, more)
        end
        return expression({ text = table.concat(parts, " " .. word .. " "), values = values })
    end
end

-- Each step gives a builder of its own, so that a base may be used again.
local function step(self, make, change)
    local made = merge(self)
    for key, value in pairs(made) do
        if type(value) == "table" and not objects[value] then
            made[key] = { table.unpack(value, 1, value.n or #value) }
            made[key].n = value.n
        end
    end
    change(made)
    return make(made)
end

local function add(self, make, key, ...)
    local items = table.pack(...)
    return step(self, make, function(made)
        made[key] = made[key] or {}
        for i = 1, items.n do
            made[key][#made[key] + 1] = items[i]
        end
    end)
end

local function put(self, make, key, value)
    return step(self, make, function(made) made[key] = value end)
end

local function write_conditions(word, list, parts, values)
    if list and #list > 0 then
        local texts = {}
        for i, one in ipairs(list) do
            local text, more = one:to_sql()
            texts[i] = #list > 1 and "(" .. text .. ")" or text
            append(values, more)
        end
        parts[#parts + 1] = word .. " " .. table.concat(texts, " AND ")
    end
end

local function write_tail(self, parts, values)
    if self.orders then
        parts[#parts + 1] = "ORDER BY " .. table.concat(self.orders, ", ")
    end
    if self.most then parts[#parts + 1] = "LIMIT " .. self.most end
    if self.from_row then
        parts[#parts + 1] = (self.most and "" or "LIMIT -1 ") .. "OFFSET " .. self.from_row
    end
    for _, one in ipairs(self.suffixes or {}) do
        local text, more = one:to_sql()
        parts[#parts + 1] = text
        append(values, more)
    end
end

local marks = { dollar = "$", at = "@p", colon = ":" }

local function finish_text(self, parts, values)
    local text, count = table.concat(parts, " "), 0
    local mark = marks[self.marks]
    if mark then
        text = text:gsub("%?", function()
            count = count + 1
            return mark .. count
        end)
    end
    return text, values
end

local runner = class("runner", {
    query = function(self) return self.of:query(self.builder:to_sql()) end,
    exec = function(self) return self.of:execute(self.builder:to_sql()) end,
    execute = function(self) return self.of:execute(self.builder:to_sql()) end,
})

local function shared(make, methods)
    methods.where = function(self, given, ...) return add(self, make(), "conditions", condition(given, ...)) end
    methods.order_by = function(self, ...) return add(self, make(), "orders", ...) end
    methods.limit = function(self, n) return put(self, make(), "most", math.tointeger(n)) end
    methods.offset = function(self, n) return put(self, make(), "from_row", math.tointeger(n)) end
    methods.suffix = function(self, text, ...) return add(self, make(), "suffixes", expr(text, ...)) end
    methods.placeholder_format = function(self, name) return put(self, make(), "marks", name) end
    methods.run_with = function(self, of) return runner({ of = of, builder = self }) end
    return methods
end

local select_builder
local function make_select() return select_builder end
local select_methods = shared(make_select, {
    from = function(self, name) return put(self, select_builder, "source", name) end,
    columns = function(self, ...) return add(self, select_builder, "names", ...) end,
    distinct = function(self) return put(self, select_builder, "unique", true) end,
    group_by = function(self, ...) return add(self, select_builder, "groups", ...) end,
    having = function(self, given, ...) return add(self, select_builder, "having_list", condition(given, ...)) end,
    to_sql = function(self)
        local parts, values = { self.unique and "SELECT DISTINCT" or "SELECT" }, { n = 0 }
        local names = {}
        for i, one in ipairs(self.names or {}) do
            if objects[one] then
                local text, more = one:to_sql()
                names[i] = text
                append(values, more)
            else
                names[i] = one
            end
        end
        parts[#parts + 1] = #names > 0 and table.concat(names, ", ") or "*"
        if self.source then parts[#parts + 1] = "FROM " .. self.source end
        for _, one in ipairs(self.joins or {}) do
            local text, more = one:to_sql()
            parts[#parts + 1] = text
            append(values, more)
        end
        write_conditions("WHERE", self.conditions, parts, values)
        if self.groups then parts[#parts + 1] = "GROUP BY " .. table.concat(self.groups, ", ") end
        write_conditions("HAVING", self.having_list, parts, values)
        write_tail(self, parts, values)
        return finish_text(self, parts, values)
    end,
})
for name, word in pairs({ join = "JOIN", left_join = "LEFT JOIN", right_join = "RIGHT JOIN", inner_join = "INNER JOIN" }) do
    select_methods[name] = function(self, text, ...)
        return add(self, select_builder, "joins", expr(word .. " " .. text, ...))
    end
end
select_builder = class("select", select_methods)

local insert_builder
local insert_methods = shared(function() return insert_builder end, {
    into = function(self, name) return put(self, insert_builder, "target", name) end,
    columns = function(self, ...) return add(self, insert_builder, "names", ...) end,
    values = function(self, ...) return add(self, insert_builder, "rows", table.pack(...)) end,
    set_map = function(self, map)
        local names = sorted(map)
        local row = { n = #names }
        for i, name in ipairs(names) do row[i] = map[name] end
        return put(put(self, insert_builder, "names", names), insert_builder, "rows", { row })
    end,
    to_sql = function(self)
        local parts, values = { "INSERT INTO " .. tostring(self.target) }, { n = 0 }
        if self.names then parts[#parts + 1] = "(" .. table.concat(self.names, ",") .. ")" end
        local rows = {}
        for i, row in ipairs(self.rows or {}) do
            local places = {}
            for k = 1, row.n do places[k] = "?" end
            rows[i] = "(" .. table.concat(places, ",") .. ")"
            append(values, row)
        end
        parts[#parts + 1] = "VALUES " .. table.concat(rows, ",")
        write_tail(self, parts, values)
        return finish_text(self, parts, values)
    end,
})
insert_builder = class("insert", insert_methods)

local update_builder
local update_methods = shared(function() return update_builder end, {
    table = function(self, name) return put(self, update_builder, "target", name) end,
    set = function(self, name, value)
        return add(self, update_builder, "changes", { name, value == nil and NULL or value })
    end,
    set_map = function(self, map)
        local made = self
        for _, name in ipairs(sorted(map)) do made = made:set(name, map[name]) end
        return made
    end,
    to_sql = function(self)
        local parts, values, changes = { "UPDATE " .. tostring(self.target) }, { n = 0 }, {}
        for i, one in ipairs(self.changes or {}) do
            if objects[one[2]] then
                local text, more = one[2]:to_sql()
                changes[i] = one[1] .. " = " .. text
                append(values, more)
            else
                changes[i] = one[1] .. " = ?"
                append(values, { one[2], n = 1 })
            end
        end
        parts[#parts + 1] = "SET " .. table.concat(changes, ", ")
        write_conditions("WHERE", self.conditions, parts, values)
        write_tail(self, parts, values)
        return finish_text(self, parts, values)
    end,
})
update_builder = class("update", update_methods)

local delete_builder
local delete_methods = shared(function() return delete_builder end, {
    from = function(self, name) return put(self, delete_builder, "target", name) end,
    to_sql = function(self)
        local parts, values = { "DELETE FROM " .. tostring(self.target) }, { n = 0 }
        write_conditions("WHERE", self.conditions, parts, values)
        write_tail(self, parts, values)
        return finish_text(self, parts, values)
    end,
})
delete_builder = class("delete", delete_methods)

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
    builder = {
        select = function(...) return add({}, select_builder, "names", ...) end,
        insert = function(name) return insert_builder({ target = name }) end,
        update = function(name) return update_builder({ target = name }) end,
        delete = function(name) return delete_builder({ target = name }) end,
        expr = expr,
        eq = eq,
        not_eq = compare("<>", "IS NOT NULL", "NOT IN"),
        lt = compare("<"),
        lte = compare("<="),
        gt = compare(">"),
        gte = compare(">="),
        like = compare("LIKE"),
        not_like = compare("NOT LIKE"),
        and_ = combine("AND"),
        or_ = combine("OR"),
        question = "question",
        default_placeholder = "question",
        dollar = "dollar",
        at = "at",
        colon = "colon",
    },
}
