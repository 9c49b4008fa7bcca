-- The mount: points the telescope. It moves like a real one, a few degrees a second, and says where it is.
--
--   command        does                                   fails when
--   slew AZ ALT    goes there, then follows the sky       below the horizon limit, slewing already
--   stop           stays where it is; ends a slew
--   park           goes home and rests                    slewing already
--   status         says where it is
local amqp = require("amqp")
local time = require("time")

local DEGREES_PER_SECOND = 12
local TICK = "100ms"
local LOWEST = 15

local where = { az = 0, alt = 90, state = "parked" }
local stopping = false
local mount

-- The short way round: -180 to 180 degrees.
local function turn(from, to)
    return (to - from + 540) % 360 - 180
end

local function step(from, distance)
    local most = DEGREES_PER_SECOND * 0.1
    return from + math.max(-most, math.min(most, distance))
end

local function round(x)
    return math.floor(x * 100 + 0.5) / 100
end

local function position()
    return { az = round(where.az), alt = round(where.alt), state = where.state }
end

-- Moves until it is there or somebody says stop; the command hears how far it is.
local function go(command, az, alt, at_the_end)
    if where.state == "slewing" then
        return nil, "the mount is slewing already; stop it first"
    end
    local way = math.max(math.abs(turn(where.az, az)), math.abs(alt - where.alt), 0.01)
    where.state, stopping = "slewing", false
    local told = 0
    while not stopping do
        local left_az, left_alt = turn(where.az, az), alt - where.alt
        local left = math.max(math.abs(left_az), math.abs(left_alt))
        if left < 0.01 then break end
        where.az, where.alt = step(where.az, left_az) % 360, step(where.alt, left_alt)
        local done = math.floor((1 - left / way) * 100)
        if done >= told + 20 then
            told = done
            command:info({ progress = done, az = round(where.az), alt = round(where.alt) })
        end
        time.sleep(TICK)
    end
    where.state = stopping and "stopped" or at_the_end
    if stopping then return nil, "stopped on the way" end
    return position()
end

local commands = {}

function commands.slew(command, to)
    if to.alt < LOWEST or to.alt > 90 then
        return nil, "altitude " .. to.alt .. " is out of reach: " .. LOWEST .. " to 90 degrees"
    end
    return go(command, to.az % 360, to.alt, "tracking")
end

function commands.park(command)
    return go(command, 0, 90, "parked")
end

function commands.stop()
    stopping = true
    if where.state ~= "slewing" then where.state = "stopped" end
    return position()
end

function commands.status()
    return position()
end

-- Everybody hears where it is whenever that has changed.
local function report()
    local last = {}
    while true do
        if where.state == "tracking" then where.az = (where.az + 0.02) % 360 end
        local now = position()
        if now.az ~= last.az or now.alt ~= last.alt or now.state ~= last.state then
            mount:broadcast(now)
            last = now
        end
        time.sleep("500ms")
    end
end

return { run = function()
    mount = assert(amqp.actor("mount", commands))
    coroutine.spawn(report)
    process.events():receive() -- CANCEL: the program is going down
end }
