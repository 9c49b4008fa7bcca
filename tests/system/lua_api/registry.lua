local check, registry, funcs = require("check"), require("registry"), require("funcs")

local function ids(entries)
    local all = {}
    for _, one in ipairs(entries) do all[#all + 1] = one.id end
    return table.concat(all, " ")
end

local tests = {
    { "get gives kind, meta and data", function()
        local entry = registry.get("app:poem")
        check.same(entry.kind, "registry.entry")
        check.same(entry.meta.type, "poem")
        check.same(entry.data.text, "hello")
        check.fails("NotFound", registry.get("app:nothing"))
        check.fails("Invalid", registry.get(""))
    end },
    { "find by kind, namespace, name and meta", function()
        check.same(ids(registry.find({ [".kind"] = "registry.entry" })), "app:essay app:poem")
        check.same(ids(registry.find({ [".kind"] = "registry.entry", ["meta.type"] = "poem" })), "app:poem")
        check.same(ids(registry.find({ [".ns"] = "app", [".name"] = "essay" })), "app:essay")
        check.same(ids(registry.find({ ["meta.tags"] = "sad" })), "app:poem")
        check.same(ids(registry.find({ ["meta.tags"] = { "sad", "short" } })), "app:poem")
        check.same(ids(registry.find({ ["meta.tags"] = { "sad", "long" } })), "")
    end },
    { "own fields take globs", function()
        check.same(ids(registry.find({ [".kind"] = "registry.*" })), "app:essay app:poem")
        check.same(ids(registry.find({ [".kind"] = "*.entry", [".name"] = "e*y", [".id"] = "app:*" })), "app:essay")
        check.same(ids(registry.find({ [".kind"] = "registry.entry", [".ns"] = "a*p" })), "app:essay app:poem")
        check.same(ids(registry.find({ [".kind"] = "registry?entry" })), "")
    end },
    { "a key may hold dots itself", function()
        check.same(ids(registry.find({ ["meta.graph.rule"] = "true" })), "app:poem")
        check.same(ids(registry.find({ ["meta.graph.depth"] = 2 })), "app:essay")
        check.same(ids(registry.find({ ["meta.graph.rule.more"] = "true" })), "")
    end },
    { "keys of meta may hold dots", function()
        local function finds(key, value) return ids(registry.find({ [key] = value })) == "app:poem" end
        check.yes(finds("meta.mood.of.day.dark", true))
        check.yes(finds("meta.a.b", 1))
        check.same(finds("meta.a.b", 2), false)
        check.yes(finds("meta.a.c.d", 3))
        check.yes(finds("data.text", "hello"))
        check.same(finds("meta.mood.of", true), false)
        check.same(finds("meta.type.x", "poem"), false)
    end },
    { "operators in front of a key", function()
        check.same(ids(registry.find({ ["~meta.comment"] = "at (n|d)ig.*t$" })), "app:poem")
        check.same(ids(registry.find({ ["~meta.comment"] = "^at" })), "")
        check.same(ids(registry.find({ ["*meta.comment"] = "at n" })), "app:poem")
        check.same(ids(registry.find({ ["*meta.tags"] = "hor" })), "app:poem")
        check.same(ids(registry.find({ ["^meta.type"] = "po" })), "app:poem")
        check.same(ids(registry.find({ ["$meta.type"] = "say" })), "app:essay")
        check.same(ids(registry.find({ ["*meta.type"] = "e*y" })), "")
        check.same(ids(registry.find({ ["~meta.comment"] = { "(?i)^WRITTEN", "\\bat\\b" } })), "app:poem")
        check.fails("Invalid", registry.find({ ["~meta.type"] = "(" }))
        check.fails("Invalid", registry.find({ ["~meta.type"] = { "a", "(?=b)" } }))
    end },
    { "a bare key selects nothing out", function()
        check.yes(#registry.find({ kind = "registry.entry" }) > 10)
    end },
    { "ids are taken apart", function()
        local id = registry.parse_id("a.b:c.d")
        check.same(id.ns .. " " .. id.name, "a.b c.d")
    end },
    { "changes make a version, which can be left again", function()
        local before = registry.current_version()
        check.same(before:id(), 0)
        check.same(before:string(), "v0")
        check.same(before:previous(), nil)
        local changes = registry.snapshot():changes()
        changes:create({ id = "app:new", kind = "registry.entry", meta = { type = "note" }, data = { n = 1 } })
        changes:update({ id = "app:poem", kind = "registry.entry", meta = { type = "ode" }, data = {} })
        check.same(#changes:ops(), 2)
        check.yes(tostring(changes):find("Changes", 1, true), "the text of changes")
        check.yes(tostring(registry.snapshot()):find("Snapshot", 1, true), "the text of a snapshot")
        local version = changes:apply()
        check.same(version:id(), before:id() + 1)
        check.same(version:previous():id(), before:id())
        check.same(registry.get("app:new").data.n, 1)
        check.same(registry.get("app:poem").meta.type, "ode")
        check.same(registry.snapshot_at(before):get("app:poem").meta.type, "poem")
        check.same(registry.apply_version(before), true)
        check.fails("NotFound", registry.get("app:new"))
        check.same(registry.current_version():id(), before:id())
        check.yes(#registry.history():versions() >= 2)
    end },
    { "functions are made, replaced and taken away", function()
        local before = registry.current_version()
        local function entry(text, more)
            local data = { source = text, method = "main" }
            for name, value in pairs(more or {}) do data[name] = value end
            return { id = "app:made.later", kind = "function.lua", data = data }
        end
        local function apply(change, ...)
            local changes = registry.snapshot():changes()
            changes[change](changes, ...)
            return changes:apply()
        end
        check.fails("NotFound", funcs.call("app:made.later"))
        check.yes(apply("create", entry("return { main = function(n) return { n = n } end }")))
        check.same(funcs.call("app:made.later", 7).n, 7)
        check.yes(apply("update", entry("return { main = function() return require('time').MINUTE end }",
            { modules = { "time" } })))
        check.same(funcs.call("app:made.later"), 60000000000)
        check.yes(apply("update", entry("return { main = function() return type(require('c').same) end }",
            { imports = { c = "check" } })))
        check.same(funcs.call("app:made.later"), "function")
        check.same(registry.apply_version(before), true)
        check.same(registry.current_version():id(), before:id())
        check.fails("NotFound", funcs.call("app:made.later"))
        check.yes(apply("create", entry("return { main = function() return 'again' end }")))
        check.same(funcs.call("app:made.later"), "again")
        check.yes(apply("delete", "app:made.later"))
        check.fails("NotFound", funcs.call("app:made.later"))
        check.fails("Invalid", apply("create", entry("return {")))
        check.fails("Invalid", apply("create", entry("file://x.lua")))
    end },
    { "what is made has the pool and the limits it asks for", function()
        local function apply(data, kind)
            local changes = registry.snapshot():changes()
            local known = registry.get("app:bound.later")
            changes[known and "update" or "create"](changes,
                { id = "app:bound.later", kind = kind or "function.lua", data = data })
            return changes:apply()
        end
        local counts = "local calls = 0; return function() calls = calls + 1; return calls end"
        check.yes(apply({ source = counts, pool = { type = "static", size = 1 }, limits = {} }))
        for n = 1, 3 do check.same(funcs.call("app:bound.later"), n, "one state") end
        check.yes(apply({ source = counts, pool = { type = "inline" } }))
        for _ = 1, 3 do check.same(funcs.call("app:bound.later"), 1, "a state for each call") end
        local eats = "return function() local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end end"
        check.yes(apply({ source = eats, limits = { memory = "2MiB" } }))
        local none, err = funcs.call("app:bound.later")
        check.yes(err:message():find("limit memory (2048 KiB)", 1, true), err:message())
        check.yes(apply({ source = eats, limits = { memory = 3145728 } }, "process.lua"))
        none, err = process.exec("app:bound.later", "system:processes")
        check.yes(err:message():find("limit memory (3072 KiB)", 1, true), err:message())
        for text, data in pairs({
            ["pool.size"] = { pool = { size = 0 } }, ["pool.typ"] = { pool = { typ = "lazy" } },
            ["pool.type"] = { pool = { type = "eager" } }, ["limits.memory"] = { limits = { memory = "much" } },
            ["limits"] = { limits = 5 },
        }) do
            data.source = counts
            none, err = apply(data)
            check.fails("Invalid", none, err)
            check.yes(err:message():find("app:bound.later: .*" .. text), err:message())
        end
    end },
    { "a replaced function finishes its calls", function()
        local function entry(version)
            return { id = "app:slow.later", kind = "function.lua", data = { method = "main", source =
                "return { main = function(pid) if pid then process.send(pid, 'begun', process.pid()) " ..
                "process.inbox():receive() end return '" .. version .. "' end }" } }
        end
        local changes = registry.snapshot():changes()
        changes:create(entry("old")):apply()
        local begun = process.listen("begun")
        local future = funcs.async("app:slow.later", process.pid())
        local worker = begun:receive()
        registry.snapshot():changes():update(entry("new")):apply()
        check.same(funcs.call("app:slow.later"), "new")
        process.send(worker, "go")
        check.same(future:response():receive():data(), "old")
    end },
    { "types in types without end are no Lua, and nothing worse", function()
        local changes = registry.snapshot():changes()
        changes:create({ id = "app:deep.types", kind = "library.lua", meta = {},
            data = { source = "local x: " .. ("fun(): "):rep(300000) } })
        check.fails("Invalid", changes:apply())
    end },
    { "processes and libraries are made, too", function()
        local changes = registry.snapshot():changes()
        changes:create({ id = "app:words.later", kind = "library.lua", data = { source = "return { word = 'later' }" } })
        changes:create({ id = "app:process.later", kind = "process.lua", data = {
            source = "return { run = function(x) return x .. require('words').word end }",
            imports = { words = "app:words.later" } } })
        check.yes(changes:apply())
        check.same(process.exec("app:process.later", "system:processes", "much "), "much later")
        local own = registry.get("app:add")
        own.meta = { seen = true }
        check.yes(registry.snapshot():changes():update(own):apply())
        check.same(funcs.call("app:add", 2, 3), 5)
    end },
    { "what runs cannot be changed this way", function()
        local changes = registry.snapshot():changes()
        changes:delete("app:gateway")
        check.fails("Invalid", changes:apply())
        check.fails("Invalid", registry.snapshot():changes():apply())
    end },
    { "a delta tells what differs", function()
        local ops = registry.build_delta({ { id = "t:a", kind = "t" } }, { { id = "t:b", kind = "t" } })
        check.same(#ops, 2)
        check.same(ops[1].kind .. ops[1].entry.id .. " " .. ops[2].kind .. ops[2].entry.id,
            "entry.createt:b entry.deletet:a")
    end },
    { "a regular expression is bounded, and never goes back in the text", function()
        local changes = registry.snapshot():changes()
        changes:create({ id = "app:long", kind = "registry.entry", meta = { comment = ("a"):rep(4000) }, data = {} })
        changes:create({ id = "app:longer", kind = "registry.entry", meta = { title = ("a"):rep(100000) }, data = {} })
        check.yes(changes:apply())
        check.same(ids(registry.find({ ["~meta.comment"] = "^(a+)+$" })), "app:long")
        check.same(ids(registry.find({ ["~meta.comment"] = "^((((((a))))))*b" })), "")
        local none, err = registry.find({ ["~meta.title"] = "^(((a{3}){3}){3}){3}b" })
        check.fails("Invalid", none, err)
        check.yes(err:message():find("it takes too long in a text of 100000 bytes of app:longer", 1, true), err:message())
        none, err = registry.find({ ["~meta.title"] = "((a{100}){100}){100}" })
        check.yes(err:message():find("it takes more than 2000 steps", 1, true), err:message())
        none, err = registry.find({ ["~meta.title"] = ("a"):rep(1025) })
        check.yes(err:message():find("more than 1024 bytes", 1, true), err:message())
    end },
}

return { run = function() check.run("registry", tests) end }
