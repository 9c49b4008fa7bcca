return { run = function(before)
    local message = process.inbox():receive()
    process.send(message:from(), "upgraded", { before = before, pid = process.pid(), heard = message:payload():data() })
end }
