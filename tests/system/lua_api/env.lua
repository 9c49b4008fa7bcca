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
    { "a file that cannot be written says why, keeps its value and leaves nothing behind", function()
        -- notes.env.new leads to a disk that is full
        local value, err = env.set("NOTE", "second")
        check.fails("Internal", value, err)
        check.yes(err:message():find("No space left on device", 1, true), err:message())
        check.fails("NotFound", env.get("NOTE"))
        check.same(env.set("NOTE", "third"), true)
        check.same(env.get("NOTE"), "third")
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
