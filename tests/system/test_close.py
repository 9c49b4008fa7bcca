"""How connections end: which code and reason the client sees, and who else is told."""

import struct

import pytest

import probe
from natterjack import Natterjack
from probe import Probe
from raw_ws import BINARY, CLOSE, CONTINUATION, PING, TEXT, RawWebSocket, encode_frame

STRICT = ("--set", "system:gateway.limits.strict_close_codes=true")
UNKNOWN = {"relay": {"target_pid": "{nowhere:processes|0x0ffff}"}}


@pytest.fixture(scope="module")
def strict_server():
    with Natterjack(probe.FOLDER, *STRICT) as server:
        yield server


def ending(client):
    closed = client.read_until_closed()
    return closed.code, closed.reason


# --- ws.close ------------------------------------------------------------------------------------


@pytest.mark.parametrize("body, expected", [
    ("Session ended", (1000, "Session ended")),
    ("", (1000, "")),
    (None, (1000, "Connection closed by server")),
    ({"code": 4001, "reason": "kicked"}, (4001, "kicked")),
    ({"code": 4999}, (4999, "")),
    ({"reason": "only a reason"}, (1000, "only a reason")),
    ({"code": 1008, "reason": "policy"}, (1008, "policy")),
])
def test_ws_close_gives_the_client_this_code_and_reason(probe_server, body, expected):
    client = Probe(probe_server)
    client.ask("close", body=body)
    code, reason = ending(client)
    assert code == expected[0]
    if expected[1] or body == "":
        assert reason == expected[1]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2000, 5000])
def test_a_code_that_no_endpoint_may_send_never_reaches_the_wire(probe_server, code):
    client = Probe(probe_server)
    client.ask("close", body={"code": code, "reason": "odd"})
    assert ending(client) == (1000, "odd")


def test_a_long_reason_is_cut_at_the_edge_of_a_character(probe_server):
    client = Probe(probe_server)
    client.ask("close", body="x" + "ß" * 100)  # two octets each: the 123rd would be half of one
    assert ending(client) == (1000, "x" + "ß" * 61)


CANCELS = """
namespace: app
entries:
  - { name: hub, kind: process.lua, source: "file://hub.lua", method: run }
  - { name: service, kind: process.service, process: hub, lifecycle: { auto_start: true } }
  - { name: join, kind: function.lua, source: "file://join.lua", method: handler, modules: [ http, json ] }
  - { name: api, kind: http.router, meta: { server: "system:gateway" }, middleware: [ websocket_relay ] }
  - { name: get, kind: http.endpoint, meta: { router: api }, method: GET, path: /ws, func: join }
"""
CANCELS_HUB = """
return { run = function()
  process.registry.register("hub")
  local inbox = process.inbox()
  while true do
    local m = inbox:receive()
    if m:topic() == "ws.message" then process.cancel(m:from(), "bad \\255 word") end
  end
end }
"""
CANCELS_JOIN = """
local http, json = require("http"), require("json")
return { handler = function()
  http.response():set_header("X-WS-Relay", json.encode({ target_pid = "hub" }))
end }
"""


def test_the_reason_of_a_cancel_is_text_as_well(serve, application):
    server = serve(application({"_index.yaml": CANCELS, "hub.lua": CANCELS_HUB, "join.lua": CANCELS_JOIN}))
    client = RawWebSocket(server.port, "/ws")
    client.send_text("end me")
    assert ending(client) == (1000, "bad \ufffd word")


def test_frames_sent_before_ws_close_arrive_before_it(probe_server):
    client = Probe(probe_server)
    for number in range(50):
        client.ask("echo", data=number)
    client.ask("close", body="done")
    assert [client.read_topic("echo") for _ in range(50)] == list(range(50))
    assert ending(client) == (1000, "done")


def test_after_the_close_frame_nothing_follows(probe_server):
    client = Probe(probe_server)
    client.ask("close", body="done")
    assert client.read_frame().opcode == CLOSE
    client.send_frame(CLOSE, struct.pack(">H", 1000))
    assert client.at_end() and not client.buffer


def test_ws_close_is_followed_by_leave(probe_server, watcher):
    client = Probe(probe_server)
    pid = client.pid()
    client.ask("close", body="bye")
    assert ending(client) == (1000, "bye")
    watcher.await_report(pid, topic="ws.leave")


# --- targets -------------------------------------------------------------------------------------


def test_a_target_that_does_not_exist_closes_after_the_handshake(probe_server, strict_server):
    assert ending(Probe(probe_server, query=UNKNOWN)) == (1000, "Failed to monitor target PID")
    assert ending(Probe(strict_server, query=UNKNOWN)) == (1011, "Failed to monitor target PID")


def test_a_new_target_that_does_not_exist_closes_and_the_old_one_is_told(probe_server, watcher):
    client = Probe(probe_server)
    pid = client.pid()
    client.ask("control", body={"target_pid": UNKNOWN["relay"]["target_pid"]})
    assert ending(client) == (1000, "Failed to monitor new target PID")
    watcher.await_report(pid, topic="ws.leave")


def test_all_connections_of_a_target_that_ends_are_closed_and_no_others(serve_probe):
    server = serve_probe()
    clients = [Probe(server) for _ in range(10)]
    others = [Probe(server, query={"relay": {"target_pid": "@second@"}}) for _ in range(3)]
    moved = Probe(server)
    moved.ask("control", to="second", body={})
    while moved.hub() != "second":
        pass
    clients[0].ask("exit")
    for client in clients:
        assert ending(client) == (1000, "target process exited")
    for client in [*others, moved]:
        assert client.echo("still here") == "still here"


def test_a_monitor_of_a_connection_hears_of_its_end(probe_server, watcher):
    client = Probe(probe_server)
    pid = client.pid()
    watcher.ask("monitor", pid=pid)
    watcher.echo("the monitor is set")
    client.send_close()
    assert watcher.await_report(pid, topic="event")["kind"] == "pid.exit"


# --- the client ends it --------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_the_clients_close_code_comes_back(probe_server, code):
    client = Probe(probe_server)
    client.send_close(code, "I am off")
    assert client.read_until_closed().code == code


def test_a_close_without_a_code_is_answered(probe_server):
    client = Probe(probe_server)
    client.send_frame(CLOSE)
    assert client.read_until_closed().code in (1000, 1005)


@pytest.mark.parametrize("how", ["shut", "drop"])
def test_leave_comes_exactly_once_when_a_client_vanishes(probe_server, watcher, how):
    client = Probe(probe_server)
    pid = client.pid()
    getattr(client, how)()
    watcher.await_report(pid, topic="ws.leave")
    with Probe(probe_server) as next_one:
        next_pid, report = next_one.pid(), {"from": None}
        while report["from"] != next_pid:
            report = watcher.read_topic("seen")
            assert report["from"] != pid


# --- against the rules ---------------------------------------------------------------------------

MIB = 1 << 20


@pytest.mark.parametrize("size, fits", [(MIB - 1, True), (MIB, True), (MIB + 1, False)])
def test_the_limit_of_a_message_is_one_mebibyte(probe_server, strict_server, watcher, size, fits):
    client = Probe(probe_server)
    pid = client.pid()
    client.send_frame(BINARY, b"x" * size)
    if fits:
        report = watcher.await_report(pid, topic="ws.message")
        assert report["size"] == size
    else:
        assert client.read_until_closed().code == 1000
        watcher.await_report(pid, topic="ws.leave")
        strict = Probe(strict_server)
        strict.send_frame(BINARY, b"x" * size)
        assert strict.read_until_closed().code == 1009


def test_the_limit_counts_all_fragments_of_a_message(strict_server):
    client = Probe(strict_server)
    client.send_frame(BINARY, b"x" * (MIB // 2), final=False)
    client.send_frame(CONTINUATION, b"x" * (MIB // 2), final=False)
    client.send_frame(CONTINUATION, b"x")
    assert client.read_until_closed().code == 1009


def test_a_message_announced_with_a_tebibyte_is_ended_at_the_limit(strict_server):
    client = Probe(strict_server)
    client.send_bytes(b"\x82\xff" + struct.pack(">Q", 1 << 40) + b"mask" + b"x" * (MIB + 1))
    assert client.read_until_closed().code == 1009


NOT_UTF8 = {
    "a stray octet": [(TEXT, b"abc\xff", True)],
    "an overlong form": [(TEXT, b"\xc0\xaf", True)],
    "a surrogate": [(TEXT, b"\xed\xa0\x80", True)],
    "cut short": [(TEXT, "ß".encode()[:1], True)],
    "cut short before an empty last fragment": [
        (TEXT, "ß".encode()[:1], False), (CONTINUATION, b"", True),
    ],
}


@pytest.mark.parametrize("frames", NOT_UTF8.values(), ids=NOT_UTF8.keys())
def test_text_that_is_not_utf8_ends_the_connection_with_1007(probe_server, frames):
    client = Probe(probe_server)
    for opcode, payload, final in frames:
        client.send_frame(opcode, payload, final)
    assert client.read_until_closed().code == 1007


def unmasked(opcode, payload):
    return bytes([0x80 | opcode, len(payload)]) + payload


AGAINST_THE_PROTOCOL = {
    "an unmasked frame": unmasked(TEXT, b"hello"),
    "a reserved bit": b"\xc1" + encode_frame(TEXT, b"hello")[1:],
    "a reserved opcode": encode_frame(0x3, b"hello"),
    "a reserved control opcode": encode_frame(0xB, b""),
    "a fragmented ping": encode_frame(PING, b"", final=False),
    "a ping of 126 octets": encode_frame(PING, b"x" * 126),
    "a continuation of nothing": encode_frame(CONTINUATION, b"hello"),
    "a text within a message": encode_frame(TEXT, b"a", final=False) + encode_frame(TEXT, b"b"),
    "a close frame of one octet": encode_frame(CLOSE, b"\x03"),
    "a close code that may not be sent": encode_frame(CLOSE, struct.pack(">H", 1005)),
}


@pytest.mark.parametrize("octets", AGAINST_THE_PROTOCOL.values(), ids=AGAINST_THE_PROTOCOL.keys())
def test_what_is_against_the_protocol_ends_the_connection_with_1002(probe_server, octets):
    client = Probe(probe_server)
    client.send_bytes(octets)
    assert client.read_until_closed().code == 1002


def test_after_all_that_the_server_is_well(probe_server, strict_server):
    assert Probe(probe_server).echo(1) == 1
    assert Probe(strict_server).echo(1) == 1


# --- a hub that does not answer ------------------------------------------------------------------

SILENT = """
namespace: app
entries:
  - { name: hub, kind: process.lua, source: file://hub.lua }
  - { name: hub.service, kind: process.service, process: hub, lifecycle: { auto_start: true } }
  - { name: connect, kind: function.lua, source: file://connect.lua, modules: [ http, json ] }
  - { name: connect.get, kind: http.endpoint, path: /ws, func: connect }
"""

SILENT_HUB = """
return { run = function()
  process.registry.register("hub")
  local events, inbox = process.events(), process.inbox()
  while true do
    local m = inbox:receive()
    if m:topic() == "ws.message" and m:payload():data() == "wait" then
      process.send(m:from(), "waiting", true)
      events:receive() -- and takes nothing until the end
      return
    end
  end
end }
"""

SILENT_CONNECT = """
local http, json = require("http"), require("json")
return { handler = function()
  http.response():set_header("X-WS-Relay", json.encode({ target_pid = process.registry.lookup("hub") }))
end }
"""


@pytest.mark.parametrize("end, code", [(encode_frame(CLOSE, struct.pack(">H", 4000)), 4000),
                                       (encode_frame(0x3, b""), 1002)])
def test_answers_that_do_not_come_hold_no_end_up(serve, application, end, code):
    server = serve(application({"_index.yaml": SILENT, "hub.lua": SILENT_HUB, "connect.lua": SILENT_CONNECT}),
                   "--set", "system:gateway.limits.ping_interval=off", "--drain-timeout", "100ms",
                   "--drain-window", "10ms")
    unanswered = RawWebSocket(server.port, "/api/v1/ws")  # its hub has taken everything
    unanswered.send_bytes(encode_frame(TEXT, b"hello") + end)
    assert unanswered.read_until_closed().code == code
    deaf = RawWebSocket(server.port, "/api/v1/ws")
    deaf.send_text("wait")
    deaf.read_topic("waiting")
    deaf.send_bytes(b"".join(encode_frame(TEXT, b"x") for _ in range(10)) + end)
    assert deaf.read_until_closed().code == code
    deaf.shut()
    gone = RawWebSocket(server.port, "/api/v1/ws")  # resets while its answers are waited for
    gone.send_bytes(encode_frame(TEXT, b"x") + end)
    gone.drop()
    assert server.stop() == 0
