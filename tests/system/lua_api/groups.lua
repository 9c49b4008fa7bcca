local check, pg, time = require("check"), require("pg"), require("time")

local tests = {
    { "join, broadcast, leave", function()
        local g = pg.open("app:scope")
        check.same(g:join({ "a", "b" }), true)
        check.same(g:get_members("a")[1], process.pid())
        check.same(table.concat(g:which_groups(), " "), "a b")
        local heard = process.listen("news")
        g:broadcast("a", "news", "hello")
        check.same(heard:receive(), "hello")
        process.unlisten(heard)
        check.same(g:leave({ "a", "b" }), true)
        check.same(#g:get_members("a"), 0)
    end },
    { "who monitors a group hears who joins, leaves and ends", function()
        local g = pg.open("app:scope")
        local old = process.spawn("app:echo", "system:processes")
        g:join("room", old)
        local sub, members = g:monitor("room")
        check.same(members[1], old)
        local new = process.spawn("app:echo", "system:processes")
        g:join("room", new)
        local event = sub:channel():receive()
        check.same(event.kind .. event.path, "member.joinedroom")
        check.same(event.data.PIDs[1], new)
        g:leave("room", new)
        check.same(sub:channel():receive().kind, "member.left")
        process.terminate(old)
        event = sub:channel():receive()
        check.same(event.kind, "member.left")
        check.same(event.data.PIDs[1], old)
        sub:close()
        local value, ok = sub:channel():receive()
        check.same(ok, false)
    end },
    { "events tell of all groups of a scope", function()
        local g = pg.open("app:scope")
        g:join("here")
        local sub, snapshot = g:events()
        check.same(snapshot.here[1], process.pid())
        g:join("there")
        check.same(sub:channel():receive().path, "there")
        sub:close()
        g:leave({ "here", "there" })
    end },
    { "bounds of a scope hold", function()
        local g = pg.open("app:scope")
        for _ = 1, 3 do check.same(g:join("full", process.spawn("app:echo", "system:processes")), true) end
        check.fails("Unavailable", g:join("full"))
    end },
    { "a scope must be declared once one is", function()
        check.fails("NotFound", pg.open("app:other"))
        check.fails("Invalid", pg.open("nothing"))
    end },
}

return { run = function() check.run("groups", tests) end }
