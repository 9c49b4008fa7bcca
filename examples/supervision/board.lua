-- The board: which toads live, since when, and how each of them ended.
--
--   receives     from                           answers
--   born         a toad: its name               `toad` to everybody; it is monitored from now on
--   croaks       a toad: how often              `toad` to everybody
--   EXIT         a toad                         `toad` and `ended` {name, error} to everybody
--   ws.join      a client                       `toads`, a list
--   ws.message   a client: {toad, what}         nothing: passed on to that toad
local json = require("json")
local pg = require("pg")

local WAYS = { croak = true, raise = true, loop = true, eat = true, ["return"] = true }

local toads = {}    -- name -> { name, pid, alive, lives, croaks, error }
local name_of = {}  -- pid -> name
local everybody = pg.open("app.supervision:clients")

local function list()
    local result = {}
    for _, toad in pairs(toads) do
        result[#result + 1] = toad
    end
    table.sort(result, function(a, b) return a.name < b.name end)
    return result
end

local topics = {}

topics["born"] = function(pid, name)
    local before = toads[name] or { lives = 0 }
    toads[name] = { name = name, pid = pid, alive = true, lives = before.lives + 1, croaks = 0 }
    name_of[pid] = name
    process.monitor(pid)
    everybody:broadcast("all", "toad", toads[name])
end

topics["croaks"] = function(pid, croaks)
    local toad = toads[name_of[pid]]
    if toad then
        toad.croaks = croaks
        everybody:broadcast("all", "toad", toad)
    end
end

topics["ws.join"] = function(client)
    everybody:join("all", client)
    process.send(client, "toads", list())
end

topics["ws.message"] = function(client, text)
    local wish = json.decode(text)
    local toad = type(wish) == "table" and toads[wish.toad]
    if not toad or not WAYS[wish.what] then
        process.send(client, "problem", 'expected {"toad": "ada", "what": "raise"}')
    elseif not toad.alive then
        process.send(client, "problem", wish.toad .. " is not there just now")
    elseif wish.what == "croak" then
        process.send(toad.pid, "croak")
    else
        process.send(toad.pid, "do", wish.what)
    end
end

local function ended(pid, result)
    local toad = toads[name_of[pid]]
    name_of[pid] = nil
    if toad and toad.pid == pid then
        toad.alive, toad.error = false, result.error
        everybody:broadcast("all", "toad", toad)
        everybody:broadcast("all", "ended", { name = toad.name, error = result.error })
    end
end

function run()
    process.registry.register("board")
    local inbox, events = process.inbox(), process.events()
    while true do
        local result = channel.select({ inbox:case_receive(), events:case_receive() })
        if result.channel == inbox then
            local message = result.value
            local act = topics[message:topic()]
            if act then
                local value = message:payload()
                act(message:from(), value and value:data())
            end
        elseif result.value.kind == process.event.EXIT then
            ended(result.value.from, result.value.result)
        elseif result.value.kind == process.event.CANCEL then
            return
        end
    end
end

return { run = run }
