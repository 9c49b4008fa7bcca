-- sql.builder: statements made step by step. Nothing here reaches a database but run_with.
local native = ...
local NULL = native.NULL

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

local function write_expressions(list, parts, values)
    for _, one in ipairs(list or {}) do
        local text, more = one:to_sql()
        parts[#parts + 1] = text
        append(values, more)
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
    write_expressions(self.suffixes, parts, values)
end

-- A query inside another statement: its places are counted there.
local function write_query(query, parts, values, form)
    if objects[query] == nil or type(query.to_sql) ~= "function" then
        error("a query made with sql.builder.select is expected, got " .. type(query), 4)
    end
    local text, more = query:placeholder_format("question"):to_sql()
    parts[#parts + 1] = form and form:format(text) or text
    append(values, more)
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
    to_sql = function(self) return self.builder:to_sql() end,
})

-- What tostring gives of a builder: its statement.
local function statement_text(self) return (self:to_sql()) end

local function shared(make, methods)
    methods.where = function(self, given, ...) return add(self, make(), "conditions", condition(given, ...)) end
    methods.order_by = function(self, ...) return add(self, make(), "orders", ...) end
    methods.limit = function(self, n) return put(self, make(), "most", math.tointeger(n)) end
    methods.offset = function(self, n) return put(self, make(), "from_row", math.tointeger(n)) end
    methods.prefix = function(self, text, ...) return add(self, make(), "prefixes", expr(text, ...)) end
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
        local parts, values, names = {}, { n = 0 }, {}
        write_expressions(self.prefixes, parts, values)
        parts[#parts + 1] = self.unique and "SELECT DISTINCT" or "SELECT"
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
        write_expressions(self.joins, parts, values)
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
select_builder = class("select", select_methods, statement_text)

local function write_rows(rows, parts, values)
    local texts = {}
    for i, row in ipairs(rows) do
        local places = {}
        for k = 1, row.n do places[k] = "?" end
        texts[i] = "(" .. table.concat(places, ",") .. ")"
        append(values, row)
    end
    parts[#parts + 1] = "VALUES " .. table.concat(texts, ",")
end

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
    select = function(self, query) return put(self, insert_builder, "query", query) end,
    options = function(self, ...) return add(self, insert_builder, "words", ...) end,
    to_sql = function(self)
        local parts, values, words = {}, { n = 0 }, { "INSERT", table.unpack(self.words or {}) }
        for _, one in ipairs(self.prefixes or {}) do
            local text, more = one:to_sql()
            -- OR IGNORE and its like have no place in front of a statement.
            local list = text:upper():find("^OR%s") and words or parts
            list[#list + 1] = text
            append(values, more)
        end
        words[#words + 1] = "INTO " .. tostring(self.target)
        parts[#parts + 1] = table.concat(words, " ")
        if self.names then parts[#parts + 1] = "(" .. table.concat(self.names, ",") .. ")" end
        if self.query then
            write_query(self.query, parts, values)
        else
            write_rows(self.rows or {}, parts, values)
        end
        write_tail(self, parts, values)
        return finish_text(self, parts, values)
    end,
})
insert_builder = class("insert", insert_methods, statement_text)

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
    from = function(self, name) return put(put(self, update_builder, "source", name), update_builder, "query", nil) end,
    from_select = function(self, query, name)
        if type(name) ~= "string" or name == "" then
            error("from_select takes a query and the name it has in the statement", 3)
        end
        return put(put(self, update_builder, "query", query), update_builder, "source", name)
    end,
    to_sql = function(self)
        local parts, values, changes = {}, { n = 0 }, {}
        write_expressions(self.prefixes, parts, values)
        parts[#parts + 1] = "UPDATE " .. tostring(self.target)
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
        if self.query then
            write_query(self.query, parts, values, "FROM (%s) AS " .. self.source:gsub("%%", "%%%%"))
        elseif self.source then
            parts[#parts + 1] = "FROM " .. self.source
        end
        write_conditions("WHERE", self.conditions, parts, values)
        write_tail(self, parts, values)
        return finish_text(self, parts, values)
    end,
})
update_builder = class("update", update_methods, statement_text)

local delete_builder
local delete_methods = shared(function() return delete_builder end, {
    from = function(self, name) return put(self, delete_builder, "target", name) end,
    to_sql = function(self)
        local parts, values = {}, { n = 0 }
        write_expressions(self.prefixes, parts, values)
        parts[#parts + 1] = "DELETE FROM " .. tostring(self.target)
        write_conditions("WHERE", self.conditions, parts, values)
        write_tail(self, parts, values)
        return finish_text(self, parts, values)
    end,
})
delete_builder = class("delete", delete_methods, statement_text)

return {
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
}
