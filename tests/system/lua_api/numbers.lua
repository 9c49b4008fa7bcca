local check, metrics = require("check"), require("metrics")
local json, system = require("json"), require("system")

local tests = {
    { "counters, gauges and histograms are taken", function()
        check.same(metrics.counter_inc("orders_total", { kind = "web" }), true)
        check.same(metrics.counter_add("orders_total", 2.5, { kind = "web" }), true)
        check.same(metrics.counter_inc("orders_total"), true)
        check.same(metrics.gauge_set("queue_depth", 7), true)
        check.same(metrics.gauge_inc("queue_depth"), true)
        check.same(metrics.gauge_dec("queue_depth"), true)
        check.same(metrics.histogram("work_seconds", 0.02, { step = 'a "b"', n = 3, deep = true }), true)
        check.same(metrics.histogram("work_seconds", 60, { step = 'a "b"', n = 3, deep = true }), true)
    end },
    { "what is wrong with a metric is said", function()
        check.fails("Invalid", metrics.counter_inc("no name"))
        check.fails("Invalid", metrics.counter_inc(nil))
        check.fails("Invalid", metrics.counter_inc("natterjack_mine"))
        check.fails("Invalid", metrics.counter_add("orders_total", -1))
        check.fails("Invalid", metrics.gauge_set("orders_total", 1))
        check.fails("Invalid", metrics.gauge_set("depth", "x"))
        check.fails("Invalid", metrics.gauge_set("depth", 1, "kind"))
        check.fails("Invalid", metrics.gauge_set("depth", 1, { [1] = "a" }))
        check.fails("Invalid", metrics.gauge_set("depth", 1, { kind = {} }))
        check.fails("Invalid", metrics.gauge_set("depth", 1, { le = "x" }))
    end },
    { "figures of the program's memory are numbers", function()
        local before = system.memory.stats()
        for _, name in ipairs({ "alloc", "total_alloc", "sys", "heap_alloc", "heap_sys", "heap_idle", "heap_in_use",
                                "heap_released", "heap_objects", "stack_in_use", "num_gc" }) do
            check.same(math.type(before[name]), "integer", name)
        end
        check.yes(before.total_alloc >= before.alloc and before.stack_in_use > 0)
        system.gc.collect()
        check.yes(system.memory.stats().num_gc > before.num_gc)
    end },
    { "the module stream may be asked for", function()
        check.same(type(require("stream")), "table")
    end },
    { "nothing is no value that fits a schema", function()
        local fits, err = json.validate({ type = "object" }, nil)
        check.fails("Invalid", fits, err)
        check.yes(err:find("data is required", 1, true), err)
        check.same(json.validate_string({ type = "null" }, "null"), true)
    end },
}

return { run = function() check.run("numbers", tests) end }
