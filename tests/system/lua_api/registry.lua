local check, registry = require("check"), require("registry")

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
        check.fails("Invalid", registry.find({ ["~meta.type"] = "(" }))
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
        local version = changes:apply()
        check.same(version:id(), before:id() + 1)
        check.same(version:previous():id(), before:id())
        check.same(registry.get("app:new").data.n, 1)
        check.same(registry.get("app:poem").meta.type, "ode")
        check.same(registry.snapshot_at(before):get("app:poem").meta.type, "poem")
        check.same(registry.apply_version(before), true)
        check.fails("NotFound", registry.get("app:new"))
        check.yes(#registry.history():versions() >= 3)
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
}

return { run = function() check.run("registry", tests) end }
