"""The end of a node: who hears of it, who is waited for, and who holds nobody up."""

import signal
import socket
import subprocess
import time

import pytest

from natterjack import DEADLINE_S, command
from raw_http import RawHttp, get

SERVICE = """\
namespace: app
entries:
  - { name: parent, kind: process.lua, source: "file://parent.lua", modules: [ logger ] }
  - { name: child, kind: process.lua, source: "file://child.lua", modules: [ logger ] }
  - { name: deaf, kind: process.lua, source: "return function() process.inbox():receive() end" }
  - name: parent.service
    kind: process.service
    process: parent
    lifecycle: { auto_start: true }
  - { name: page, kind: function.lua, source: "file://page.lua", modules: [ http ] }
  - { name: page.endpoint, kind: http.endpoint, path: /page, func: page }
  - { name: driver, kind: queue.driver.memory }
  - { name: tasks, kind: queue.queue, driver: driver }
  - { name: work, kind: function.lua, source: "file://work.lua", modules: [ time, logger ] }
  - { name: tasks.consumer, kind: queue.consumer, queue: tasks, func: work, concurrency: 3 }
  - { name: publish, kind: function.lua, source: "file://publish.lua", modules: [ http, queue ] }
  - { name: publish.endpoint, kind: http.endpoint, path: /publish, func: publish }
"""

PARENT = """\
local logger = require("logger")

return { run = function()
    for _ = 1, 3 do process.spawn("app:child", "system:processes") end
    for _ = 1, 3 do process.spawn("app:deaf", "system:processes") end
    logger:info("parent hears " .. process.events():receive().kind)
end }
"""

CHILD = """\
local logger = require("logger")

return { run = function()
    local events = process.events()
    logger:info("child is here")
    local event = events:receive()
    logger:info("child hears " .. event.kind .. ": " .. event.reason)
end }
"""

WORK = """\
local logger, time = require("logger"), require("time")

return { handler = function(task)
    logger:info("work begins " .. task)
    time.sleep("300ms")
    logger:info("work is done " .. task)
end }
"""

PAGE = 'return { handler = function() require("http").response():write("here") end }'
PUBLISH = """\
return { handler = function()
    for i = 1, 3 do require("queue").publish("app:tasks", i) end
    require("http").response():write("published")
end }
"""

FILES = {"_index.yaml": SERVICE, "parent.lua": PARENT, "child.lua": CHILD, "work.lua": WORK,
         "page.lua": PAGE, "publish.lua": PUBLISH}


def test_an_end_that_is_asked_for_while_services_start_opens_no_gateway(application):
    folder = application({"_index.yaml": """\
namespace: app
entries:
  - name: hub
    kind: process.lua
    modules: [ system ]
    source: |
      return function() require("system").exit(3) process.events():receive() end
  - { name: service, kind: process.service, process: hub, lifecycle: { auto_start: true } }
  - { name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
"""})
    done = command("run", folder)
    assert done.returncode == 3
    assert "listening on" not in done.stderr
    assert done.stderr.splitlines()[-1].endswith("info ended")


def test_spawned_processes_hear_of_the_end(serve, application):
    server = serve(application(FILES), "--drain-window", "0s")
    server.wait_for("child is here", times=3)
    begun = time.monotonic()
    assert server.stop() == 0
    log = server.stderr.text()
    assert log.count("child hears pid.cancel: host stopping") == 3
    assert "parent hears pid.cancel" in log
    assert time.monotonic() - begun < 8, "those who do not listen are not waited for"


def test_late_clients_are_refused_and_those_that_are_here_see_the_node_unready(serve, application):
    entries = """\
namespace: app
entries:
  - { name: slow, kind: process.lua, source: "return function() process.events():receive() process.inbox():receive() end" }
  - { name: slow.service, kind: process.service, process: slow, lifecycle: { auto_start: true, stop_timeout: 60s } }
  - { name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
"""
    server = serve(application({"_index.yaml": entries}), "--drain-timeout", "60s")
    with RawHttp(server.port) as http:
        assert get(server.port, "/readyz").status == 200  # so the first one has been accepted, too
        server.process.send_signal(signal.SIGTERM)
        server.wait_for(r"draining: [12] connections")
        end = time.monotonic() + DEADLINE_S
        with pytest.raises(ConnectionRefusedError):
            while time.monotonic() < end:
                socket.create_connection(("127.0.0.1", server.port)).close()
        http.ask("GET", "/readyz")
        assert http.answer().status == 503
        assert server.is_alive()


def test_messages_of_queues_that_are_worked_on_are_finished(serve, application):
    server = serve(application(FILES), "--drain-window", "0s")
    assert get(server.port, "/api/v1/publish").body == b"published"
    server.wait_for("work begins", times=3)
    assert server.stop() == 0
    assert server.stderr.text().count("work is done") == 3


def test_clients_that_leave_while_they_arrive_do_not_hold_up_the_end(serve, application):
    hub = 'return { run = function() process.registry.register("hub") process.inbox():receive() end }'
    connect = """\
local http = require("http")

return { handler = function()
    http.response():set_header("X-WS-Relay", '{"target_pid":"' .. process.registry.lookup("hub") .. '"}')
end }
"""
    entries = """\
namespace: app
entries:
  - { name: hub, kind: process.lua, source: "file://hub.lua" }
  - { name: hub.service, kind: process.service, process: hub, lifecycle: { auto_start: true, stop_timeout: 1s } }
  - { name: connect, kind: function.lua, source: "file://connect.lua", modules: [ http ] }
  - { name: connect.endpoint, kind: http.endpoint, path: /ws, func: connect }
"""
    folder = application({"_index.yaml": entries, "hub.lua": hub, "connect.lua": connect})
    upgrade = (b"GET /api/v1/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    for pause in (0, 0.001, 0.002, 0.004):
        server = serve(folder, "--drain-timeout", "60s", "--drain-window", "0s")
        for _ in range(10):
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(upgrade)
        time.sleep(pause)  # how far the server has come differs, which is the point
        try:
            assert server.stop(timeout=DEADLINE_S) == 0
        except subprocess.TimeoutExpired:
            raise AssertionError("connections of clients that are gone hold up the end:\n" +
                                 server.stderr.text()) from None


def test_as_many_calls_run_at_once_as_need_to(serve, application):
    """Without a word about its pool a function has up to a hundred states."""
    entries = """\
namespace: app
entries:
  - { name: kept, kind: store.memory }
  - { name: meet, kind: function.lua, source: "file://meet.lua", modules: [ http, pg, time ] }
  - { name: scope, kind: pg.scope }
  - { name: meet.endpoint, kind: http.endpoint, path: /meet/:n, func: meet }
"""
    meet = """\
local http, pg, time = require("http"), require("pg"), require("time")

return { handler = function()
    local wanted = tonumber(http.request():param("n"))
    local group = pg.open("app:scope")
    group:join("all")
    repeat time.sleep("5ms") until #group:get_members("all") >= wanted
    http.response():write("met")
end }
"""
    server = serve(application({"_index.yaml": entries, "meet.lua": meet}))
    request = b"GET /api/v1/meet/40 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
    for client in clients:
        client.sendall(request)
    for client in clients:
        client.settimeout(DEADLINE_S)
        with client, client.makefile("rb") as answer:
            assert answer.read().endswith(b"met")
