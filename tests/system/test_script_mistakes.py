"""What a script does wrong, or on purpose, ends in an error of its own: others never notice."""

import hashlib
import os
import re
import resource
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from natterjack import DEADLINE_S, Lines, binary, command
from raw_http import get

YAML = """\
version: "1.0"
namespace: app
entries:
  - { name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
  - { name: api, kind: http.router, meta: { server: gate }, prefix: / }
  - { name: memory, kind: db.sql.sqlite, file: ":memory:" }
  - { name: files, kind: fs.directory, directory: ./files, auto_init: true }
  - { name: narrow, kind: process.lua, source: "file://narrow.lua", method: run,
      limits: { channels: 2 } }
  - { name: patient, kind: process.lua, source: "file://patient.lua", method: run,
      modules: [ time ] }
  - { name: canceller, kind: process.lua, source: "file://canceller.lua", method: run }
  - name: tries
    kind: function.lua
    source: file://tries.lua
    modules: [ http, events, funcs, sql, time, hash, registry, http_client, env, io, fs ]
    limits: { budget: 2s }
  - { name: slow, kind: function.lua, source: "file://slow.lua", modules: [ time ] }
  - { name: reads, kind: process.lua, source: "file://reads.lua", modules: [ io, sql, time ] }
  - { name: tries.get, kind: http.endpoint, meta: { router: api }, method: GET, path: /try,
      func: tries }
"""

# Has one channel left, so asks in vain for the second.
NARROW = """\
return { run = function()
    process.registry.register("narrow")
    local kept = { channel.new(), channel.new() }
    assert(not pcall(process.inbox))
    assert(not pcall(process.listen, "news"))
    process.send("asker", "ready", "ready")
    kept[1]:receive()
end }
"""

# Looks at its events when all of them have come: its timer stands behind them.
PATIENT = """\
local time = require("time")
return { run = function()
    local inbox = process.inbox()
    process.spawn("app:canceller", "system:processes", process.pid())
    inbox:receive()
    time.sleep("1ms")
    local events, count = process.events(), 0
    while not channel.select({ events:case_receive(), default = true }).default do
        count = count + 1
    end
    process.send("asker", "count", count)
end }
"""

CANCELLER = """\
return { run = function(whom)
    for _ = 1, 5000 do
        local done, problem = process.cancel(whom, "again")
        if not done then assert(problem:kind() == "Unavailable") end
    end
    process.send(whom, "done", true)
end }
"""

# More of them than there are threads for files and databases.
READS = """\
local io, sql, time = require("io"), require("sql"), require("time")
return function()
    for _ = 1, 6 do coroutine.spawn(io.readline) end
    time.sleep("1ms") -- they run up to where they wait
    print("answered " .. sql.get("app:memory"):query("SELECT 1 AS one")[1].one)
    print("read " .. io.readline())
end
"""

SLOW = 'return function() require("time").sleep("60s") end\n'

TRIES = r"""
local http, events, funcs = require("http"), require("events"), require("funcs")
local sql, hash = require("sql"), require("hash")
local tries = {}

function tries.fine() return "fine" end

function tries.globals()
    local index = getmetatable(_G).__index
    for _, where in ipairs({ 1, "text", coroutine.create(print), channel.new(), {}, print }) do
        index(where, "number")
    end
    return tostring(number(4))
end

function tries.narrow()
    process.registry.register("asker")
    local inbox = process.inbox()
    process.spawn("app:narrow", "system:processes")
    inbox:receive()
    for i = 1, 10 do process.send("narrow", i % 2 == 0 and "news" or "other", i) end
    return "sent"
end

function tries.unlisten()
    local subscription = events.subscribe("tests")
    local done, problem = process.unlisten(subscription:channel())
    events.send("tests", "kind", "path", 7)
    return tostring(done) .. " " .. problem:kind() .. " " .. subscription:channel():receive().data
end

function tries.subscriptions()
    local mine, other = events.subscribe("mine"), events.subscribe("other")
    for number = 1, 100 do
        other.number, other.closed = number, false
        other:close()
    end
    events.send("mine", "kind", "path", 7)
    return tostring(mine:channel():receive().data)
end

function tries.transaction()
    local db = sql.get("app:memory")
    db:execute("CREATE TABLE IF NOT EXISTS t (n)")
    local one = db:begin()
    for field in pairs(one) do if field ~= "id" then one[field] = nil end end
    one.number = 12345
    one:execute("INSERT INTO t VALUES (1)")
    local done = one:commit()
    return tostring(done) .. " " .. db:query("SELECT count(*) AS n FROM t")[1].n
end

function tries.future()
    local future = funcs.async("app:slow")
    future.call = future:channel()
    future:cancel()
    future:channel():receive()
    return select(1, future:error()):kind()
end

function tries.sparse()
    local list = { POWERS }
    local done, problem = process.send(list, "topic", 1)
    return tostring(done) .. " " .. problem:kind()
end

function tries.sets()
    local set = "[" .. string.rep("x", 100000) .. "]?"
    local pattern = set .. set .. set .. set .. set .. set .. "$"
    local done, problem = pcall(string.find, string.rep("a", 5000) .. "b", pattern)
    return tostring(done) .. " " .. tostring(problem:find("pattern too complex", 1, true) ~= nil)
end

local function hex(text)
    return (text:gsub(".", function(c) return string.format("%02x", c:byte()) end))
end

function tries.keys()
    local long = string.rep("password", 40)
    return hex(hash.pbkdf2("password", "salt", 2500, 70)) .. " " ..
        hex(hash.pbkdf2(long, "salt", 1501, 200, "sha512")) .. " " ..
        coroutine.wrap(function() return hex(hash.pbkdf2("p", "s", 20000, 32)) end)()
end

function tries.forever() return hash.pbkdf2("password", "salt", 10000000, 1024) end

-- Options whose fields are code, and lists that hold something else.
function tries.metatables()
    local raises = setmetatable({}, { __index = function() error("asked", 0) end })
    local fetched, why = pcall(require("http_client").get, "http://127.0.0.1:1/", { tls = raises })
    local executor = funcs.new()
    executor.options = raises
    local _, problem = executor:call("app:nothing")
    local spawner = process.with_context({})
    spawner.messages = { true, 1 }
    local _, refused = spawner:with_message("a", 1):spawn("app:narrow", "system:processes")
    return why .. " " .. problem:kind() .. " " .. refused:kind()
end

function tries.variables()
    local env = require("env")
    local big = string.rep("x", 1 << 20)
    for i = 1, 40 do
        local done, problem = env.set("VARIABLE_" .. i, big)
        if not done then return i .. " " .. problem:kind() end
    end
end

function tries.pipe()
    local fs = require("fs").get("app:files")
    local _, read = fs:readfile("pipe")
    local _, written = fs:writefile("pipe", "text")
    return read:kind() .. " " .. written:kind()
end

function tries.cancels()
    process.registry.register("asker")
    local inbox = process.inbox()
    process.spawn("app:patient", "system:processes")
    return tostring(inbox:receive():payload():data())
end

return function()
    local said = tries[http.request():query("t")]()
    http.response():write(said)
end
"""


POWERS = ", ".join(f"[{1 << i}] = 'nobody'" for i in range(41))  # makes a length of 2^40
FILES = {"_index.yaml": YAML, "tries.lua": TRIES.replace("POWERS", POWERS), "narrow.lua": NARROW,
         "patient.lua": PATIENT, "canceller.lua": CANCELLER, "reads.lua": READS, "slow.lua": SLOW}


@pytest.fixture
def server(serve, application):
    return serve(application(FILES))


def attempt(server, name):
    answer = get(server.port, f"/try?t={name}")
    return answer.body.decode() if answer.status == 200 else answer.status


@pytest.mark.parametrize("name, said", [
    ("globals", "4"),
    ("narrow", "sent"),
    ("unlisten", "nil Invalid 7"),
    ("subscriptions", "7"),
    ("transaction", "true 1"),
    ("future", "Canceled"),
    ("sparse", "nil Invalid"),
    ("sets", "false true"),
    ("cancels", "1"),
    ("metatables", "asked NotFound Invalid"),
    ("variables", "16 Unavailable"),
])
def test_it_is_answered_and_the_node_lives(server, name, said):
    assert attempt(server, name) == said
    assert attempt(server, "fine") == "fine"
    assert server.stop() == 0


def test_keys_are_as_others_make_them(server):
    def key(hash_name, password, iterations, length):
        return hashlib.pbkdf2_hmac(hash_name, password, b"salt", iterations, length).hex()

    assert attempt(server, "keys").split() == [
        key("sha256", b"password", 2500, 70),
        key("sha512", b"password" * 40, 1501, 200),
        hashlib.pbkdf2_hmac("sha256", b"p", b"s", 20000, 32).hex(),
    ]


def test_making_a_key_takes_slices_and_ends_with_the_budget(serve, application):
    server = serve(application(FILES), "--hub-threads", "1")
    client = socket.create_connection(("127.0.0.1", server.port))
    client.sendall(b"GET /try?t=forever HTTP/1.1\r\nHost: x\r\n\r\n")
    assert attempt(server, "fine") == "fine"
    client.settimeout(3 * DEADLINE_S)
    assert client.recv(4096).startswith(b"HTTP/1.1 500")
    server.wait_for("limit budget reached")


def test_a_pipe_in_a_folder_is_no_file_and_keeps_no_thread(server):
    os.mkfifo(server.folder / "files/pipe")
    for _ in range(6):
        assert attempt(server, "pipe") == "Invalid Invalid"
    assert server.stop() == 0


def test_who_waits_for_input_keeps_nobody_from_files(application):
    with subprocess.Popen([binary(), "run", application(FILES), "-x", "app:reads"], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        try:
            lines = Lines("stdout", running.stdout)
            lines.wait_for("answered 1")
            running.stdin.write("line\n" * 7)
            running.stdin.flush()
            lines.wait_for("read line")
            assert running.wait(DEADLINE_S) == 0
        finally:
            running.kill()


def running_threads(pid):
    """Numbers of the threads that run or could, whatever the machine leaves them."""
    found = set()
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            state = stat.read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue  # that thread has just ended
        if state == "R":
            found.add(stat.parent.name)
    return found


def test_without_a_descriptor_the_administrator_waits_and_nothing_spins(serve, application,
                                                                        tmp_path):
    path = tmp_path / "admin.sock"
    server = serve(application(FILES), "--admin-socket", path)
    assert command("ps", "--admin-socket", path).returncode == 0
    pid = server.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b'{"command": "ps"}\n')
        seen = Counter()
        for _ in range(50):  # while nothing is possible
            seen.update(running_threads(pid))
            time.sleep(0.01)
        assert not [thread for thread, times in seen.items() if times > 25]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        client.settimeout(DEADLINE_S)
        assert client.recv(1)
    assert server.stop() == 0


@pytest.mark.skipif("NATTERJACK_GENTLE" in os.environ, reason="sanitizers need more address space")
def test_memory_that_the_system_does_not_have_is_not_the_scripts_limit(tmp_path):
    (tmp_path / "_index.yaml").write_text(
        "namespace: app\nentries:\n"
        "  - { name: main, kind: process.lua, source: file://main.lua, limits: { memory: 32GiB } }\n")
    (tmp_path / "main.lua").write_text("return { run = function() return #('x'):rep(1 << 32) end }\n")
    done = subprocess.run([binary(), "run", str(tmp_path), "-x", "app:main"], capture_output=True, text=True,
                          timeout=DEADLINE_S, preexec_fn=lambda: resource.setrlimit(
                              resource.RLIMIT_AS, (4 << 30, 4 << 30)))
    assert done.returncode == 1
    assert re.search(r"app:main \(main\.lua\):1: out of memory: the system has no more; limit memory "
                     r"\(33554432 KiB\) is not reached, \d+ KiB are used\n", done.stderr)
