"""The log as text and as JSON: the same facts, with names for machines."""

import json
import re
import signal
import struct
import subprocess

from metrics import await_metrics
from natterjack import DEADLINE_S, Lines, binary, command
from probe import Probe
from raw_http import get
from raw_ws import CLOSE

YAML = """
namespace: app
entries:
  - { name: hub, kind: process.lua, source: "file://hub.lua", method: run, modules: [ logger ] }
  - name: service
    kind: process.service
    process: hub
    host: system:processes
    lifecycle: { auto_start: true, restart: { initial_delay: 60s, max_delay: 60s } }
  - { name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
"""

HUB = """
local logger = require("logger")
function run()
    logger:with({ room = "lobby" }):info("joined", { nick = "Ada L", count = 2, list = { 1, "b" } })
    error("went\\nwrong")
end
return { run = run }
"""


def test_mistakes_of_the_application_are_json_as_well(application):
    folder = application({"_index.yaml": YAML})  # without hub.lua
    done = command("run", folder, "--log-format", "json", "--log-level", "off", "--listen", "127.0.0.1:0")
    assert done.returncode == 2
    first, last = map(json.loads, done.stderr.splitlines())
    assert first["level"] == last["level"] == "error"
    assert first["entry"] == "app:hub" and "hub.lua" in first["message"]
    assert last["message"].startswith("1 mistake in ")
    assert last["message"].endswith("; nothing was started")


def serve_app(serve, application, *options):
    server = serve(application({"_index.yaml": YAML, "hub.lua": HUB}), *options)
    server.wait_for("started again")
    return server


def lines(server):
    """Every line of stderr as an object; fails for one that is none."""
    return [json.loads(line) for _, line in list(server.stderr.seen)]


def test_json_lines_have_entry_pid_and_fields(serve, application):
    server = serve_app(serve, application, "--log-format", "json")
    [joined] = [line for line in lines(server) if line["message"] == "joined"]
    assert joined["level"] == "info" and joined["entry"] == "app:hub"
    assert joined["where"] == "(hub.lua):4"
    assert joined["pid"].startswith("{natterjack@system:processes|0x")
    assert joined["fields"] == {"room": "lobby", "nick": "Ada L", "count": 2, "list": [1, "b"]}
    [failed] = [line for line in lines(server) if "process failed" in line["message"]]
    assert failed["level"] == "error" and failed["entry"] == "app:hub"
    assert failed["pid"] == joined["pid"] and failed["message"].endswith("went\nwrong")
    assert failed["traceback"].startswith("stack traceback:\n\t")
    assert any(line.get("entry") == "app:service" for line in lines(server))
    assert all({"time", "level", "message"} <= set(line) for line in lines(server))


def test_text_lines_have_the_same_fields(serve, application):
    server = serve_app(serve, application)
    [(_, match)] = server.stderr.matching(r" info app:hub \(hub\.lua\):4 (\{\S+\}): (joined .*)")
    assert match[2] == 'joined room=lobby count=2 list=[1,"b"] nick="Ada L"'


def test_a_line_about_a_connection_names_it(serve_probe):
    server = serve_probe("--log-format", "json", "--set", "system:gateway.limits.outbox_hard_bytes=100kB",
                         "--set", "system:gateway.limits.outbox_soft_bytes=50kB",
                         "--set", "system:gateway.limits.message_bytes=1KiB")
    slow = Probe(server, receive_buffer=4096)
    pid = slow.pid()
    slow.watch()
    talker = Probe(server)
    for _ in range(60):
        talker.ask("burst", count=20, size=5_000)
    server.wait_for("slow consumer")
    [line] = [line for line in lines(server) if "slow consumer" in line["message"]]
    assert line["connection"] == pid


def test_what_a_client_says_is_no_line_of_its_own(serve_probe):
    server = serve_probe("--log-level", "debug")
    client = Probe(server)
    client.hub()
    client.send_frame(CLOSE, struct.pack(">H", 1000) + b'x"\n2026-11-22T00:00:00.000+00:00 error app:hub: forged')
    server.wait_for(r'closed by handshake code=1000 reason="x\\"\\n2026')
    assert not server.stderr.matching("^2026-11-22T00:00:00.000")


def test_a_text_that_looks_like_a_traceback_is_none(application):
    hub = 'return { run = function()\n' \
          '  error("x\\nstack traceback:\\n\\tforged\\n" .. ("y"):rep(50000), 0)\nend }\n'
    folder = application({"_index.yaml": YAML, "hub.lua": hub})
    done = command("run", folder, "-x", "app:hub", "--set", "app:service.lifecycle.auto_start=false")
    assert "process failed: x\n  stack traceback:\n\tforged\n  yyy" in done.stderr
    assert re.search(r"yyy \.\.\. \(500\d\d bytes, cut\)\nstack traceback:\n\t\[C\]: in .*'error'\n", done.stderr)
    assert len(done.stderr) < 20_000


def test_a_wrong_format_is_refused(serve, application):

    done = command("run", application({"_index.yaml": YAML, "hub.lua": HUB}), "--log-format", "xml")
    assert done.returncode == 2 and "xml" in done.stderr


def test_lines_of_print_that_nobody_reads_are_counted_and_told(application):
    hub = "function run()\n  local line = string.rep('x', 1000)\n" \
          "  for i = 1, 5000 do print(line) end\n  process.events():receive()\nend\nreturn { run = run }\n"
    folder = application({"_index.yaml": YAML, "hub.lua": hub})
    server = subprocess.Popen([binary(), "run", str(folder), "--listen", "127.0.0.1:0"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    try:
        log = Lines("stderr", server.stderr)
        [(_, told), *_] = log.wait_for(r"(\d+) lines of print were dropped: nobody reads")
        [(_, port), *_] = log.wait_for(r"listening on http://127\.0\.0\.1:(\d+)")
        name = "natterjack_print_lines_dropped_total"
        dropped = await_metrics(int(port[1]), lambda m: m.value(name) > 1000).value(name)
        assert 1 <= int(told[1]) <= dropped < 5000  # the first report may come amidst the loop
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


BUSY = """
local http, logger = require("http"), require("logger")
return { handler = function()
    local line = string.rep("x", 1000)
    for i = 1, 3000 do logger:info(line) end
    http.response():write("told")
end }
"""

BUSY_YAML = """
namespace: app
entries:
  - { name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
  - { name: api, kind: http.router, meta: { server: gate } }
  - { name: busy, kind: function.lua, source: "file://busy.lua", method: handler, modules: [ http, logger ] }
  - { name: busy.get, kind: http.endpoint, meta: { router: api }, path: /busy, func: busy }
"""


def test_a_log_that_nobody_reads_stops_nothing(application):
    folder = application({"_index.yaml": BUSY_YAML, "busy.lua": BUSY})
    server = subprocess.Popen([binary(), "run", str(folder), "--hub-threads", "1", "--io-threads", "1"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True, bufsize=1)
    try:
        port = None
        while port is None:
            line = server.stderr.readline()
            assert line, "it has ended"
            found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", line)
            port = found and int(found[1])
        for _ in range(2):  # more than a pipe and the queue behind it hold
            assert get(port, "/busy").body == b"told"
        log = Lines("stderr", server.stderr)  # somebody reads again
        server.send_signal(signal.SIGHUP)
        log.wait_for(r"warning \d+ lines of the log were dropped: nobody reads")
        server.send_signal(signal.SIGTERM)
        assert server.wait(DEADLINE_S) == 0
    finally:
        server.kill()
        server.wait()


def test_the_end_waits_for_no_reader_of_the_log(application):
    folder = application({"_index.yaml": BUSY_YAML, "busy.lua": BUSY})
    server = subprocess.Popen([binary(), "run", str(folder)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, bufsize=1)
    try:
        while not (found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", server.stderr.readline())):
            assert server.poll() is None
        assert get(int(found[1]), "/busy").body == b"told"
        server.send_signal(signal.SIGTERM)
        assert server.wait(DEADLINE_S) == 0
    finally:
        server.kill()
        server.wait()
        server.stderr.close()


def test_a_client_cannot_forge_a_line(serve, application):
    forged = "2026-11-22T00:00:00.000+00:00 info forged"
    server = serve(application({"_index.yaml": BUSY_YAML, "busy.lua": """
local http = require("http")
return { handler = function() error("bad input: " .. http.request():query("m")) end }
"""}))
    answer = get(server.port, "/busy?m=x%0A" + forged.replace(" ", "%20").replace("+", "%2B") + "%1B%5B2J")
    assert answer.status == 500
    server.wait_for("bad input: x")
    [(_, line)] = server.wait_for("^.*info forged.*$")
    assert line[0] == "  " + forged + "\\x1b[2J"
