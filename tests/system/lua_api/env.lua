local check, env = require("check"), require("env")

local tests = {
    { "a declared variable has its default until it is set", function()
        check.same(env.get("LEVEL"), "info")
        check.same(env.set("LEVEL", "debug"), true)
        check.same(env.get("LEVEL"), "debug")
        check.same(env.get("app:level"), "debug")
        check.same(env.get_all().LEVEL, "debug")
    end },
    { "a router asks its storages in turn and writes to the first", function()
        check.same(env.get("COLOUR"), "blue")
        check.same(env.set("COLOUR", "red"), true)
        check.same(env.get("COLOUR"), "red")
    end },
    { "a variable in a file is kept", function()
        check.fails("NotFound", env.get("NOTE"))
        check.same(env.set("NOTE", "kept"), true)
        check.same(env.get("NOTE"), "kept")
        check.fails("Invalid", env.set("NOTE", "two\nlines"))
    end },
    { "a file's lines may end with a comment", function()
        check.same(env.get("SIZE"), "large")
        check.same(env.get("QUOTED"), "a # b")
        check.same(env.get("APART"), "single")
        check.same(env.get("FRAGMENT"), "a")
    end },
    { "a file that is not there has no variables", function()
        check.same(env.get("DEPTH"), "3")
        check.fails("NotFound", env.get("WIDTH"))
    end },
    { "read-only is read-only", function()
        check.fails("PermissionDenied", env.set("SECRET", "y"))
        check.same(env.get("SECRET"), "x")
    end },
    { "what nobody declared is the system's, or nothing", function()
        check.yes(env.get("PATH"))
        check.fails("NotFound", env.get("NO_SUCH_VARIABLE_HERE"))
        check.fails("Invalid", env.get(""))
    end },
}

return { run = function() check.run("env", tests) end }
