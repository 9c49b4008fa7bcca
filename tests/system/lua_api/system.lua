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
    { "the modules are listed", function()
        local found = {}
        for _, one in ipairs(system.modules()) do
            check.yes(#one.description > 0 or one.name == "stream", one.name)
            check.same(type(one.class), "table")
            found[one.name] = true
        end
        check.same(found.json and found.system and found.process, true)
        check.same(found.treesitter, nil)
    end },
    { "numbers of other runtimes are kept", function()
        check.same(system.gc.get_percent(), 100)
        check.same(system.gc.set_percent(200), 100)
        check.same(system.gc.set_percent(100), 200)
        local limit = system.memory.get_limit()
        check.same(system.memory.set_limit(1024), limit)
        check.same(system.memory.get_limit(), 1024)
        check.same(system.memory.set_limit(limit), 1024)
        local procs = system.runtime.max_procs()
        check.yes(procs > 0, "max_procs")
        check.same(system.runtime.max_procs(procs + 1), procs)
        check.same(system.runtime.max_procs(), procs + 1)
        system.runtime.max_procs(procs)
        check.fails("Invalid", system.runtime.max_procs(0))
        check.fails("Invalid", system.memory.set_limit(-2))
        check.fails("Invalid", system.memory.set_limit())
        check.fails("Invalid", system.gc.set_percent("much"))
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
