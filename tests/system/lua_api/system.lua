local check, system, time = require("check"), require("system"), require("time")

local function state_of(id)
    for _, one in ipairs(system.supervisor.states()) do
        if one.id == id then return one end
    end
end

local tests = {
    { "the supervisor tells the state of a service", function()
        local own = system.supervisor.state("app:system.service")
        check.same(own.id, "app:system.service")
        check.yes(own.status == "running" or own.status == "starting", own.status)
        check.same(own.desired, "running")
        check.same(own.retry_count, 0)
        check.same(own.pid, process.pid())
        check.same(state_of("app:system.service").pid, process.pid())
    end },
    { "a gateway runs", function()
        check.same(system.supervisor.state("app:gateway").status, "running")
    end },
    { "a service that has ended says so", function()
        for _ = 1, 500 do
            if state_of("app:numbers.service").status == "exited" then break end
            time.sleep("10ms")
        end
        local ended = system.supervisor.state("app:numbers.service")
        check.same(ended.status, "exited")
        check.same(ended.desired, "stopped")
    end },
    { "what is no service is named", function()
        check.fails("NotFound", system.supervisor.state("app:nothing"))
    end },
    { "a host lists its processes", function()
        for _, one in ipairs(system.hosts.processes("system:processes")) do
            if one.pid == process.pid() then
                check.same(one.source, "app:system.suite")
                check.same(one.host, "system:processes")
                check.yes(one.started_at / 1000000000 > os.time() - 3600)
                return check.fails("NotFound", system.hosts.processes("app:nothing"))
            end
        end
        error("not listed")
    end },
}

return { run = function() check.run("system", tests) end }
