-- Text that starts with `b` goes to every client, any other to its sender.
local json = require("json")

local BROADCAST = string.byte("b")

-- The join and leave payload is JSON text or a table, as the connection's dialect says.
local function client_of(payload)
    if type(payload) == "string" then
        payload = json.decode(payload)
    end
    return payload and payload.client_pid
end

-- Clients as a list without gaps, so that it can be the destination of a send.
local clients = {}
local place_of = {}

local function add(client_pid)
    if not place_of[client_pid] then
        clients[#clients + 1] = client_pid
        place_of[client_pid] = #clients
    end
end

-- The last client takes the place of the one that left.
local function remove(client_pid)
    local place = place_of[client_pid]
    if place then
        local last = clients[#clients]
        clients[place] = last
        place_of[last] = place
        clients[#clients] = nil
        place_of[client_pid] = nil
    end
end

function run()
    process.registry.register("bench_hub")
    local inbox = process.inbox()
    local events = process.events()

    while true do
        local result = channel.select({
            inbox:case_receive(),
            events:case_receive()
        })

        if result.channel == events then
            if result.value.kind == process.event.CANCEL then
                return { status = "shutdown" }
            end
        else
            local msg = result.value
            local topic = msg:topic()
            local payload = msg:payload() and msg:payload():data()

            if topic == "ws.message" then
                if string.byte(payload) == BROADCAST then
                    process.send(clients, "b", payload)
                else
                    process.send(msg:from(), "e", payload)
                end
            elseif topic == "ws.join" then
                add(client_of(payload))
            elseif topic == "ws.leave" then
                remove(client_of(payload))
            end
        end
    end
end

return { run = run }
