-- Is it a JSON Schema? Types, what stands behind each word, schemas inside; and what json_schema.lua shares.

local function is_list(value)
    if type(value) ~= "table" then
        return false
    end
    local count = 0
    for key in pairs(value) do
        if math.type(key) ~= "integer" then
            return false
        end
        count = count + 1
    end
    return count == #value
end

local is_type = {
    null = function(v) return v == nil end,
    boolean = function(v) return type(v) == "boolean" end,
    string = function(v) return type(v) == "string" end,
    number = function(v) return type(v) == "number" end,
    integer = function(v) return type(v) == "number" and math.tointeger(v) ~= nil end,
    array = is_list,
    object = function(v) return type(v) == "table" and (next(v) == nil or not is_list(v)) end,
}

local function join(path, key)
    return path .. (type(key) == "number" and "[" .. key - 1 .. "]" or "." .. tostring(key))
end

local fault -- schema, path, depth -> nil, or where and what is wrong

local function is_text(v) return type(v) == "string" end
local function is_number(v) return type(v) == "number" end
local function is_count(v) return is_number(v) and math.tointeger(v) ~= nil and v >= 0 end
local function is_texts(v)
    if not is_list(v) then return false end
    for _, one in ipairs(v) do
        if not is_text(one) then return false end
    end
    return true
end
local function is_types(v)
    for _, name in ipairs(type(v) == "table" and v or { v }) do
        if not is_type[name] then return false end
    end
    return is_text(v) or is_texts(v) and #v > 0
end

-- What stands behind a word: {is it right?, what was expected}.
local shapes = {
    type = { is_types, "one or a list of array, boolean, integer, null, number, object, string" },
    enum = { is_list, "a list" }, required = { is_texts, "a list of names" },
    ["$ref"] = { is_text, "a text" }, pattern = { is_text, "a text" },
    uniqueItems = { is_type.boolean, "true or false" },
}
for _, word in ipairs { "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum" } do
    shapes[word] = { is_number, "a number" }
end
shapes.multipleOf = { function(v) return is_number(v) and v > 0 end, "a number above 0" }
for _, word in ipairs { "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties" } do
    shapes[word] = { is_count, "a whole number from 0" }
end

local function all_faults(schemas, path, depth)
    for key, schema in pairs(schemas) do
        local problem = fault(schema, join(path, key), depth)
        if problem then return problem end
    end
end

local function of_map(v, path, depth)
    return type(v) ~= "table" and path .. ": expected schemas by name" or all_faults(v, path, depth)
end
local function of_list(v, path, depth)
    return not is_list(v) and path .. ": expected a list of schemas" or all_faults(v, path, depth)
end
local function of_items(v, path, depth)
    if is_list(v) and #v > 0 then return all_faults(v, path, depth) end
    return fault(v, path, depth)
end

local inner = {
    properties = of_map, patternProperties = of_map, ["$defs"] = of_map, definitions = of_map,
    allOf = of_list, anyOf = of_list, oneOf = of_list, prefixItems = of_list, items = of_items,
}
for _, word in ipairs { "additionalProperties", "contains", "not", "if", "then", "else" } do
    inner[word] = function(v, path, depth) return fault(v, path, depth) end
end

function fault(schema, path, depth)
    if type(schema) == "boolean" then
        return nil
    elseif type(schema) ~= "table" then
        return path .. ": expected a schema, found " .. type(schema)
    elseif depth > 100 then
        return path .. ": more than 100 levels"
    end
    for word, said in pairs(schema) do
        local shape, look = shapes[word], inner[word]
        local problem
        if shape and not shape[1](said) then
            problem = join(path, word) .. ": expected " .. shape[2]
        elseif look then
            problem = look(said, join(path, word), depth + 1)
        end
        if problem then return problem end
    end
end

return { is_list = is_list, is_type = is_type, join = join, fault = fault }
