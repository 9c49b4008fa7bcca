local check, security, funcs = require("check"), require("security"), require("funcs")

local tests = {
    { "a group belongs to the namespace of its policies, and is found without it", function()
        check.same(security.named_scope("app:staff"):contains("app:readers"), true)
        check.same(security.named_scope("staff"):contains("app:readers"), true)
        check.fails("NotFound", security.named_scope("other:staff"))
    end },
    { "nobody in particular may do everything", function()
        check.same(security.actor(), nil)
        check.same(security.can("anything", "at all"), true)
    end },
    { "a scope says what its actor may do", function()
        local staff = security.named_scope("staff")
        local ada = security.new_actor("ada", { role = "writer" })
        check.same(staff:evaluate(ada, "doc.read", "doc:1"), "allow")
        check.same(staff:evaluate(ada, "doc.write", "doc:1"), "undefined")
        check.same(staff:evaluate(ada, "doc.read", "secret:1"), "deny")
        check.same(staff:evaluate(security.new_actor("root", { role = "admin" }), "doc.read", "secret:1"), "allow")
    end },
    { "actor and scope travel with a call", function()
        local run = funcs.new():with_actor(security.new_actor("ada", {})):with_scope(security.named_scope("staff"))
        local told = run:call("app:who", "doc.read", "doc:1")
        check.same(told.id, "ada")
        check.same(told.may, true)
        check.same(run:call("app:who", "doc.write", "doc:1").may, false)
    end },
    { "an expression decides", function()
        local owners = security.named_scope("owners")
        local ada = security.new_actor("ada", { role = "writer" })
        check.same(owners:evaluate(ada, "doc.write", "doc:1", { owner = "ada" }), "allow")
        check.same(owners:evaluate(ada, "doc.write", "doc:1", { owner = "bob" }), "undefined")
        check.same(owners:evaluate(ada, "user.write", "user:1", { owner = "ada" }), "undefined")
        local guarded = security.new_scope({ "app:owners", "app:curfew" })
        check.same(guarded:evaluate(ada, "doc.write", "doc:1", { owner = "ada", hour = 12 }), "allow")
        check.same(guarded:evaluate(ada, "doc.write", "doc:1", { owner = "ada", hour = 23 }), "deny")
    end },
    { "a denial whose expression cannot be told denies, a permission permits nothing", function()
        local ada = security.new_actor("ada", {})
        local guarded = security.new_scope({ "app:owners", "app:curfew" })
        check.same(guarded:evaluate(ada, "doc.write", "doc:1", { owner = "ada", hour = "late" }), "deny")
        check.same(security.policy("app:late"):evaluate(ada, "x", "y", { hour = "late" }), "undefined")
    end },
    { "policies and scopes are put together", function()
        local readers = security.policy("app:readers")
        check.same(readers:id(), "app:readers")
        local scope = security.new_scope():with(readers)
        check.same(scope:contains(readers), true)
        check.same(#scope:policies(), 1)
        check.same(scope:without(readers):contains(readers), false)
        check.fails("NotFound", security.policy("app:nothing"))
        check.fails("NotFound", security.named_scope("nothing"))
    end },
    { "a service acts as its lifecycle says", function()
        local told = process.registry.lookup("acting") and true
        check.same(told, true)
        process.send("acting", "who")
        local answer = process.inbox():receive():payload():data()
        check.same(answer.id .. answer.role, "robotcleaner")
        check.same(answer.may, true)
        check.same(answer.may_not, false)
    end },
    { "tokens are made, found and revoked", function()
        local tokens = security.token_store("app:tokens")
        local token = tokens:create(security.new_actor("ada", { role = "x" }), security.named_scope("staff"), { expiration = 60000 })
        local actor, scope = tokens:validate(token)
        check.same(actor:id(), "ada")
        check.same(actor:meta().role, "x")
        check.same(scope:contains("app:readers"), true)
        local _, _, err = tokens:validate(token .. "x")
        check.same(err:kind(), "PermissionDenied")
        check.same(tokens:revoke(token), true)
        _, _, err = tokens:validate(token)
        check.same(err:kind(), "NotFound")
        check.fails("NotFound", security.token_store("app:nothing"))
    end },
}

return { run = function() check.run("security", tests) end }
