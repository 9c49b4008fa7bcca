local check, funcs, time = require("check"), require("funcs"), require("time")

local tests = {
    { "call gives the result", function()
        check.same(funcs.call("app:add", 2, 3), 5)
    end },
    { "call gives the error with its kind and details", function()
        local value, err = funcs.call("app:add", "fail")
        check.fails("NotFound", value, err)
        check.same(err:message(), "no such thing")
        check.same(err:details().id, 7)
    end },
    { "an error without a kind is one, too", function()
        local value, err = funcs.call("app:plain")
        check.fails("", value, err)
        check.same(err:message(), "plain")
        local future = funcs.async("app:plain")
        future:response():receive()
        check.same(future:error():message(), "plain")
    end },
    { "a function that raises is an error", function()
        local value, err = funcs.call("app:add", "raise")
        check.fails("Internal", value, err)
        check.yes(err:message():find("broken", 1, true))
    end },
    { "a process with a default host is called like a function", function()
        local got = funcs.call("app:called", "x", { n = 2 })
        check.same(got.first .. got.second.n, "x2")
        check.same(funcs.new():with_context({ user = "ada" }):call("app:called", "who"), "ada")
        check.same(funcs.call("app:called", "nameless"), errors.INVALID)
        local value, err = funcs.call("app:called", "raise")
        check.fails("NotFound", value, err)
        check.same(err:message() .. tostring(err:details().id), "no such thing7")
        check.fails("NotFound", funcs.call("app:echo"))
        check.fails("NotFound", funcs.call("app:called.nowhere"))
    end },
    { "processes called run side by side, and end when nobody wants them", function()
        local one, other = funcs.async("app:called", "meet", "b", "a"), funcs.async("app:called", "meet", "a", "b")
        check.same(one:response():receive():data() .. other:response():receive():data(), "metmet")
        local late, err = funcs.new():with_options({ timeout = "20ms" }):call("app:called", "stay")
        check.fails("Timeout", late, err)
        process.registry.register("funcs.suite")
        local here, future = process.listen("here"), funcs.async("app:called", "stay", "staying")
        here:receive()
        check.same(future:cancel(), true)
        check.same(future:response():receive():kind(), errors.CANCELED)
    end },
    { "ids are checked", function()
        check.fails("NotFound", funcs.call("app:nothing"))
        check.fails("Invalid", funcs.call("nothing"))
        check.fails("Invalid", funcs.call(""))
    end },
    { "what a function has begun goes on behind its answer", function()
        local said = process.listen("tail")
        check.same(funcs.call("app:tail", process.pid()), 1)
        check.same(funcs.call("app:tail", process.pid()), 1) -- of another state
        for _ = 1, 2 do
            local got = said:receive()
            check.same(got.mine .. got.calls, "11")
        end
        process.unlisten(said)
    end },
    { "a call that a function does not wait for holds its state up no longer", function()
        check.same(funcs.call("app:tail.loose"), 1)
        check.same(funcs.call("app:tail.loose"), 2)
    end },
    { "async gives a future", function()
        local future = funcs.async("app:add", 20, 22)
        check.same(future:is_complete(), false)
        local got, ok = future:response():receive()
        check.same(ok, true)
        check.same(got:data(), 42)
        check.same(future:is_complete(), true)
        check.same(future:result():data(), 42)
    end },
    { "several futures in a select", function()
        local one, other = funcs.async("app:add", 1, 1), funcs.async("app:add", 2, 2)
        local first = channel.select({ one:channel():case_receive(), other:channel():case_receive() })
        local second = first.channel == one:channel() and other or one
        check.same(first.value:data() + second:channel():receive():data(), 6)
    end },
    { "a future that fails has the error", function()
        local future = funcs.async("app:add", "fail")
        future:response():receive()
        local value, err = future:result()
        check.fails("NotFound", value, err)
        local problem, failed = future:error()
        check.yes(failed and problem)
    end },
    { "cancel ends a call", function()
        local future = funcs.async("app:add", "slow")
        check.same(future:cancel(), true)
        future:response():receive()
        check.same(future:is_canceled(), true)
        check.fails("Canceled", future:result())
    end },
    { "what comes late for a call is not the next one's to see", function()
        local inbox = process.inbox()
        process.registry.register("asked.here")
        check.same(funcs.call("app:asks", "1ms"), "nothing")
        local first = inbox:receive():payload():data()
        local future = funcs.async("app:asks", "20s")
        local second = inbox:receive():payload():data()
        check.fails("NotFound", process.send(first, "answer", "late"))
        process.send(second, "answer", "right")
        check.same(future:response():receive():data(), "right")

        local idle = funcs.call("app:asks")
        check.same(process.send(idle, "answer", "not asked for"), true)
        future = funcs.async("app:asks", "20s")
        process.send(inbox:receive():payload():data(), "answer", "right again")
        check.same(future:response():receive():data(), "right again")
        process.registry.unregister("asked.here")
    end },
    { "a result without a JSON form is an error", function()
        local value, err = funcs.call("app:gap")
        check.fails("Invalid", value, err)
        check.yes(err:message():find("cannot encode a table with gaps", 1, true), err:message())
    end },
    { "a time-out ends a call", function()
        check.fails("Timeout", funcs.new():with_options({ timeout = 50 }):call("app:add", "slow"))
        check.fails("Timeout", funcs.new():with_options({ timeout = "50ms" }):call("app:add", "slow"))
    end },
    { "a time-out may be longer than the clock goes", function()
        for _, longest in ipairs({ "2562047h", 9e12 }) do
            check.same(funcs.new():with_options({ timeout = longest }):call("app:add", "soon"), "done")
        end
    end },
    { "with_context reaches the function", function()
        local executor = funcs.new():with_context({ a = 1 })
        local got = executor:with_context({ b = "two" }):call("app:add", "context")
        check.same(got.a, 1)
        check.same(got.b, "two")
        check.same(executor:call("app:add", "context").b, nil)
    end },
    { "pool.type inline is a fresh state for each call, static keeps it", function()
        check.same(funcs.call("app:state"), 1)
        check.same(funcs.call("app:state"), 1)
        check.same(funcs.call("app:kept.state"), 1)
        check.same(funcs.call("app:kept.state"), 2)
    end },
    { "ctx without a context finds nothing", function()
        check.fails("NotFound", require("ctx").get("nothing"))
        check.same(next(require("ctx").all()), nil)
    end },
}

return { run = function() check.run("funcs", tests) end }
