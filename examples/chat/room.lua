-- One room of the chat: who is here, what is said, who goes on to another room.
--
--   receives     from a client              answers
--   ws.join      -                          `welcome` to the newcomer, `joined` to the others
--   ws.leave     -                          `left` to those who stay
--   ws.message   {type = "say", text}       `said` to everybody, the speaker included
--                {type = "enter", room}     nothing: the other room welcomes the connection
--                anything else              `error` to the sender alone
local json = require("json")

local TEXT_BYTES_MAX = 6000 -- 2000 characters of the page

local room_name
local members = {}   -- pid of a connection -> { nick, going_to }
local everybody = {} -- the same pids as a list, to send one message to all of them

-- Puts a member in or, without one, takes it out.
local function set_member(pid, member)
    members[pid] = member
    everybody = {}
    for each in pairs(members) do
        table.insert(everybody, each)
    end
end

local function nicks()
    local names = {}
    for _, member in pairs(members) do
        table.insert(names, member.nick)
    end
    table.sort(names)
    return names
end

-- Two people may ask for the same nick; the second one gets a number behind it.
local function free_nick(wanted)
    local taken = {}
    for _, nick in ipairs(nicks()) do
        taken[nick] = true
    end
    local nick, number = wanted, 1
    while taken[nick] do
        number = number + 1
        nick = wanted .. " " .. number
    end
    return nick
end

-- What a client may ask for. Each function returns what is wrong, or nothing if all went well.
local requests = {}

function requests.say(pid, message)
    local text = message.text
    if type(text) ~= "string" or not text:find("%S") then
        return "text: some words, please"
    elseif #text > TEXT_BYTES_MAX then
        return "text: at most " .. TEXT_BYTES_MAX .. " bytes"
    end
    process.send(everybody, "said", { from = members[pid].nick, text = text, at = os.time() })
end

function requests.enter(pid, message)
    local room = message.room
    local room_pid = type(room) == "string" and process.registry.lookup("chat." .. room)
    if not room_pid or room == room_name then
        return "room: there is no other room of that name"
    end
    members[pid].going_to = room
    -- The connection itself changes sides: ws.leave for us, ws.join for the other room, and the
    -- client's next message goes there. The socket stays open.
    process.send(pid, "ws.control", {
        target_pid = room_pid,
        metadata = { nick = members[pid].nick, room = room },
    })
end

-- What the relay brings. `pid` is the connection's own, set by the relay: a client cannot speak
-- in the name of another.
local topics = {}

topics["ws.join"] = function(pid, text)
    local nick = free_nick(json.decode(text).metadata.nick)
    process.send(everybody, "joined", { nick = nick, at = os.time() })
    set_member(pid, { nick = nick })
    process.send(pid, "welcome", { you = nick, room = room_name, members = nicks() })
end

topics["ws.leave"] = function(pid)
    local member = members[pid]
    if member then
        set_member(pid, nil)
        process.send(everybody, "left", { nick = member.nick, to = member.going_to, at = os.time() })
    end
end

topics["ws.message"] = function(pid, text)
    local message = json.decode(text)
    local request = type(message) == "table" and members[pid] and requests[message.type]
    local problem = 'expected JSON such as {"type": "say", "text": "..."}'
    if request then
        problem = request(pid, message)
    end
    if problem then
        process.send(pid, "error", { message = problem })
    end
end

function run(name)
    room_name = name
    process.registry.register("chat." .. room_name)
    local inbox, events = process.inbox(), process.events()

    while true do
        local result = channel.select({ inbox:case_receive(), events:case_receive() })
        if result.channel == inbox then
            local message = result.value
            local act = topics[message:topic()]
            if act then
                act(message:from(), message:payload():data())
            end
        elseif result.value.kind == process.event.CANCEL then
            return -- the program is going down; the relay says goodbye to the clients
        end
    end
end

return { run = run }
