-- JSON Schema: the words that schemas of messages use (validation of draft 7 and 2020-12, no formats).
local native = ...

local is_list, is_type, join, fault =
    native.shape.is_list, native.shape.is_type, native.shape.join, native.shape.fault

local function equal(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
        return a == b
    end
    for key, value in pairs(a) do
        if not equal(value, b[key]) then return false end
    end
    for key in pairs(b) do
        if a[key] == nil then return false end
    end
    return true
end

local function length_of(text)
    local _, continued = text:gsub("[\128-\191]", "")
    return #text - continued
end

local check

local function resolve(root, reference)
    local at = root
    for step in (reference:match("^#(.*)$") or ""):gmatch("[^/]+") do
        step = step:gsub("~1", "/"):gsub("~0", "~")
        at = type(at) == "table" and (at[step] or at[(math.tointeger(tonumber(step)) or -2) + 1]) or nil
    end
    return at
end

local words = {}

words["$ref"] = function(reference, value, path, root, depth)
    local target = reference:sub(1, 1) == "#" and resolve(root, reference)
    if target == nil or target == false and reference ~= "#" then
        return path .. ": the schema has no " .. reference
    end
    return check(target, value, path, root, depth)
end

function words.type(wanted, value, path)
    for _, name in ipairs(type(wanted) == "table" and wanted or { wanted }) do
        if is_type[name] and is_type[name](value) then
            return nil
        end
    end
    local names = type(wanted) == "table" and table.concat(wanted, " or ") or wanted
    return path .. ": expected " .. names .. ", found " .. (value == nil and "null" or type(value))
end

function words.enum(list, value, path)
    for _, one in ipairs(list) do
        if equal(one, value) then return nil end
    end
    return path .. ": is none of the values of enum"
end

function words.const(wanted, value, path)
    return not equal(wanted, value) and path .. ": is not the value of const" or nil
end

local function number_word(name, holds, says)
    words[name] = function(bound, value, path)
        if type(value) == "number" and not holds(value, bound) then
            return path .. ": " .. value .. " is " .. says .. " " .. bound
        end
    end
end
number_word("minimum", function(v, b) return v >= b end, "less than")
number_word("maximum", function(v, b) return v <= b end, "more than")
number_word("exclusiveMinimum", function(v, b) return v > b end, "not more than")
number_word("exclusiveMaximum", function(v, b) return v < b end, "not less than")
number_word("multipleOf", function(v, b) return v % b == 0 end, "no multiple of")

function words.minLength(bound, value, path)
    if type(value) == "string" and length_of(value) < bound then
        return path .. ": shorter than " .. bound .. " characters"
    end
end

function words.maxLength(bound, value, path)
    if type(value) == "string" and length_of(value) > bound then
        return path .. ": longer than " .. bound .. " characters"
    end
end

function words.pattern(pattern, value, path)
    if type(value) ~= "string" then return nil end
    local yes, why = native.matches(pattern, value)
    if not yes then
        return path .. ": does not match " .. pattern .. (why and " (" .. why .. ")" or "")
    end
end

function words.required(names, value, path)
    if type(value) ~= "table" then return nil end
    for _, name in ipairs(names) do
        if value[name] == nil then
            return path .. ": " .. name .. " is missing"
        end
    end
end

function words.properties(schemas, value, path, root, depth)
    if type(value) ~= "table" then return nil end
    for name, schema in pairs(schemas) do
        if value[name] ~= nil then
            local problem = check(schema, value[name], join(path, name), root, depth)
            if problem then return problem end
        end
    end
end

function words.patternProperties(schemas, value, path, root, depth)
    if type(value) ~= "table" then return nil end
    for pattern, schema in pairs(schemas) do
        for name, one in pairs(value) do
            local yes, why = type(name) == "string"
            if yes then
                yes, why = native.matches(pattern, name)
            end
            if why then
                return path .. ": no answer for " .. pattern .. ": " .. why
            end
            if yes then
                local problem = check(schema, one, join(path, name), root, depth)
                if problem then return problem end
            end
        end
    end
end

function words.additionalProperties(schema, value, path, root, depth, whole)
    if type(value) ~= "table" then return nil end
    for name, one in pairs(value) do
        local known = type(name) ~= "string" or (whole.properties and whole.properties[name] ~= nil)
        for pattern in pairs(whole.patternProperties or {}) do
            known = known or native.matches(pattern, name)
        end
        if not known then
            local problem = check(schema, one, join(path, name), root, depth)
            if problem then
                return schema == false and path .. ": " .. name .. " is not expected here" or problem
            end
        end
    end
end

local function count_word(name, of, holds, says)
    words[name] = function(bound, value, path)
        if of(value) and not holds(of(value), bound) then
            return path .. ": has " .. says .. " than " .. bound
        end
    end
end
local function items_of(value) return is_list(value) and #value or nil end
local function members_of(value)
    if type(value) ~= "table" then return nil end
    local count = 0
    for _ in pairs(value) do count = count + 1 end
    return count
end
count_word("minItems", items_of, function(n, b) return n >= b end, "fewer items")
count_word("maxItems", items_of, function(n, b) return n <= b end, "more items")
count_word("minProperties", members_of, function(n, b) return n >= b end, "fewer members")
count_word("maxProperties", members_of, function(n, b) return n <= b end, "more members")

function words.uniqueItems(wanted, value, path)
    if not wanted or not is_list(value) then return nil end
    for i = 1, #value do
        for k = i + 1, #value do
            if equal(value[i], value[k]) then
                return path .. ": items " .. i - 1 .. " and " .. k - 1 .. " are the same"
            end
        end
    end
end

function words.prefixItems(schemas, value, path, root, depth)
    if not is_list(value) then return nil end
    for i, schema in ipairs(schemas) do
        if value[i] ~= nil then
            local problem = check(schema, value[i], join(path, i), root, depth)
            if problem then return problem end
        end
    end
end

function words.items(schema, value, path, root, depth, whole)
    if not is_list(value) then return nil end
    if is_list(schema) and #schema > 0 then
        return words.prefixItems(schema, value, path, root, depth)
    end
    for i = #(whole.prefixItems or {}) + 1, #value do
        local problem = check(schema, value[i], join(path, i), root, depth)
        if problem then return problem end
    end
end

function words.contains(schema, value, path, root, depth)
    if not is_list(value) then return nil end
    for i, one in ipairs(value) do
        if not check(schema, one, join(path, i), root, depth) then return nil end
    end
    return path .. ": has no item that contains asks for"
end

function words.allOf(list, value, path, root, depth)
    for _, schema in ipairs(list) do
        local problem = check(schema, value, path, root, depth)
        if problem then return problem end
    end
end

function words.anyOf(list, value, path, root, depth)
    local first
    for _, schema in ipairs(list) do
        local problem = check(schema, value, path, root, depth)
        if not problem then return nil end
        first = first or problem
    end
    return first and path .. ": fits none of anyOf (" .. first .. ")"
end

function words.oneOf(list, value, path, root, depth)
    local fits = 0
    for _, schema in ipairs(list) do
        if not check(schema, value, path, root, depth) then fits = fits + 1 end
    end
    return fits ~= 1 and path .. ": fits " .. fits .. " of oneOf" or nil
end

words["not"] = function(schema, value, path, root, depth)
    return not check(schema, value, path, root, depth) and path .. ": fits what it must not" or nil
end

words["if"] = function(schema, value, path, root, depth, whole)
    local branch
    if check(schema, value, path, root, depth) then branch = whole["else"] else branch = whole["then"] end
    if branch ~= nil then
        return check(branch, value, path, root, depth)
    end
end

-- nil if it fits, else where and why not.
function check(schema, value, path, root, depth)
    if schema == true then
        return nil
    elseif schema == false then
        return path .. ": nothing is allowed here"
    elseif type(schema) ~= "table" then
        return path .. ": the schema is a " .. type(schema)
    elseif depth > 100 then
        return path .. ": more than 100 levels"
    end
    for word, said in pairs(schema) do
        local rule = words[word]
        local problem = rule and rule(said, value, path, root, depth + 1, schema)
        if problem then
            return problem
        end
    end
    return nil
end

local function refuse(text)
    return false, errors.new({ message = text, kind = errors.INVALID })
end

return function(schema, value, as_text)
    if type(schema) == "string" then
        local good, parsed = pcall(native.parse, schema)
        if not good then
            return refuse("the schema is not JSON")
        end
        schema = parsed
    end
    local wrong = fault(schema, "$", 0)
    if wrong then
        return refuse("the schema is wrong at " .. wrong)
    end
    if as_text then
        if type(value) ~= "string" then
            return refuse("json.validate_string takes a JSON text")
        end
        local good, parsed = pcall(native.parse, value)
        if not good then
            return refuse("the text is not JSON")
        end
        value = parsed
    elseif value == nil then
        return refuse("data is required: there is no value to be checked")
    end
    local problem = check(schema, value, "$", schema, 0)
    if problem then
        return refuse(problem)
    end
    return true
end
