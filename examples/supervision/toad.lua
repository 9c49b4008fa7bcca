-- One toad: says that it is there, croaks when asked, fails as it is told.
--
--   receives   from the board      does
--   croak      -                   `croaks` {count} to the board
--   do         "raise"             raises an error
--              "loop"              runs without end: over its budget
--              "eat"               allocates without end: over its memory
--              "return"            returns: it is done, and not started again
local croaks = 0

local ways = {}

function ways.raise()
    local nothing = nil
    return nothing.leg -- an error as bugs make it
end

function ways.loop()
    while true do end
end

function ways.eat()
    local all = {}
    while true do
        all[#all + 1] = string.rep("fly", 10000) .. #all
    end
end

function run(name)
    process.registry.register("toad." .. name)
    process.send("board", "born", name)
    local inbox, events = process.inbox(), process.events()
    while true do
        local result = channel.select({ inbox:case_receive(), events:case_receive() })
        if result.channel == inbox then
            local message = result.value
            local way = message:payload() and message:payload():data()
            if message:topic() == "croak" then
                croaks = croaks + 1
                process.send("board", "croaks", croaks)
            elseif way == "return" then
                return
            elseif ways[way] then
                ways[way]()
            end
        elseif result.value.kind == process.event.CANCEL then
            return
        end
    end
end

return { run = run }
