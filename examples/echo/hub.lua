-- The echo: what a client says comes back to it under the topic `echo`, and to nobody else.
--
--   receives     from a client     answers
--   ws.message   text or bytes     `echo` with the same, to its sender
--   ws.join      -                 nothing
--   ws.leave     -                 nothing
function run()
    process.registry.register("echo")
    local inbox, events = process.inbox(), process.events()

    while true do
        local result = channel.select({ inbox:case_receive(), events:case_receive() })
        if result.channel == inbox then
            local message = result.value
            if message:topic() == "ws.message" then
                process.send(message:from(), "echo", message:payload())
            end
        elseif result.value.kind == process.event.CANCEL then
            return
        end
    end
end

return { run = run }
