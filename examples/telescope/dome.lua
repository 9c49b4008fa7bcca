-- The dome: its shutter, and a slit that has to stand where the telescope looks.
--
--   command      does                                                      fails when
--   open, close  moves the shutter                                         it is moving already
--   rotate AZ    turns the slit there                                      another command turns it
--   follow       asks the mount where it looks, as a part of this command,  the mount does not answer
--                and turns the slit there
--   observe AZ ALT   opens, has the mount slew, and follows it             any of these fails
local amqp = require("amqp")
local time = require("time")

local DEGREES_PER_TICK = 2.5
local dome
local slit, shutter, is_moving = 180, 0, false
local last_turn = 0 -- a command that turns the slit takes it from the one before

local function round(x)
    return math.floor(x * 100 + 0.5) / 100
end

local function state()
    local word = is_moving and "moving" or shutter == 100 and "open" or shutter == 0 and "closed" or "ajar"
    return { slit = round(slit), shutter = shutter, shutter_state = word }
end

local function move_shutter(command, to)
    if is_moving then return nil, "the shutter is moving already" end
    is_moving = true
    while shutter ~= to do
        shutter = shutter + (to > shutter and 5 or -5)
        if shutter % 25 == 0 then command:info({ shutter = shutter }) end
        time.sleep("60ms")
    end
    is_moving = false
    return state()
end

local function turn_slit(az)
    last_turn = last_turn + 1
    local mine = last_turn
    while true do
        if mine ~= last_turn then return nil, "another command turns the slit" end
        local left = (az - slit + 540) % 360 - 180
        if math.abs(left) < 0.01 then return state() end
        slit = (slit + math.max(-DEGREES_PER_TICK, math.min(DEGREES_PER_TICK, left))) % 360
        time.sleep("100ms")
    end
end

local function follow(command)
    local mount, err = command:command("mount", "status", { timeout = 5 })
    if not mount then return nil, "no word from the mount: " .. tostring(err) end
    return turn_slit(mount.az)
end

local commands = { follow = follow }

function commands.open(command) return move_shutter(command, 100) end
function commands.close(command) return move_shutter(command, 0) end
function commands.rotate(_, to) return turn_slit(to.az % 360) end

function commands.observe(command, to)
    local opened, why = move_shutter(command, 100)
    if not opened then return nil, why end
    command:info("the shutter is open; asking the mount to slew")
    local text = "slew " .. to.az .. " " .. to.alt
    local there, err = command:command("mount", text, { timeout = 60 })
    if not there then return nil, "the mount did not get there: " .. tostring(err) end
    return follow(command)
end

local function report()
    local last
    while true do
        local now = state()
        local text = now.slit .. " " .. now.shutter .. " " .. now.shutter_state
        if text ~= last then dome:broadcast(now) end
        last = text
        time.sleep("500ms")
    end
end

return { run = function()
    dome = assert(amqp.actor("dome", commands))
    coroutine.spawn(report)
    process.events():receive() -- CANCEL: the program is going down
end }
