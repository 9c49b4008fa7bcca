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

function run()
    process.registry.register("bench_hub")
    local clients = {}
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
                    for client_pid in pairs(clients) do
                        process.send(client_pid, "b", payload)
                    end
                else
                    process.send(msg:from(), "e", payload)
                end
            elseif topic == "ws.join" then
                clients[client_of(payload)] = true
            elseif topic == "ws.leave" then
                clients[client_of(payload)] = nil
            end
        end
    end
end

return { run = run }
