-- system: what of it needs no C++: the modules there are, numbers that belong to other runtimes.
local native = ...
local system = native.module

-- Numbers that are kept for all of the program and change nothing: memory and threads have other bounds here.
local memory_limit, gc_percent, max_procs = 0, 1, 2

local about = {
    amqp = { "A message broker", "network" },
    base64 = { "Bytes as text", "deterministic", "encoding" },
    channel = { "Channels between tasks", "deterministic" },
    compress = { "gzip, deflate, zlib, brotli and zstd", "deterministic", "encoding" },
    coroutine = { "Coroutines and tasks", "deterministic" },
    crypto = { "Ciphers, signatures, tokens, random numbers", "nondeterministic", "security" },
    ctx = { "Values that came with the call", "deterministic" },
    env = { "Variables of the environment", "nondeterministic", "storage" },
    errors = { "Errors with kind and details", "deterministic" },
    events = { "The application's bus", "nondeterministic" },
    fs = { "Files below a folder", "io", "storage" },
    funcs = { "Calls of functions", "nondeterministic" },
    hash = { "Digests", "deterministic", "security" },
    http = { "Request and response of an endpoint", "network" },
    http_client = { "Requests to other servers", "network" },
    io = { "Standard input and output", "io" },
    json = { "JSON", "deterministic", "encoding" },
    logger = { "The log", "io" },
    math = { "Numbers", "deterministic" },
    metrics = { "Numbers at /metrics", "nondeterministic" },
    os = { "Time and date", "nondeterministic", "time" },
    payload = { "Values of messages", "deterministic" },
    pg = { "Groups of processes", "process" },
    process = { "Processes and their messages", "process" },
    pubsub = { "Messages, as the guide writes them", "process" },
    queue = { "Messages for functions", "nondeterministic", "storage" },
    registry = { "The entries of the application", "nondeterministic" },
    security = { "Who acts, and what that one may do", "nondeterministic", "security" },
    sql = { "Databases", "io", "storage" },
    store = { "Keys and values", "io", "storage" },
    string = { "Texts", "deterministic" },
    system = { "The program and its machine", "nondeterministic" },
    table = { "Lists", "deterministic" },
    time = { "Time, durations, timers", "nondeterministic", "time" },
    uuid = { "Unique ids", "nondeterministic" },
    websocket = { "Connections to other servers", "network" },
    yaml = { "YAML", "deterministic", "encoding" },
}

function system.modules()
    local all = native.module_names()
    for i, name in ipairs(all) do
        local known = about[name] or { "" }
        all[i] = { name = name, description = known[1], class = { table.unpack(known, 2) } }
    end
    return all
end

-- Gives a function that keeps a whole number from `least` on and answers with the one before.
local function setter(knob, what, least)
    return function(value)
        value = math.tointeger(value)
        if not value or value < least then
            return fail(errors.INVALID, "%s takes a whole number from %d on", what, least)
        end
        return native.knob(knob, value)
    end
end

system.memory.set_limit = setter(memory_limit, "system.memory.set_limit", -1)
function system.memory.get_limit() return native.knob(memory_limit) end
system.gc.set_percent = setter(gc_percent, "system.gc.set_percent", 0)
function system.gc.get_percent() return native.knob(gc_percent) end
local set_procs = setter(max_procs, "system.runtime.max_procs", 1)
function system.runtime.max_procs(count)
    if count == nil then
        return native.knob(max_procs)
    end
    return set_procs(count)
end

return system
