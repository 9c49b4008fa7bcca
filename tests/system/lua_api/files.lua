local check, fs, yaml = require("check"), require("fs"), require("yaml")

local tests = {
    { "a file is written, read and removed", function()
        local vol = fs.get("app:files")
        check.same(vol:writefile("note.txt", "one\n"), true)
        check.same(vol:writefile("note.txt", "two\n", "a"), true)
        check.same(vol:readfile("/note.txt"), "one\ntwo\n")
        check.fails("AlreadyExists", vol:writefile("note.txt", "x", "wx"))
        check.same(vol:remove("note.txt"), true)
        check.same(vol:exists("note.txt"), false)
        check.fails("NotFound", vol:readfile("note.txt"))
    end },
    { "bytes come back as they were written", function()
        local vol, bytes = fs.get("app:files"), "\0\255\1\n"
        vol:writefile("bytes", bytes)
        check.same(vol:readfile("bytes"), bytes)
        vol:writefile("empty", "")
        check.same(vol:readfile("empty"), "")
    end },
    { "folders are made, listed and left", function()
        local vol = fs.get("app:files")
        check.same(vol:mkdir("a/b"), true)
        vol:writefile("a/x.txt", "12345")
        local found = {}
        for entry in vol:readdir("a") do
            found[#found + 1] = entry.name .. " " .. entry.type
        end
        check.same(table.concat(found, ", "), "b " .. fs.type.DIR .. ", x.txt " .. fs.type.FILE)
        local facts = vol:stat("a/x.txt")
        check.same(facts.name .. facts.size .. tostring(facts.is_dir), "x.txt5false")
        check.same(vol:isdir("a"), true)
        check.fails("Invalid", vol:remove("a"))
        check.same(vol:chdir("a/b"), true)
        check.same(vol:pwd(), "/a/b")
        check.same(vol:readfile("../x.txt"), "12345")
        check.fails("Invalid", vol:chdir("/a/x.txt"))
    end },
    { "a file is read in parts and by lines", function()
        local vol = fs.get("app:files")
        local out = vol:open("lines.txt", "w")
        for i = 1, 3 do check.same(out:write("line " .. i .. "\n"), true) end
        out:close()
        check.fails("Invalid", out:write("x"))
        local file = vol:open("lines.txt")
        check.same(file:read(6), "line 1")
        check.same(file:seek(fs.seek.SET, 7), 7)
        local lines = {}
        for line in file:lines() do lines[#lines + 1] = line end
        check.same(table.concat(lines, "|"), "line 2|line 3")
        local rest, ended = file:read()
        check.same(rest, nil)
        check.yes(tostring(ended):find("EOF", 1, true), "the error at the end")
        check.same(file:seek(fs.seek.END, -7), 14)
        check.same(file:read(), "line 3\n")
        check.fails("Invalid", file:write("x"))
        check.same(file:stat().size, 21)
        check.same(file:sync(), true)
    end },
    { "what changes something says false when it failed", function()
        local vol = fs.get("app:files")
        local function refused(kind, good, err)
            check.same(good, false)
            check.fails(kind, good, err)
        end
        vol:mkdir("full")
        vol:writefile("full/x", "x")
        refused("AlreadyExists", vol:writefile("full/x", "y", "wx"))
        refused("AlreadyExists", vol:mkdir("full"))
        refused("AlreadyExists", vol:mkdir("full/x"))
        refused("Invalid", vol:remove("full"))
        refused("NotFound", vol:remove("nothing"))
        refused("NotFound", vol:chdir("nothing"))
        refused("Invalid", vol:chdir("full/x"))
        refused("Invalid", vol:writefile("y", "y", "q"))
        refused("Invalid", vol:writefile("y", {}))
        local found, err = vol:readdir("full/x")
        check.same(found, nil)
        check.fails("Invalid", found, err)
    end },
    { "a stream is written whole", function()
        local vol = fs.get("app:files")
        local long = ("0123456789abcdef"):rep(10000)
        vol:writefile("long", long)
        check.same(vol:writefile("copy", vol:open("long")), true)
        check.same(vol:readfile("copy"), long)
        check.same(vol:write_file("copy", vol:open("long"), "a"), true)
        check.same(#vol:readfile("copy"), 2 * #long)
        check.fails("AlreadyExists", vol:writefile("copy", vol:open("long"), "wx"))
        local closed = vol:open("long")
        closed:close()
        check.fails("Invalid", vol:writefile("copy", closed))
    end },
    { "a scanner goes through lines and words", function()
        local vol = fs.get("app:files")
        local function pieces(text, split)
            vol:writefile("scanned", text)
            local scanner, all = vol:open("scanned"):scanner(split), {}
            while scanner:scan() do
                all[#all + 1] = scanner:text()
            end
            check.same(scanner:err(), nil)
            check.same(scanner:scan(), false)
            return table.concat(all, "|"), #all
        end
        check.same(pieces("line one\r\n\nline three"), "line one||line three")
        check.same(pieces("a\n\n", "lines"), "a|")
        check.same(pieces("  hello world\tfoo\nbar ", "words"), "hello|world|foo|bar")
        check.same(pieces("aä€", "runes"), "a|ä|€")
        check.same(pieces("abc", "bytes"), "a|b|c")
        check.same(pieces(""), "")
        check.same(select(2, pieces(("word "):rep(50000), "words")), 50000)
        check.fails("Invalid", vol:open("scanned"):scanner("pages"))
        local shut = vol:open("scanned")
        shut:close()
        local none = shut:scanner()
        check.same(none:scan(), false)
        check.same(none:err():kind(), errors.INVALID)
    end },
    { "a folder with auto_init is there, with its mode", function()
        check.same(fs.get("app:made"):stat("/").mode, 488) -- 0750
    end },
    { "a scanner gives lines, words, bytes and characters", function()
        local vol = fs.get("app:files")
        vol:writefile("scan.txt", "one two\n\nthr\u{e9}e\u{1F600}")
        local function all(split)
            local found, s = {}, vol:open("scan.txt"):scanner(split)
            while s:scan() do found[#found + 1] = s:text() end
            check.same(s:err(), nil)
            check.same(s:scan(), false)
            return found
        end
        check.same(table.concat(all(), "|"), "one two||thr\u{e9}e\u{1F600}")
        check.same(table.concat(all("words"), "|"), "one|two|thr\u{e9}e\u{1F600}")
        check.same(#all("bytes"), 19)
        check.same(table.concat(all("runes")), "one two\n\nthr\u{e9}e\u{1F600}")
        check.same(#all("runes"), 15)
        check.fails("Invalid", vol:open("scan.txt"):scanner("pages"))
        vol:writefile("long.txt", ("\u{e9}"):rep(100000))
        local count, s = 0, vol:open("long.txt"):scanner("runes")
        while s:scan() do
            count = count + 1
            check.same(s:text(), "\u{e9}")
        end
        check.same(count, 100000)
        local gone = vol:open("scan.txt"):scanner()
        vol:remove("scan.txt")
        check.same(gone:scan(), false)
        check.same(gone:err():kind(), errors.NOT_FOUND)
    end },
    { "a file can be written from another one", function()
        local vol = fs.get("app:files")
        check.same(vol:writefile("copy.txt", vol:open("long.txt")), true)
        check.same(vol:stat("copy.txt").size, 200000)
        check.fails("Invalid", vol:writefile("copy.txt", {}))
    end },
    { "a name may be any bytes", function()
        local vol = fs.get("app:files")
        check.same(vol:writefile("\xff\xfe.txt", "x"), true)
        check.same(vol:stat("\xff\xfe.txt").size, 1)
        check.same(vol:exists("\xff\xfe.txt"), true)
        check.same(vol:isdir("\xff\xfe.txt"), false)
        check.same(vol:open("\xff\xfe.txt"):read(), "x")
        check.same(vol:remove("\xff\xfe.txt"), true)
    end },
    { "nothing leads out of the folder", function()
        local vol = fs.get("app:files")
        check.fails("NotFound", vol:readfile("../_index.yaml"))
        check.fails("NotFound", vol:readfile("/../../etc/passwd"))
        check.fails("PermissionDenied", vol:readfile("out/passwd"))
        check.fails("PermissionDenied", vol:writefile("out/new", "x"))
        check.fails("Invalid", vol:readfile("a\0b"))
        check.fails("NotFound", fs.get("app:nothing"))
        check.raises("colon", function() vol.readfile("x") end)
        check.fails("Invalid", vol:open("x", "rw"))
    end },
    { "yaml is read and written", function()
        local value = yaml.decode("name: room\nsizes: [1, 2.5]\nopen: true\nnested:\n  - {a: 1}\n")
        check.same(value.name .. value.sizes[2] .. tostring(value.open) .. value.nested[1].a, "room2.5true1")
        local text = yaml.encode({ name = "room 1", list = { 1, "yes", { a = "x: y" } }, empty = {}, text = "a\nb" })
        check.same(text, 'empty: []\nlist:\n  - 1\n  - "yes"\n  - a: "x: y"\nname: room 1\ntext: "a\\nb"\n')
        check.same(yaml.decode(text).list[3].a, "x: y")
        check.same(yaml.decode(yaml.encode("no")), "no")
        local _, problem = yaml.decode("a: 1\nb: [")
        check.yes(problem:message():find("line", 1, true))
        check.fails("Internal", yaml.decode("a: 1\na: 2\n"))
        check.fails("Invalid", yaml.decode(""))
        check.fails("Invalid", yaml.decode(7))
        check.fails("Invalid", yaml.encode({ 1, a = 2 }))
    end },
}

return { run = function() check.run("files", tests) end }
