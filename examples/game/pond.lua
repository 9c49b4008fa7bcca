-- The pond: where every toad and every fly is, 20 times a second, the same for all.
--
--   receives     from a client          answers
--   ws.join      -                      `welcome` {you, width, height, names}; `names` to everybody
--   ws.message   {x, y} from -1 to 1    nothing: the way it wants to swim from now on
--   ws.leave     -                      `names` to everybody
--
--   sends        every 50 ms            `tick` {n, toads = {{id, x, y, score}}, flies = {{x, y}}}
--
-- Clients only say where they want to go. Who is where, and who got the fly, is decided here.
local json = require("json")
local time = require("time")
local pg = require("pg")

local TICK_MS = 50
local WIDTH, HEIGHT = 1600, 900
local SPEED = 22          -- units a tick
local REACH = 46          -- of a tongue
local FLIES = 12
local TOADS_MAX = 200

local toads = {}          -- pid -> { id, name, x, y, dx, dy, score }
local flies = {}
local count, last_id, tick = 0, 0, 0
local group = pg.open("app.game:pond")

local function new_fly()
    return { x = math.random(40, WIDTH - 40), y = math.random(40, HEIGHT - 40) }
end

local function tell_names()
    local names = {}
    for _, toad in pairs(toads) do
        names[#names + 1] = { id = toad.id, name = toad.name }
    end
    group:broadcast("everybody", "names", names)
end

local function between(low, value, high)
    return math.max(low, math.min(high, value))
end

-- Whatever a client says ends as a number from -1 to 1.
local function direction(value)
    if type(value) ~= "number" or value ~= value then
        return 0
    end
    return between(-1, value, 1)
end

local function eat(toad)
    for i, fly in ipairs(flies) do
        local x, y = fly.x - toad.x, fly.y - toad.y
        if x * x + y * y < REACH * REACH then
            toad.score = toad.score + 1
            flies[i] = new_fly()
        end
    end
end

local function step()
    tick = tick + 1
    local seen, swarm = {}, {}
    for _, toad in pairs(toads) do
        toad.x = between(0, toad.x + toad.dx * SPEED, WIDTH)
        toad.y = between(0, toad.y + toad.dy * SPEED, HEIGHT)
        eat(toad)
        seen[#seen + 1] = { toad.id, math.floor(toad.x), math.floor(toad.y), toad.score }
    end
    for i, fly in ipairs(flies) do
        fly.x = between(20, fly.x + math.random(-6, 6), WIDTH - 20)
        fly.y = between(20, fly.y + math.random(-6, 6), HEIGHT - 20)
        swarm[i] = { fly.x, fly.y }
    end
    -- One message for all, however many there are: encoded once, handed over once for each io thread.
    group:broadcast("everybody", "tick", { n = tick, toads = seen, flies = swarm })
end

local topics = {}

topics["ws.join"] = function(pid, text)
    if count >= TOADS_MAX then
        return process.send(pid, "ws.close", { code = 4003, reason = "the pond is full" })
    end
    count, last_id = count + 1, last_id + 1
    toads[pid] = {
        id = last_id,
        name = json.decode(text).metadata.name,
        x = math.random(100, WIDTH - 100),
        y = math.random(100, HEIGHT - 100),
        dx = 0, dy = 0, score = 0,
    }
    group:join("everybody", pid) -- leaves by itself when the connection ends
    process.send(pid, "welcome", { you = last_id, width = WIDTH, height = HEIGHT, tick_ms = TICK_MS })
    tell_names()
end

topics["ws.leave"] = function(pid)
    if toads[pid] then
        toads[pid] = nil
        count = count - 1
        tell_names()
    end
end

topics["ws.message"] = function(pid, text)
    local toad, wish = toads[pid], json.decode(text)
    if toad and type(wish) == "table" then
        local x, y = direction(wish.x), direction(wish.y)
        local length = math.max(1, math.sqrt(x * x + y * y)) -- nobody is faster on the diagonal
        toad.dx, toad.dy = x / length, y / length
    end
end

function run()
    process.registry.register("pond")
    for i = 1, FLIES do
        flies[i] = new_fly()
    end
    local inbox, events = process.inbox(), process.events()
    local ticker = time.ticker(TICK_MS .. "ms"):channel()

    while true do
        local result = channel.select({
            events:case_receive(), ticker:case_receive(), inbox:case_receive(),
        })
        if result.channel == ticker then
            if count > 0 then -- an empty pond sleeps
                step()
            end
        elseif result.channel == inbox then
            local message = result.value
            local act = topics[message:topic()]
            if act then
                act(message:from(), message:payload():data())
            end
        elseif result.value.kind == process.event.CANCEL then
            return
        end
    end
end

return { run = run }
