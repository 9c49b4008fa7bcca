"""Every bound under its name: set by `--set` or by its entry, reached, counted under the same name."""

import socket
import time

import pytest

import probe
from metrics import await_metrics, scrape
from natterjack import command
from probe import Probe
from raw_http import RawHttp, request

GATEWAY = "system:gateway.limits."
COUNTED = "natterjack_limit_reached_total"


def counted(port, limit, at_least=1):
    return await_metrics(port, lambda m: m.value(COUNTED, limit=limit) >= at_least)


# --- of a gateway: (limit, value, what reaches it) -------------------------------------------------


def flood_messages(server):
    """A hub that is busy takes nothing: its clients are not read from."""
    busy = Probe(server)
    busy.ask("spin")
    for _ in range(40):
        busy.send_text("x" * 40)


def big_message(server):
    client = Probe(server)
    client.send_text("x" * 201)
    client.read_until_closed()


def half_a_head(server):
    with RawHttp(server.port) as connection:
        connection.send_bytes(b"GET / HTTP/1.1\r\nHost:")
        assert connection.answer().status == 408


def long_head(server):
    with RawHttp(server.port) as connection:
        connection.ask("GET", "/healthz", {"X": "y" * 600})
        assert connection.answer().status == 431


def many_headers(server):
    with RawHttp(server.port) as connection:
        connection.ask("GET", "/healthz", {f"X-{n}": "y" for n in range(20)})
        assert connection.answer().status == 431


def half_a_body(server):
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/api/v1/echo/x", {"Content-Length": "100"}, b"half")
        assert connection.answer().status == 408


def sent_ahead(server):
    with RawHttp(server.port) as connection:
        connection.send_bytes(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n" * 4)
        assert [connection.answer().status for _ in range(4)] == [200] * 4


def long_body(server):
    assert request(server.port, "POST", "/api/v1/echo/x", body=b"x" * 101).status == 413


def silence(server):
    with RawHttp(server.port) as connection:
        connection.ask("GET", "/healthz")
        assert connection.answer().status == 200
        assert connection.at_end(10)


def deaf_client(server):
    client = Probe(server, answer_pings=False)
    client.read_until_closed()


def many_connections(server):
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(4)]
    last = socket.create_connection(("127.0.0.1", server.port))
    last.settimeout(10)
    assert b"503" in last.recv(100)
    for one in [*held, last]:
        one.close()


BOUNDS = [
    ("inbound_messages", "4", flood_messages),
    ("inbound_bytes", "1KiB", flood_messages),
    ("outbox_soft_bytes", "20kB", None),
    ("outbox_soft_time", "100ms", None),
    ("outbox_hard_bytes", "300kB", None),
    ("message_bytes", "200", big_message),
    ("head_timeout", "200ms", half_a_head),
    ("head_bytes", "500", long_head),
    ("header_count", "10", many_headers),
    ("body_timeout", "200ms", half_a_body),
    ("body_bytes", "100", long_body),
    ("idle_timeout", "200ms", silence),
    ("pipelined_requests", "3", sent_ahead),
    ("ping_missed", "1", deaf_client),
    ("connections", "4", many_connections),
    ("connections_per_address", "4", many_connections),
]

WITH = {  # what else makes the test quick
    "outbox_soft_bytes": {"outbox_soft_time": "100ms"},
    "outbox_soft_time": {"outbox_soft_bytes": "20kB"},
    "outbox_hard_bytes": {"message_bytes": "1KiB", "outbox_soft_bytes": "200kB"},
    "ping_missed": {"ping_interval": "100ms"},
}


def options(limit, value):
    fields = {**WITH.get(limit, {}), limit: value}
    return [text for name, given in fields.items() for text in ("--set", f"{GATEWAY}{name}={given}")]


@pytest.mark.parametrize("limit, value, reach", BOUNDS, ids=[limit for limit, *_ in BOUNDS])
def test_a_bound_of_a_gateway_holds_and_is_counted(serve_probe, limit, value, reach):
    server = serve_probe(*options(limit, value), "--metrics", "127.0.0.1:0")
    [(_, match)] = server.wait_for(r"metrics on http://127\.0\.0\.1:(\d+)/metrics")
    watched = int(match[1])
    assert scrape(watched).value(COUNTED, limit=limit) == 0
    if reach is None:
        read_slowly(server, watched, limit)
    else:
        reach(server)
    counted(watched, limit)
    assert request(watched, "GET", "/healthz").status == 200


def read_slowly(server, watched, limit):
    slow = Probe(server, receive_buffer=4096)
    slow.watch()
    talker = Probe(server)
    end = time.monotonic() + 20
    while not scrape(watched).value(COUNTED, limit=limit):
        assert time.monotonic() < end
        talker.ask("burst", count=20, size=5_000)


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest"])
def test_what_a_policy_drops_is_counted_and_told(serve_probe, policy):
    server = serve_probe(*options("outbox_hard_bytes", "300kB"),
                         "--set", f"{GATEWAY}outbox_policy={policy}")
    slow = Probe(server, receive_buffer=4096)
    slow.watch()
    talker = Probe(server)
    for _ in range(30):
        talker.ask("burst", count=50, size=5_000)
    await_metrics(server.port, lambda m: m.value("natterjack_outbox_dropped_total") > 100)
    server.wait_for("messages for it are dropped")
    server.wait_for("messages for slow clients were dropped")


# --- of a Lua process ------------------------------------------------------------------------------

PROCESS = """
namespace: app
entries:
  - {{ name: hub, kind: process.lua, source: "file://hub.lua", method: run, modules: [ time ],
      limits: {{ {limits} }} }}
  - {{ name: here, kind: process.host, host: {{ max_processes: {most} }} }}
  - name: service
    kind: process.service
    process: hub
    host: app:here
    lifecycle: {{ auto_start: true, restart: {{ initial_delay: 60s, max_delay: 60s }} }}
  - {{ name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: {{ auto_start: true }} }}
"""

LUA = [
    ("memory", "4MiB", "local t = {} while true do t[#t + 1] = string.rep('x', 1000) .. #t end"),
    ("budget", "200ms", "while true do end"),
    ("slice", "5ms", "while true do for i = 1, 30000000 do end time.sleep('1ms') end"),
    ("mailbox", "10", "for i = 1, 20 do process.send(process.pid(), 'x', i) end"),
    ("mailbox_bytes", "1KiB", "for i = 1, 5 do process.send(process.pid(), 'x', ('x'):rep(600)) end"),
    ("timers", "5", "for i = 1, 10 do time.after('1h') end"),
    ("channels", "5", "local t = {} for i = 1, 10 do t[i] = channel.new(1) end"),
    ("stack", "100", "local function f() return (string.gsub('x', 'x', f)) end f()"),
    ("names", "5", "for i = 1, 10 do process.registry.register('name' .. i) end"),
]


def hub(code):
    return f"""
local time = require("time")
function run()
    {code}
    process.events():receive()
end
return {{ run = run }}
"""


@pytest.mark.parametrize("how", ["entry", "--set"])
@pytest.mark.parametrize("limit, value, code", LUA, ids=[limit for limit, *_ in LUA])
def test_a_bound_of_a_process_holds_and_is_counted(serve, application, limit, value, code, how):
    in_entry = f"{limit}: {value}" if how == "entry" else ""
    folder = application({"_index.yaml": PROCESS.format(limits=in_entry, most=100),
                          "hub.lua": hub(code)})
    given = ["--set", f"app:hub.limits.{limit}={value}"] if how == "--set" else []
    server = serve(folder, *given)
    counted(server.port, limit)


def test_the_end_by_nested_calls_names_entry_line_and_limit(serve, application):
    code = "local function f() return (string.gsub('x', 'x', f)) end f()"
    server = serve(application({"_index.yaml": PROCESS.format(limits="stack: 50", most=100),
                                "hub.lua": hub(code)}))
    server.wait_for(r"app:hub .*process failed: app:hub \(hub\.lua\):4: C stack overflow: "
                    r"limit stack \(50\) reached")


def test_a_host_takes_so_many_processes(serve, application):
    code = "local pid, err = process.spawn('app:hub', 'app:here') print(tostring(err))"
    server = serve(application({"_index.yaml": PROCESS.format(limits="", most=1),
                                "hub.lua": hub(code)}))
    server.stdout.wait_for("max_processes")
    counted(server.port, "max_processes")


# --- names -----------------------------------------------------------------------------------------

EVERY = {
    "system:gateway": [
        "inbound_messages=1", "inbound_bytes=1KiB", "outbox_soft_bytes=1KiB", "outbox_soft_time=1s",
        "outbox_hard_bytes=1MiB", "outbox_policy=drop_oldest", "message_bytes=1", "head_timeout=1s",
        "head_bytes=1KiB", "header_count=1", "body_timeout=1s", "body_bytes=1", "idle_timeout=1s",
        "pipelined_requests=1", "ping_interval=1s", "ping_missed=1", "connections=1",
        "connections_per_address=1", "strict_close_codes=true"],
    "probe:hub": ["memory=1MiB", "slice=1ms", "budget=1s", "mailbox=1", "mailbox_bytes=1KiB", "timers=1",
                  "channels=1", "names=1", "stack=100"],
    "probe:relay": ["memory=1MiB", "slice=1ms", "budget=1s", "mailbox=1", "mailbox_bytes=1KiB", "timers=1",
                    "channels=1", "names=1", "stack=100"],
}


@pytest.mark.parametrize("entry", EVERY)
def test_every_name_of_the_contract_can_be_set(entry):
    given = [text for field in EVERY[entry] for text in ("--set", f"{entry}.limits.{field}")]
    done = command("check", probe.FOLDER, *given)
    assert done.returncode == 0, done.stderr


def test_every_bound_is_counted_under_its_name(serve_probe):
    found = scrape(serve_probe().port)
    counts = {dict(labels)["limit"] for (name, labels) in found.samples if name == COUNTED}
    settings = {"outbox_policy", "strict_close_codes", "ping_interval"}
    names = {field.split("=")[0] for fields in EVERY.values() for field in fields} - settings
    assert names | {"max_processes"} == counts
