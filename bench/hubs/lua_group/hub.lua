-- Text that starts with `b` goes to every client, any other to its sender.
local json = require("json")
local pg = require("pg")

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
    local clients = pg.open("bench.lua_group:clients")
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
                    clients:broadcast("all", "b", payload)
                else
                    process.send(msg:from(), "e", payload)
                end
            elseif topic == "ws.join" then
                clients:join("all", client_of(payload)) -- a client that ends leaves by itself
            end
        end
    end
end

return { run = run }
