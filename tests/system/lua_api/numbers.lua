local check, metrics = require("check"), require("metrics")

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
    { "names may have dots and dashes, labels that are no texts are passed over", function()
        check.same(metrics.counter_inc("shop.orders-total", { ["sold.by"] = "web", where = {} }), true)
        check.same(metrics.counter_inc("shop.orders-total", { ["sold.by"] = "web", [1] = "x" }), true)
    end },
    { "what is wrong with a metric is said", function()
        check.fails("Invalid", metrics.counter_inc("no name"))
        check.fails("Invalid", metrics.counter_inc(nil))
        check.fails("Invalid", metrics.counter_inc("natterjack_mine"))
        check.fails("Invalid", metrics.counter_add("orders_total", -1))
        check.fails("Invalid", metrics.gauge_set("orders_total", 1))
        check.fails("Invalid", metrics.gauge_set("depth", "x"))
        check.fails("Invalid", metrics.gauge_set("depth", 1, "kind"))
        check.fails("Invalid", metrics.gauge_set("depth", 1, { le = "x" }))
    end },
}

return { run = function() check.run("numbers", tests) end }
