return { run = function()
    process.registry.register("hub")
    local inbox, events = process.inbox(), process.events()
    while true do
        local result = channel.select({ inbox:case_receive(), events:case_receive() })
        if result.channel == events then
            return
        end
        local message = result.value
        if message:topic() == "ws.message" then
            local text = message:payload():data()
            if text == "close" then
                process.send(message:from(), "ws.close", { code = 4001, reason = "as you wish" })
            else
                process.send(message:from(), "echo", text)
            end
        end
    end
end }
