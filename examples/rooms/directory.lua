-- The directory: which rooms there are. Makes them, counts their people, forgets them.
--
--   receives   from                          answers
--   ws.join    a client                      `rooms` {{name, members}}
--   ws.message a client: {enter = "pond"}    nothing: that room welcomes the connection
--   enter      a room: pid, nick, wanted     the same for somebody who is in another room
--   members    a room: how many              `rooms` to everybody
--   EXIT       a room that ended             `rooms` to everybody
local json = require("json")
local pg = require("pg")

local ROOMS_MAX = 100
local NAME_BYTES_MAX = 24

local rooms = {}     -- name -> { pid, members }
local count = 0
local name_of = {}   -- pid of a room -> name
local everybody = pg.open("app.rooms:clients")

local function list()
    local result = {}
    for name, room in pairs(rooms) do
        result[#result + 1] = { name = name, members = room.members }
    end
    table.sort(result, function(a, b) return a.name < b.name end)
    return result
end

local function tell_all()
    everybody:broadcast("all", "rooms", list())
end

-- @returns the pid, or nil and what is wrong
local function find_or_make(name)
    if type(name) ~= "string" or #name > NAME_BYTES_MAX or not name:find("^%w[%w %-]*$") then
        return nil, "a room's name: 1 to 24 letters, digits, blanks or dashes"
    end
    if rooms[name] then
        return rooms[name].pid
    elseif count >= ROOMS_MAX then
        return nil, "there are " .. ROOMS_MAX .. " rooms already; enter one of them"
    end
    local pid, err = process.spawn_monitored("app.rooms:room", "system:processes", name)
    if not pid then
        return nil, "the room could not be made: " .. tostring(err)
    end
    rooms[name], name_of[pid] = { pid = pid, members = 0 }, name
    count = count + 1
    return pid
end

local function enter(client, nick, name)
    local room, problem = find_or_make(name)
    if not room then
        return process.send(client, "problem", problem)
    end
    -- The connection changes sides: ws.leave where it was, ws.join at the room.
    process.send(client, "ws.control", { target_pid = room, metadata = { nick = nick, room = name } })
end

local nicks = {} -- clients that are in no room yet

local topics = {}

topics["ws.join"] = function(from, about)
    about = json.decode(about)
    nicks[from] = about.metadata.nick
    everybody:join("all", from)
    process.send(from, "rooms", list())
end

topics["ws.leave"] = function(from)
    nicks[from] = nil
end

topics["ws.message"] = function(from, text)
    local request = json.decode(text)
    if type(request) == "table" and nicks[from] then
        enter(from, nicks[from], request.enter)
    end
end

topics["enter"] = function(_, wish)
    enter(wish.client, wish.nick, wish.room)
end

topics["members"] = function(from, members)
    local room = rooms[name_of[from]]
    if room and room.members ~= members then
        room.members = members
        tell_all()
    end
end

function run()
    process.registry.register("rooms")
    local inbox, events = process.inbox(), process.events()
    while true do
        local result = channel.select({ inbox:case_receive(), events:case_receive() })
        if result.channel == inbox then
            local message = result.value
            local act = topics[message:topic()]
            if act then
                act(message:from(), message:payload():data())
            end
        elseif result.value.kind == process.event.EXIT then
            local name = name_of[result.value.from]
            if name then
                rooms[name], name_of[result.value.from] = nil, nil
                count = count - 1
                tell_all()
            end
        elseif result.value.kind == process.event.CANCEL then
            return
        end
    end
end

return { run = run }
