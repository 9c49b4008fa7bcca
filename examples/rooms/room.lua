-- One room: its members and the state each of them is in.
--
--   receives      from a client             answers
--   ws.join       -                         `welcome` {room, you, members}; `presence` to the others
--   ws.message    {say = "text"}            `said` {from, text} to everybody
--                 {state = "typing"}        `presence` {nick, state} to everybody
--                 {enter = "meadow"}        nothing: the directory moves the connection
--   ws.heartbeat  -                         `presence` when somebody has been silent for long
--   ws.leave      -                         `presence` {nick, state = "gone"}
--
--   ends   by itself when nobody has been here for a while
local json = require("json")
local time = require("time")

local STATES = { here = true, typing = true, away = true }
local TEXT_BYTES_MAX = 2000
local MEMBERS_MAX = 500
local SILENT_S = 60       -- then a member counts as away
local EMPTY_FOR = "5s"    -- then the room ends

local name
local members = {}        -- pid -> { nick, state, spoke }
local everybody = {}      -- the same pids as a list

local function renew_list()
    everybody = {}
    for pid in pairs(members) do
        everybody[#everybody + 1] = pid
    end
    process.send("rooms", "members", #everybody)
end

local function described()
    local result = {}
    for _, member in pairs(members) do
        result[#result + 1] = { nick = member.nick, state = member.state }
    end
    table.sort(result, function(a, b) return a.nick < b.nick end)
    return result
end

local function free_nick(wanted)
    local taken = {}
    for _, member in pairs(members) do
        taken[member.nick] = true
    end
    local nick, number = wanted, 1
    while taken[nick] do
        number = number + 1
        nick = wanted .. " " .. number
    end
    return nick
end

local function set_state(member, state)
    if member.state ~= state then
        member.state = state
        process.send(everybody, "presence", { nick = member.nick, state = state })
    end
end

local requests = {}

function requests.say(_, member, text)
    if type(text) ~= "string" or not text:find("%S") or #text > TEXT_BYTES_MAX then
        return "say: 1 to " .. TEXT_BYTES_MAX .. " bytes of text"
    end
    member.spoke = os.time()
    set_state(member, "here")
    process.send(everybody, "said", { from = member.nick, text = text })
end

function requests.state(_, member, state)
    if not STATES[state] then
        return "state: here, typing or away"
    end
    member.spoke = os.time()
    set_state(member, state)
end

function requests.enter(pid, member, room)
    process.send("rooms", "enter", { client = pid, nick = member.nick, room = room })
end

local topics = {}

topics["ws.join"] = function(pid, about)
    if #everybody >= MEMBERS_MAX then
        return process.send(pid, "ws.close", { code = 4003, reason = "the room is full" })
    end
    local nick = free_nick(json.decode(about).metadata.nick)
    process.send(everybody, "presence", { nick = nick, state = "here" })
    members[pid] = { nick = nick, state = "here", spoke = os.time() }
    renew_list()
    process.send(pid, "welcome", { room = name, you = nick, members = described() })
end

topics["ws.leave"] = function(pid)
    local member = members[pid]
    if member then
        members[pid] = nil
        renew_list()
        process.send(everybody, "presence", { nick = member.nick, state = "gone" })
    end
end

topics["ws.heartbeat"] = function(pid)
    local member = members[pid]
    if member and os.time() - member.spoke >= SILENT_S then
        set_state(member, "away")
    end
end

topics["ws.message"] = function(pid, text)
    local message, member = json.decode(text), members[pid]
    local problem = 'expected {"say": "..."}, {"state": "..."} or {"enter": "..."}'
    for kind, act in pairs(requests) do
        if member and type(message) == "table" and message[kind] ~= nil then
            problem = act(pid, member, message[kind])
            break
        end
    end
    if problem then
        process.send(pid, "problem", problem)
    end
end

function run(room_name)
    name = room_name
    local inbox, events = process.inbox(), process.events()
    local empty = time.after(EMPTY_FOR)
    while true do
        local cases = { inbox:case_receive(), events:case_receive() }
        if empty then
            cases[3] = empty:case_receive()
        end
        local result = channel.select(cases)
        if result.channel == inbox then
            local message = result.value
            local act = topics[message:topic()]
            if act then
                act(message:from(), message:payload():data())
            end
            if #everybody > 0 then
                empty = nil
            elseif not empty then
                empty = time.after(EMPTY_FOR)
            end
        elseif result.channel == empty or result.value.kind == process.event.CANCEL then
            return
        end
    end
end

return { run = run }
