"""permessage-deflate (RFC 7692) where the router allows it: each message compressed once, for all."""

import contextlib
import json
import os
import time
import zlib

import pytest
from websockets.sync.client import connect

from raw_ws import TEXT, RawWebSocket, encode_frame

APPLICATION = """\
version: "1.0"
namespace: app
entries:
  - {name: hub.process, kind: process.lua, source: "file://hub.lua", method: run}
  - name: hub.service
    kind: process.service
    process: hub.process
    host: system:processes
    lifecycle: {auto_start: true}
  - name: api
    kind: http.router
    meta: {server: system:gateway}
    prefix: /api
    middleware: [websocket_relay]
    options: {wsrelay.allowed.origins: "*", OPTION}
  - {name: connect, kind: function.lua, source: "file://connect.lua", method: handler, modules: [http, json]}
  - name: connect.endpoint
    kind: http.endpoint
    meta: {router: api}
    method: GET
    path: /connect
    func: connect
"""

HUB = """\
local clients = {}
local function run()
  process.registry.register("hub")
  local inbox = process.inbox()
  while true do
    local msg = inbox:receive()
    if not msg then return end
    if msg:topic() == "ws.join" then
      clients[#clients + 1] = msg:from()
    elseif msg:topic() == "ws.message" then
      process.send(clients, "said", msg:payload():data())
    end
  end
end
return { run = run }
"""

CONNECT = """\
local http = require("http")
local json = require("json")
local function handler()
  local res = http.response()
  res:set_header("X-WS-Relay", json.encode({ target_pid = "hub" }))
end
return { handler = handler }
"""

LONG = "compressible " * 100


@pytest.fixture
def served(serve, application):
    def start(option):
        folder = application({"_index.yaml": APPLICATION.replace(", OPTION", option),
                              "hub.lua": HUB, "connect.lua": CONNECT})
        return serve(folder)

    return start


def offer(server, extension="permessage-deflate; client_max_window_bits"):
    return RawWebSocket(server.port, "/api/connect",
                        headers={"Sec-WebSocket-Extensions": extension})


def read_raw(client):
    """First octet and body of the next frame, reserved bits and all."""
    end = time.monotonic() + 10
    first, second = client.read_exactly(2, end)
    size = second & 0x7F
    if size == 126:
        size = int.from_bytes(client.read_exactly(2, end), "big")
    return first, client.read_exactly(size, end)


def inflate(body, bits=15):
    return zlib.decompressobj(-bits).decompress(body + b"\x00\x00\xff\xff")


def test_an_independent_client_and_the_hub_understand_each_other(served):
    server = served(", wsrelay.deflate: on")
    with connect(f"ws://127.0.0.1:{server.port}/api/connect") as client:
        assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
        for text in ["short", LONG, "é" * 5000, "x"]:
            client.send(text)
            assert text in client.recv(timeout=10)


def test_a_long_message_is_compressed_and_a_short_one_is_not(served):
    server = served(", wsrelay.deflate: on")
    with offer(server) as client:
        client.send_text("short")
        first, body = read_raw(client)
        assert first == 0x81 and b"short" in body
        client.send_text(LONG)
        first, body = read_raw(client)
        assert first == 0xC1 and len(body) < len(LONG) / 5
        assert LONG.encode() in inflate(body)


def test_clients_with_and_without_it_hear_the_same(served):
    server = served(", wsrelay.deflate: on")
    plain = RawWebSocket(server.port, "/api/connect")
    with plain, offer(server) as packed, offer(server) as other:
        assert "sec-websocket-extensions" not in plain.head.headers
        for n in range(20):
            other.send_text(f"{n} " + LONG)
        for n in range(20):
            expected = f"{n} " + LONG
            assert plain.read_topic("said") == expected
            assert expected.encode() in inflate(read_raw(packed)[1])


def test_a_smaller_window_is_agreed_to(served):
    server = served(", wsrelay.deflate: '10'")
    with offer(server) as client:
        assert "server_max_window_bits=10" in client.head.headers["sec-websocket-extensions"]
        client.send_text(LONG)
        assert LONG.encode() in inflate(read_raw(client)[1], 10)


def test_it_is_declined_unless_the_router_allows_it(served):
    server = served("")
    with offer(server) as client:
        assert "sec-websocket-extensions" not in client.head.headers
        client.send_text(LONG)
        assert client.read_topic("said") == LONG


def test_broadcasts_behind_one_another_are_each_compressed_and_in_order(served):
    server = served(", wsrelay.deflate: on")
    plain = RawWebSocket(server.port, "/api/connect")
    with plain, offer(server) as packed, offer(server, "permessage-deflate; server_max_window_bits=9") as small:
        plain.send_bytes(b"".join(encode_frame(TEXT, f"{n} {LONG if n % 3 else 'short'}".encode())
                                  for n in range(60)))
        for n in range(60):
            expected = f"{n} {LONG if n % 3 else 'short'}"
            assert plain.read_topic("said") == expected
            for client, bits in [(packed, 15), (small, 9)]:
                first, body = read_raw(client)
                assert first == (0xC1 if n % 3 else 0x81)
                text = inflate(body, bits) if n % 3 else body
                assert json.loads(text) == {"topic": "said", "data": expected}


def test_idle_connections_hold_no_tables(served):
    server = served(", wsrelay.deflate: on")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(offer(server)) for _ in range(20)]
        for client in clients:  # tables and buffers of the threads are there now
            client.send_text(LONG)
            read_raw(client)
        before = resident_bytes(server)
        for _ in range(300):
            client = stack.enter_context(offer(server))
            client.send_bytes(deflated_text(LONG.encode()))
            while LONG.encode() not in (inflate(read_raw(client)[1])):
                pass
        # zlib would hold 44 kB for reading and 268 kB for writing, for each.
        assert (resident_bytes(server) - before) / 300 < 30_000


def deflated_text(data):
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)
    frame = bytearray(encode_frame(TEXT, packed[:-4]))
    frame[0] |= 0x40
    return bytes(frame)


def resident_bytes(server):
    with open(f"/proc/{server.process.pid}/statm") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
