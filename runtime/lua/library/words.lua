-- Words that the other files of this folder share; they become their globals. Besides there are duration_ns(d), and
-- spawn_follower(f, ...): coroutine.spawn for what nobody waits for, so that it holds no function's state up.

-- A class: methods check that they are called with a colon on the right object. What tostring gives is its
-- name, or what `text_of` makes of the object.
function class(name, methods, text_of)
    local meta = { __name = name, __metatable = false }
    local checked = {}
    for method, f in pairs(methods) do
        checked[method] = function(self, ...)
            if objects[self] ~= meta then
                error(name .. ":" .. method .. "() needs the " .. name ..
                    " in front: write it with a colon, not a dot", 2)
            end
            return f(self, ...)
        end
    end
    meta.__index = checked
    meta.__tostring = text_of or function() return name end
    return function(fields)
        objects[fields] = meta
        return setmetatable(fields, meta)
    end
end

-- object -> its class; a script cannot see or change the metatables themselves.
objects = setmetatable({}, { __mode = "k" })

-- An error as the C functions make them.
function make_error(kind, text)
    local later = kind == errors.TIMEOUT or kind == errors.UNAVAILABLE or kind == errors.RATE_LIMITED
    return errors.new({ message = text, kind = kind, retryable = later })
end

function fail(kind, text, ...)
    if select("#", ...) > 0 then
        text = text:format(...)
    end
    return nil, make_error(kind, text)
end

-- An error that a C function handed over as kind, text and more.
function failure(kind, text, more)
    if not more or more.retryable == nil and more.details == nil then
        return make_error(kind, text or "failed")
    end
    return errors.new({ message = text or "failed", kind = kind, retryable = more.retryable, details = more.details })
end

function is_id(text)
    return type(text) == "string" and text:find("^[^:]+:[^:]+$") ~= nil
end

-- Copies a table and puts the fields of another one over it.
function merge(base, more)
    local made = {}
    for key, value in pairs(base or {}) do made[key] = value end
    for key, value in pairs(more or {}) do made[key] = value end
    return made
end

-- The fields that C reads, as a plain table: what a metatable of the script's gives is asked for here.
function tls_of(options)
    local tls = options.tls
    return type(tls) == "table" and {
        ca = tls.ca, cert = tls.cert, key = tls.key, server_name = tls.server_name,
        insecure_skip_verify = tls.insecure_skip_verify,
    } or nil
end

-- Of transactions, calls, connections, subscriptions: what C knows them by. Not in a field, where a script could
-- put something else.
handles = setmetatable({}, { __mode = "k" })

-- Of actors and scopes: what stands behind the object, as it travels.
hidden = setmetatable({}, { __mode = "k" })

function actor_value(actor)
    return hidden[actor] or error("with_actor takes an actor of the module security", 3)
end

function scope_value(scope)
    return hidden[scope] or error("with_scope takes a scope of the module security", 3)
end
