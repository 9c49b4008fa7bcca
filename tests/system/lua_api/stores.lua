local check, store, time = require("check"), require("store"), require("time")

local function both(name, f)
    return { name .. ", in memory and in a database", function()
        for _, id in ipairs({ "app:cache", "app:kept" }) do
            local one = store.get(id)
            f(one, id)
            for _, item in ipairs(one:list().items) do one:delete(item.key) end
        end
    end }
end

local tests = {
    both("values come back as they were", function(s)
        check.same(s:set("table", { n = 1, list = { 1, 2 } }), true)
        check.same(s:set("text", "hello"), true)
        check.same(s:set("number", 42), true)
        check.same(s:get("table").list[2], 2)
        check.same(s:get("text"), "hello")
        check.same(s:get("number"), 42)
        check.same(s:has("text"), true)
        check.same(s:delete("text"), true)
        check.same(s:delete("text"), false)
        check.same(s:has("text"), false)
        check.fails("NotFound", s:get("text"))
    end),
    both("keys and values may be any bytes", function(s)
        check.same(s:set("\255\0key", "\0\255value"), true)
        check.same(s:get("\255\0key"), "\0\255value")
        check.same(s:entry("\255\0key").value, "\0\255value")
        local item = s:list().items[1]
        check.same(item.key .. item.value, "\255\0key\0\255value")
    end),
    both("keys expire", function(s)
        s:set("short", 1, 0.05)
        check.same(s:get("short"), 1)
        time.sleep("80ms")
        check.fails("NotFound", s:get("short"))
    end),
    both("keys are listed in order, page by page", function(s)
        for _, key in ipairs({ "b2", "a1", "b1" }) do s:set(key, key) end
        local page = s:list({ prefix = "b", limit = 1 })
        check.same(page.items[1].key, "b1")
        check.same(page.has_more, true)
        page = s:list({ prefix = "b", after = page.cursor })
        check.same(page.items[1].key .. #page.items, "b21")
        check.same(page.has_more, false)
    end),
    { "a store in memory is bounded in bytes as well", function()
        local s = store.get("app:small")
        check.same(s:set("a", ("x"):rep(1023 - 1)), true) -- with its key, 1023 of 1024
        local value, err = s:set("b", "xx")
        check.fails("Unavailable", value, err)
        check.yes(err:message():find("max_bytes (1024)", 1, true), err:message())
        check.same(s:set("b", ""), true)
        check.fails("Unavailable", s:set("b", "x"))
        check.same(s:delete("a"), true)
        check.same(s:set("b", ("x"):rep(1023)), true)
        check.fails("Unavailable", s:put("b", ("x"):rep(1024)))
        check.same(#s:get("b"), 1023)
        check.same(s:set("b", "x", 0.01), true)
        check.same(s:info().bytes, 2)
        time.sleep("30ms")
        check.same(s:set("c", ("x"):rep(1023)), true) -- what has expired makes room
    end },
    { "conditional writes in memory", function()
        local s = store.get("app:cache")
        local entry = s:put("k", 1, { only_if_absent = true })
        check.fails("AlreadyExists", s:put("k", 2, { only_if_absent = true }))
        local second = s:put("k", 2, { if_version = entry.version })
        local value, err = s:put("k", 3, { if_version = entry.version })
        check.fails("Conflict", value, err)
        check.same(err:retryable(), true)
        check.fails("Conflict", s:put("k", 3, { if_version = 1e6 }))
        check.same(s:put("k", 2, { if_version = math.tointeger(second.version) }) ~= nil, true)
        second = s:entry("k")
        check.same(s:entry("k").version, second.version)
        check.fails("Invalid", s:put("k", 3, { if_version = "1", only_if_absent = true }))
        check.fails("Invalid", store.get("app:kept"):put("k", 1, { only_if_absent = true }))
        s:delete("k")
    end },
    { "a store in memory has a bound", function()
        local s = store.get("app:cache")
        for i = 1, 5 do check.same(s:set("k" .. i, i), true) end
        check.fails("Unavailable", s:set("k6", 6))
        check.same(s:set("k1", "again"), true)
        for i = 1, 5 do s:delete("k" .. i) end
    end },
    { "what a store can is told", function()
        local info = store.get("app:cache"):info()
        check.same(info.backend, store.backend.MEMORY)
        check.same(info.conditional_put, true)
        check.same(store.get("app:kept"):info().backend, store.backend.SQL)
    end },
    { "mistakes are named", function()
        check.fails("NotFound", store.get("app:nothing"))
        check.fails("Invalid", store.get(""))
        local s = store.get("app:cache")
        check.fails("Invalid", s:set("", 1))
        check.fails("Invalid", s:set("k", 1, -1))
        check.fails("Invalid", s:set("k", { 1, x = 1 }))
        check.same(tostring(s), "store.Store{}")
        check.same(s:release(), true)
        check.same(tostring(s), "store.Store{released}")
        check.fails("Invalid", s:get("k"))
        check.fails("Invalid", s:set("k", 1))
        check.fails("Invalid", s:has("k"))
        check.fails("Invalid", s:delete("k"))
    end },
}

return { run = function() check.run("stores", tests) end }
