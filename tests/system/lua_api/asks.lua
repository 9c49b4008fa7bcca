-- Asks who is called asked.here and waits for an answer, or only says where an answer would go.
return { run = function(wait)
    if not wait then
        return process.pid()
    end
    local inbox, late = process.inbox(), require("time").after(wait)
    process.send("asked.here", "ask", process.pid())
    local got = channel.select({ inbox:case_receive(), late:case_receive() })
    return got.channel == inbox and got.value:payload():data() or "nothing"
end }
