"""Changed files are taken over while clients stay; and hubs that come back find theirs waiting."""

import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from natterjack import Lines, binary, command
from probe import Probe
from raw_http import get
from raw_ws import Closed, RawWebSocket

YAML = """
version: "1.0"
namespace: app
entries:
  - { name: hub, kind: process.lua, source: "file://hub.lua", method: run, modules: [ json ] }
  - name: service
    kind: process.service
    process: hub
    host: system:processes
    lifecycle: { auto_start: true, restart: { initial_delay: 300ms, jitter: 0 } }
  - { name: connect, kind: function.lua, source: "file://connect.lua", method: handler,
      modules: [ http, json ] }
  - { name: endpoint, kind: http.endpoint, method: GET, path: /ws, func: connect }
  - { name: word, kind: function.lua, source: "file://word.lua", method: handler,
      modules: [ http ] }
  - { name: word.endpoint, kind: http.endpoint, method: GET, path: /word, func: word }
"""

# Answers what clients say with its version; tells them of joins and leaves.
HUB = """
local json = require("json")
local VERSION = "one"
local members = {}
function run()
    process.registry.register("hub")
    local inbox, events = process.inbox(), process.events()
    print("version " .. VERSION .. " runs")
    while true do
        local result = channel.select({ inbox:case_receive(), events:case_receive() })
        if result.channel == events then
            print("version " .. VERSION .. " ends")
            return
        end
        local message = result.value
        local from, topic = message:from(), message:topic()
        if topic == "ws.join" then
            members[from] = true
            process.send(from, "joined", VERSION)
        elseif topic == "ws.leave" then
            members[from] = nil
            for each in pairs(members) do process.send(each, "left", VERSION) end
        elseif topic == "ws.message" then
            local text = message:payload():data()
            if text == "fail" then error("asked to") end
            process.send(from, "said", { version = VERSION, text = text })
        end
    end
end
return { run = run }
"""

CONNECT = """
local http = require("http")
local json = require("json")
function handler()
    local req, res = http.request(), http.response()
    local pid = process.registry.lookup("hub")
    res:set_header("X-WS-Relay", json.encode({
        target_pid = req:query("by") == "name" and "hub" or pid,
        on_exit = req:query("on_exit"), hold_timeout = req:query("hold_timeout") }))
end
return { handler = handler }
"""

WORD = """
local http = require("http")
function handler() http.response():write("first") end
return { handler = handler }
"""


@pytest.fixture
def files():
    return {"_index.yaml": YAML, "hub.lua": HUB, "connect.lua": CONNECT, "word.lua": WORD}


@pytest.fixture
def app(serve, application, files, tmp_path):
    class App:
        def __init__(self):
            self.folder = application(files)
            self.socket = str(tmp_path / "admin.sock")
            self.server = serve(self.folder, "--admin-socket", self.socket)
            self.port = self.server.port

        def write(self, name, text):
            (self.folder / name).write_text(text)

        def reload(self, code=0):
            done = command("reload", "--admin-socket", self.socket)
            assert done.returncode == code, done
            return done.stdout + done.stderr

        def connect(self, query=""):
            client = RawWebSocket(self.port, "/api/v1/ws" + query)
            client.joined = client.read_topic("joined")
            return client

    return App()


def said(client, text):
    client.send_text(text)
    return client.read_topic("said")


def test_a_changed_hub_takes_over_and_connections_stay(app):
    clients = [app.connect() for _ in range(5)]
    app.write("hub.lua", HUB.replace('"one"', '"two"'))
    assert "app:service upgraded" in app.reload()
    for client in clients:
        assert client.read_topic("joined") == "two"
        assert said(client, "hello") == {"version": "two", "text": "hello"}
    app.server.stdout.wait_for("version one ends")
    assert app.connect().joined == "two"


def test_no_message_is_lost_while_versions_change(app):
    client = app.connect()
    sent = 0
    stop = threading.Event()

    def talk():
        nonlocal sent
        while not stop.is_set():
            client.send_text(str(sent))
            sent += 1
            time.sleep(0.0005)

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        for version in ("two", "three", "four"):
            app.write("hub.lua", HUB.replace('"one"', f'"{version}"'))
            app.reload()
    finally:
        stop.set()
        talker.join()
    heard = sorted(int(client.read_topic("said")["text"]) for _ in range(sent))
    assert sent > 10 and heard == list(range(sent))


def test_nothing_is_heard_of_a_leave_when_versions_change(app):
    client = app.connect()
    app.write("hub.lua", HUB.replace('"one"', '"two"'))
    app.reload()
    topics = []
    said_at_last = None
    client.send_text("last")
    while said_at_last is None:
        message = client.read_json()
        topics.append(message["topic"])
        if message["topic"] == "said":
            said_at_last = message["data"]
    assert "left" not in topics and said_at_last["version"] == "two"


@pytest.mark.parametrize("broken, why", [
    (HUB.replace("process.registry.register", 'error("not today")\n    process.registry.register'),
     "not today"),
    (HUB.replace("local inbox, events", "if true then return end\n    local inbox, events"),
     "ended before it waited"),
    (HUB.replace("local inbox, events", "while true do end\n    local inbox, events"),
     "start_timeout"),
], ids=["raises", "returns", "never waits"])
def test_a_new_version_that_does_not_start_leaves_the_old_one(app, broken, why, files):
    app.write("_index.yaml", YAML.replace("auto_start: true,",
                                          "auto_start: true, start_timeout: 2s,"))
    app.reload()
    client = app.connect()
    app.write("hub.lua", broken)
    text = app.reload(code=1)
    assert why in text and "app:service" in text and "old version goes on" in text
    assert said(client, "still")["version"] == "one"
    app.server.wait_for("app:service: the new version did not start: .*" + why)
    app.write("hub.lua", HUB.replace('"one"', '"two"'))
    app.reload()
    assert said(client, "now")["version"] == "two"


def test_a_new_version_without_an_old_one_must_start_as_well(app):
    ended = command("kill", "app:service", "--admin-socket", app.socket)
    assert ended.returncode == 0, ended
    app.server.stdout.wait_for("version one ends")
    app.server.wait_for("app:service: .* has ended as the administrator asked")
    app.write("hub.lua", "return { run = function() error('not today') end }")
    assert "not today" in app.reload(code=1)
    app.write("hub.lua", HUB.replace('"one"', '"two"'))
    assert "app:service upgraded" in app.reload()
    app.server.stdout.wait_for("version two runs")


def test_a_broken_folder_changes_nothing_and_tells_every_mistake(app):
    client = app.connect()
    app.write("hub.lua", HUB.replace('"one"', '"two"') + "\nthis is no Lua\n")
    app.write("word.lua", "also not")
    app.write("_index.yaml", YAML.replace("path: /word", "path: no-slash"))
    text = app.reload(code=1)
    assert "hub.lua" in text and "word.lua" in text and "no-slash" in text
    assert "nothing was changed" in text
    assert said(client, "hello")["version"] == "one"
    assert get(app.port, "/api/v1/word").body == b"first"


def test_sighup_does_the_same(app):
    client = app.connect()
    app.write("hub.lua", HUB.replace('"one"', '"two"'))
    app.server.process.send_signal(signal.SIGHUP)
    app.server.wait_for("reload: app:service upgraded")
    assert client.read_topic("joined") == "two"


def test_functions_and_endpoints_change_without_their_clients(app):
    assert get(app.port, "/api/v1/word").body == b"first"
    app.write("word.lua", WORD.replace("first", "second"))
    assert "app:word replaced" in app.reload()
    assert get(app.port, "/api/v1/word").body == b"second"
    app.write("_index.yaml", YAML.replace("path: /word", "path: /another"))
    assert "app:word.endpoint replaced" in app.reload()
    assert get(app.port, "/api/v1/word").status == 404
    assert get(app.port, "/api/v1/another").body == b"second"


def test_what_waits_for_the_next_start_is_no_change_that_was_taken_over(app):
    app.write("_index.yaml", YAML + "  - { name: other, kind: http.service, addr: '127.0.0.1:1' }\n")
    said = app.reload()
    assert "note: app:other (http.service) is new: takes effect with the next start" in said
    assert "reloaded: nothing was taken over" in said


def test_an_unchanged_folder_changes_nothing(app):
    assert "nothing has changed" in app.reload()
    assert len(app.server.stdout.matching("version one runs")) == 1


def test_services_come_and_go(app):
    more = YAML + """
  - name: more
    kind: process.service
    process: late
    host: system:processes
    lifecycle: { auto_start: true }
  - { name: late, kind: process.lua, source: "file://late.lua", method: run }
"""
    app.write("late.lua", "function run() print('late runs') process.events():receive() "
                          "print('late ends') end\nreturn { run = run }\n")
    app.write("_index.yaml", more)
    assert "app:more added" in app.reload()
    app.server.stdout.wait_for("late runs")
    app.write("_index.yaml", YAML)
    assert "app:more stopped" in app.reload()
    app.server.stdout.wait_for("late ends")


def test_what_needs_a_restart_is_said(app):
    app.write("_index.yaml", YAML + """
  - { name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
""")
    text = app.reload()
    assert "app:gate" in text and "next start" in text


def test_a_node_that_reloads_can_still_be_ended(app):
    app.write("hub.lua", HUB.replace("local inbox, events", "while true do end\n    local inbox, e"))
    app.server.process.send_signal(signal.SIGHUP)
    app.server.wait_for("reload: reading")
    app.server.process.send_signal(signal.SIGTERM)
    assert app.server.process.wait(15) == 0


# --- on_exit: hold -------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["?on_exit=hold", "?on_exit=hold&by=name"])
def test_a_held_connection_outlives_the_crash_of_its_hub(app, query):
    client = app.connect(query)
    client.send_text("fail")
    app.server.wait_for("app:service: failed: .*asked to")
    client.send_text("said meanwhile")
    assert client.read_topic("joined") == "one"
    assert client.read_topic("said")["text"] == "said meanwhile"
    assert said(client, "hello")["text"] == "hello"


STUMBLES = """local runs = require("store").get("app:runs")
    local count = (runs:get("count") or 0) + 1
    runs:set("count", count)
    process.registry.register("hub")
    if count == 2 then error("not yet") end"""


def test_a_hub_that_fails_to_start_again_at_first_is_waited_for_on(serve, application, files):
    index = YAML.replace("modules: [ json ]", "modules: [ json, store ]") + "  - { name: runs, kind: store.memory }\n"
    hub = HUB.replace('process.registry.register("hub")', STUMBLES)
    server = serve(application({**files, "_index.yaml": index, "hub.lua": hub}))
    client = RawWebSocket(server.port, "/api/v1/ws?on_exit=hold&by=name&hold_timeout=60s")
    assert client.read_topic("joined") == "one"
    client.send_text("fail")
    server.wait_for("app:service: failed: .*not yet")
    client.send_text("said meanwhile")
    assert client.read_topic("joined") == "one"
    assert client.read_topic("said")["text"] == "said meanwhile"


def test_without_hold_the_end_of_the_hub_closes(app):
    client = app.connect()
    client.send_text("fail")
    closed = client.read_until_closed()
    assert (closed.code, closed.reason) == (1000, "target process exited")


def test_a_hub_that_does_not_come_back_is_waited_for_so_long(app):
    app.write("_index.yaml", YAML.replace("initial_delay: 300ms", "initial_delay: 60s, max_delay: 60s"))
    app.reload()
    client = app.connect("?on_exit=hold&hold_timeout=500ms")
    began = time.monotonic()
    client.send_text("fail")
    closed = client.read_until_closed()
    assert closed.reason == "target process exited"
    assert 0.4 < time.monotonic() - began < 5


def test_a_held_client_that_leaves_is_noticed(app):
    client = app.connect("?on_exit=hold")
    client.send_text("fail")
    client.send_close()
    with pytest.raises(Closed):
        while True:
            client.read_data()


SECOND = """
function run()
    process.registry.register("second")
    local inbox, events = process.inbox(), process.events()
    while true do
        local result = channel.select({ inbox:case_receive(), events:case_receive() })
        if result.channel == events then return end
        process.send(result.value:from(), "second", result.value:topic())
    end
end
return { run = run }
"""


def test_a_held_connection_that_is_handed_over_has_heartbeats_again(serve, application, files, tmp_path):
    index = YAML.replace("initial_delay: 300ms", "initial_delay: 60s, max_delay: 60s") + """
  - { name: second, kind: process.lua, source: "file://second.lua", method: run }
  - { name: another, kind: process.service, process: second, host: system:processes, lifecycle: { auto_start: true } }
"""
    folder = application({**files, "_index.yaml": index, "second.lua": SECOND,
                          "hub.lua": HUB.replace('"joined", VERSION', '"joined", from'),
                          "connect.lua": CONNECT.replace("target_pid", 'heartbeat_interval = "200ms", target_pid')})
    admin = str(tmp_path / "admin.sock")
    server = serve(folder, "--admin-socket", admin)
    client = RawWebSocket(server.port, "/api/v1/ws?on_exit=hold&hold_timeout=60s")
    pid = client.read_topic("joined")
    client.send_text("fail")
    server.wait_for("app:service: failed: .*asked to")
    done = command("send", "--admin-socket", admin, pid, "ws.control", '{"target_pid": "second"}')
    assert done.returncode == 0, done
    assert [client.read_topic("second") for _ in range(3)] == ["ws.join", "ws.heartbeat", "ws.heartbeat"]


def test_a_hub_can_ask_for_it_later_with_ws_control(serve_probe):
    server = serve_probe()
    client = Probe(server)
    client.ask("control", body={"on_exit": "hold", "hold_timeout": "20s"})
    assert client.hub() == "first"
    client.ask("raise")
    server.stdout.wait_for("probe first started", times=2)
    assert client.echo("still here") == "still here"


def test_wrong_values_in_the_relay_header_are_told(app):
    for query, word in [("?on_exit=wait", "on_exit"), ("?hold_timeout=soon", "hold_timeout"),
                        ("?hold_timeout=2h", "hold_timeout")]:
        answer = get(app.port, "/api/v1/ws" + query, {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        assert answer.status == 500
        app.server.wait_for("X-WS-Relay: " + word)


def blocks(process, sign):
    """Whether a process holds this signal back."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"^SigBlk:\s*([0-9a-f]+)", status, re.M)[1], 16) >> (sign - 1) & 1


def test_sighup_during_the_start_is_a_reload_after_it(application):
    # Many entries, so that reading them takes longer than sending a signal.
    entries = "".join(f"  - {{ name: f{i}, kind: function.lua, source: file://f.lua }}\n" for i in range(2000))
    folder = application({"_index.yaml": "namespace: app\nentries:\n" + entries,
                          "f.lua": "return { handler = function() end }"})
    process = subprocess.Popen([binary(), "run", str(folder), "--admin-socket", "off"], text=True,
                               stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        while not blocks(process, signal.SIGHUP):
            assert process.poll() is None, process.stderr.read()
        process.send_signal(signal.SIGHUP)
        lines = Lines("stderr", process.stderr)
        lines.wait_for("reload: nothing has changed")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
