-- Answers what it is told; says its context on "context".
return { run = function(first)
    local inbox, events = process.inbox(), process.events()
    while true do
        local result = channel.select({ inbox:case_receive(), events:case_receive() })
        if result.channel == events then
            return first
        end
        local message = result.value
        if message:topic() == "context" then
            process.send(message:from(), "context", require("ctx").all())
        elseif message:topic() == "upgrade" then
            process.upgrade("app:next", "from " .. process.pid())
        elseif message:topic() == "fail" then
            error("as it was told")
        else
            local answer = { message:payload():data(), first }
            process.send(message:from(), "echo", table.unpack(answer))
        end
    end
end }
