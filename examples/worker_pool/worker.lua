-- One worker: counts the primes of a range, tells the pool how far it is.
--
--   receives   from the pool      answers
--   job        {id, first, last}  `progress` {id, percent}, then `done` {id, result}
--   fail       -                  nothing: it fails, as a bug would make it fail
local time = require("time")

local STEP = 2000 -- numbers between two looks at the mailbox

local function is_prime(n)
    if n < 2 or (n % 2 == 0 and n ~= 2) then
        return false
    end
    for divisor = 3, math.floor(math.sqrt(n)), 2 do
        if n % divisor == 0 then
            return false
        end
    end
    return true
end

-- The pool asks for this between two steps; a real worker would not.
local function look_for_failure(failures)
    if not channel.select({ failures:case_receive(), default = true }).default then
        error("told to fail")
    end
end

local function work(pool, job, failures)
    local found, total = 0, job.last - job.first + 1
    for from = job.first, job.last, STEP do
        for n = from, math.min(from + STEP - 1, job.last) do
            if is_prime(n) then
                found = found + 1
            end
        end
        local counted = math.min(from + STEP - 1, job.last) - job.first + 1
        process.send(pool, "progress", { id = job.id, percent = math.floor(100 * counted / total) })
        time.sleep("20ms") -- so that a page can watch; waiting also lets messages in
        look_for_failure(failures)
    end
    process.send(pool, "done", { id = job.id, result = found })
end

function run(pool)
    local jobs, failures, events = process.listen("job"), process.listen("fail"), process.events()
    while true do
        local result = channel.select({
            jobs:case_receive(), failures:case_receive(), events:case_receive(),
        })
        if result.channel == jobs then
            work(pool, result.value, failures)
        elseif result.channel == failures then
            error("told to fail")
        elseif result.value.kind == process.event.CANCEL then
            return
        end
    end
end

return { run = run }
