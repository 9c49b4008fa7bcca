-- The pool: a line of jobs, a fixed number of workers, who does what.
--
--   receives     from                              answers
--   ws.join      a client                          `pool` {workers, waiting}
--   ws.message   a client: {count = 100000}        `accepted` {id}, later `progress`, `done` or `failed`
--                a client: {fail = 2}              nothing: that worker fails
--   progress     a worker: id, percent             `progress` to the client, `pool` to everybody
--   done         a worker: id, result              `done` to the client
--   EXIT         a worker                          a new worker; the job goes to the head of the line
--
--   bounds   jobs in line, jobs of one client, tries of one job
local json = require("json")
local pg = require("pg")

local WAITING_MAX = 200
local JOBS_MAX = 20      -- of one client, waiting and running
local TRIES_MAX = 3
local COUNT_MAX = 2000000

local waiting = {}       -- jobs in line, the next one first
local workers = {}       -- list of { pid, job, done }
local place_of = {}      -- pid of a worker -> its place in the list
local jobs_of = {}       -- pid of a client -> how many
local last_id = 0
local everybody = pg.open("app.pool:clients")

local function described()
    local list = {}
    for i, worker in ipairs(workers) do
        list[i] = {
            done = worker.done, failed = worker.failed,
            job = worker.job and worker.job.id, percent = worker.job and worker.job.percent,
        }
    end
    return { workers = list, waiting = #waiting }
end

local function tell_all()
    everybody:broadcast("all", "pool", described())
end

local function start_worker(place)
    local pid, err = process.spawn_monitored("app.pool:worker", "system:processes", process.pid())
    if not pid then
        error("a worker could not be started: " .. tostring(err)) -- our own supervisor tries again
    end
    local before = workers[place] or { done = 0, failed = 0 }
    workers[place] = { pid = pid, done = before.done, failed = before.failed }
    place_of[pid] = place
end

local function hand_out()
    for _, worker in ipairs(workers) do
        if not worker.job and waiting[1] then
            worker.job = table.remove(waiting, 1)
            worker.job.percent = 0
            process.send(worker.pid, "job", { id = worker.job.id, first = 1, last = worker.job.count })
        end
    end
    tell_all()
end

local function finish(job, topic, data)
    local left = (jobs_of[job.client] or 1) - 1
    jobs_of[job.client] = left > 0 and left or nil
    data.id = job.id
    process.send(job.client, topic, data)
end

local requests = {}

function requests.count(client, count)
    if math.type(count) ~= "integer" or count < 1 or count > COUNT_MAX then
        return "count: a whole number from 1 to " .. COUNT_MAX
    elseif (jobs_of[client] or 0) >= JOBS_MAX then
        return "you have " .. JOBS_MAX .. " jobs here already"
    elseif #waiting >= WAITING_MAX then
        return "the line is full"
    end
    last_id = last_id + 1
    jobs_of[client] = (jobs_of[client] or 0) + 1
    waiting[#waiting + 1] = { id = last_id, client = client, count = count, tries = 0 }
    process.send(client, "accepted", { id = last_id, count = count })
    hand_out()
end

function requests.fail(_, place)
    local worker = workers[place]
    if not worker then
        return "fail: the number of a worker"
    end
    process.send(worker.pid, "fail")
end

local topics = {}

topics["ws.join"] = function(client)
    everybody:join("all", client)
    process.send(client, "pool", described())
end

topics["ws.message"] = function(client, text)
    local message = json.decode(text)
    local problem = 'expected {"count": 100000} or {"fail": 1}'
    for kind, act in pairs(requests) do
        if type(message) == "table" and message[kind] ~= nil then
            problem = act(client, message[kind])
            break
        end
    end
    if problem then
        process.send(client, "problem", problem)
    end
end

topics["progress"] = function(from, report)
    local worker = workers[place_of[from]]
    if worker and worker.job and worker.job.id == report.id then
        worker.job.percent = report.percent
        process.send(worker.job.client, "progress", report)
        tell_all()
    end
end

topics["done"] = function(from, report)
    local worker = workers[place_of[from]]
    if worker and worker.job and worker.job.id == report.id then
        local job = worker.job
        worker.job, worker.done = nil, worker.done + 1
        finish(job, "done", { result = report.result, worker = place_of[from] })
        hand_out()
    end
end

local function replace(pid, reason)
    local place = place_of[pid]
    if not place then
        return
    end
    place_of[pid] = nil
    local job = workers[place].job
    workers[place].failed = workers[place].failed + 1
    start_worker(place)
    if job then
        job.tries = job.tries + 1
        if job.tries < TRIES_MAX then
            table.insert(waiting, 1, job)
        else
            finish(job, "failed", { reason = reason or "its worker ended" })
        end
    end
    hand_out()
end

function run(number)
    process.registry.register("pool")
    for place = 1, number do
        start_worker(place)
    end
    local inbox, events = process.inbox(), process.events()
    while true do
        local result = channel.select({ inbox:case_receive(), events:case_receive() })
        if result.channel == inbox then
            local message = result.value
            local act = topics[message:topic()]
            if act then
                local value = message:payload()
                act(message:from(), value and value:data())
            end
        elseif result.value.kind == process.event.EXIT then
            replace(result.value.from, result.value.result.error)
        elseif result.value.kind == process.event.CANCEL then
            for _, worker in ipairs(workers) do
                process.cancel(worker.pid, "the pool stops")
            end
            return
        end
    end
end

return { run = run }
