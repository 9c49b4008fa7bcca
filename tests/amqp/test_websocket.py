"""The websocket itself: handshake, limits, keepalive, compression, the end."""

import json
import struct
import time
import zlib

import pytest
from raw_ws import CLOSE, CONTINUATION, PING, TEXT, Closed, RawSocket

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
FIELDS = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: x\r\n" + FIELDS
REST = FIELDS + KEY + b"Sec-WebSocket-Version: 13\r\n"


def end_of(client):
    closed = client.read_until_closed()
    return closed.code, closed.reason


@pytest.mark.parametrize("path", [
    "/", "/any/path", "/x?y=z", "/%F0%9F%98%80", "//", "/healthz", "/readyz", "/metrics", "/../x", "/%zz", "/%00",
    "/%", "*", "x", "?x=1", "http://elsewhere/x", "/a#b", "/" + "x" * 7000,
])
def test_any_path(bridge, path):
    with bridge.connect(path) as client:
        assert client.head.status == 101


def answer_to(bridge, said):
    raw = RawSocket(bridge.port)
    raw.send_bytes(said)
    return raw, raw.read_head()


@pytest.mark.parametrize("fields", [
    b"", b"Host: x\r\nHost: y\r\n", b"Host:\r\n", b"Host: a b/c\r\n", b"X: \xe9\xff\r\n",
    b"".join(b"X%d: y\r\n" % i for i in range(110)), b"".join(b"X%d: %s\r\n" % (i, b"y" * 1000) for i in range(100)),
])
def test_any_fields(bridge, fields):
    raw, head = answer_to(bridge, b"GET / HTTP/1.1\r\n" + REST + fields + b"\r\n")
    assert head.status == 101
    raw.shut()


def test_any_origin_and_host(bridge):
    with bridge.connect(headers={"Origin": "http://elsewhere.example", "Host": "not.us"}) as client:
        assert client.head.status == 101


def test_no_subprotocol(bridge):
    with bridge.connect(headers={"Sec-WebSocket-Protocol": "a, b"}) as client:
        assert "sec-websocket-protocol" not in client.head.headers


@pytest.mark.parametrize("said, status", [
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 400),
    (UPGRADE + b"Sec-WebSocket-Version: 13\r\n\r\n", 400),
    (UPGRADE + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: abc\r\n\r\n", 400),
    (UPGRADE + b"Sec-WebSocket-Version: 8\r\n" + KEY + b"\r\n", 400),
    (UPGRADE + KEY + b"\r\n", 400),
    (b"hello\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: x\r\n" + REST + b"\r\n", 400),
    (b"GET / HTTP/1.0\r\nHost: x\r\n" + REST + b"\r\n", 400),
    (b"GET / HTTP/2.0\r\nHost: x\r\n" + REST + b"\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + REST + b"Expect: wonders\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + REST + b"X\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + REST + b"".join(b"X%d: y\r\n" % i for i in range(200)) + b"\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + REST + b"Sec-WebSocket-Extensions: permessage-deflate;\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + REST + b"Sec-WebSocket-Extensions:\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 426),
    (b"GET / HTTP/1.1\r\n\r\n", 426),
])
def test_bad_handshakes(bridge, said, status):
    raw, head = answer_to(bridge, said)
    assert head.status == status
    assert head.headers["content-type"].startswith("text/plain")
    assert raw.read_body(head)
    assert raw.at_end(), "the answer ends the connection"
    raw.shut()


@pytest.mark.parametrize("code, reason", [(1000, ""), (4001, "my reason"), (3000, "é")])
def test_a_close_is_echoed(bridge, code, reason):
    with bridge.connect() as client:
        client.send_close(code, reason)
        assert end_of(client) == (code, reason)


def test_a_close_without_a_code(bridge):
    with bridge.connect() as client:
        client.send_frame(CLOSE)
        assert end_of(client) == (1005, "")


@pytest.mark.parametrize("frames, code", [
    ([(TEXT, b"\xff", True)], 1007), ([(TEXT, b"\xce", False), (CONTINUATION, b"\xff", True)], 1007),
    ([(3, b"", True)], 1002), ([(CONTINUATION, b"x", True)], 1002), ([(PING, b"x", False)], 1002),
    ([(PING, b"x" * 126, True)], 1002), ([(CLOSE, b"\x03", True)], 1002), ([(CLOSE, struct.pack(">H", 999), True)], 1002),
])
def test_errors(bridge, frames, code):
    with bridge.connect() as client:
        for opcode, payload, final in frames:
            client.send_frame(opcode, payload, final)
        assert end_of(client)[0] == code


def test_an_unmasked_frame(bridge):
    with bridge.connect() as client:
        client.send_bytes(b"\x81\x02hi")
        assert end_of(client)[0] == 1002


def test_pong(bridge):
    with bridge.connect() as client:
        client.send_frame(PING, b"\x00payload")
        frame = client.read_frame()
        assert (frame.opcode, frame.payload) == (0xA, b"\x00payload")


def test_a_message_of_one_mebibyte_passes_one_more_byte_does_not(bridge):
    with bridge.connect() as client:
        client.send_frame(TEXT, b"x" * 1048576)
        client.send_frame(PING)
        assert client.read_frame().opcode == 0xA
        client.send_frame(TEXT, b"x" * 1048577)
        assert end_of(client)[0] == 1009


def test_keepalive(clu):
    bridge = clu("--ping-interval", "500ms", "--ping-timeout", "4s")
    start = time.monotonic()
    with bridge.connect(answer_pings=False) as silent:
        assert end_of(silent)[0] == 1011
        assert 4 < time.monotonic() - start < 20
        assert silent.pings >= 1
    start = time.monotonic()
    with bridge.connect() as answering:
        while answering.pings < 2 or time.monotonic() - start < 6:  # longer than silence is borne
            with pytest.raises(TimeoutError):
                answering.read_data(0.5)


# --- permessage-deflate ---


def offered(bridge, offer):
    return bridge.connect(headers={"Sec-WebSocket-Extensions": offer})


@pytest.mark.parametrize("offer, answer", [
    ("permessage-deflate; client_max_window_bits",
     "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"),
    ("permessage-deflate", "permessage-deflate; server_max_window_bits=12"),
    ("permessage-deflate; client_max_window_bits=10",
     "permessage-deflate; server_max_window_bits=12; client_max_window_bits=10"),
    ('permessage-deflate; client_max_window_bits="15"',
     "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"),
    ("permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=10"),
    ("permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=12"),
    ("permessage-deflate; server_no_context_takeover; client_no_context_takeover",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"),
    ("x-other, permessage-deflate", "permessage-deflate; server_max_window_bits=12"),
    ("permessage-deflate; x, permessage-deflate", "permessage-deflate; server_max_window_bits=12"),
    ("permessage-deflate; server_max_window_bits=8, permessage-deflate; client_max_window_bits",
     "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"),
    ("x-other\r\nSec-WebSocket-Extensions: permessage-deflate", "permessage-deflate; server_max_window_bits=12"),
    ("permessage-deflate; server_max_window_bits=8", None),
    ("permessage-deflate; server_max_window_bits", None),
    ("permessage-deflate; server_max_window_bits=012", None),
    ("permessage-deflate; client_max_window_bits=16", None),
    ("permessage-deflate; server_no_context_takeover=1", None),
    ("permessage-deflate; client_max_window_bits; client_max_window_bits", None),
    ("Permessage-Deflate", None),
])
def test_compression_is_agreed_if_offered(bridge, offer, answer):
    with offered(bridge, offer) as client:
        assert client.head.headers.get("sec-websocket-extensions") == answer
        client.send_frame(PING, b"x")
        assert client.read_frame().payload == b"x"


def send_deflated(client, data):
    """One compressed message, with its length in the shortest form, as it must be."""
    head = bytes([0xC1, 0x80 | len(data)]) if len(data) < 126 else bytes([0xC1, 0xFE]) + struct.pack(">H", len(data))
    client.send_bytes(head + b"\0\0\0\0" + data)


def read_deflated(client):
    """One message as (first byte, text)."""
    end = time.monotonic() + 10
    first, second = client.read_exactly(2, end)
    length = second & 0x7F
    if length == 126:
        [length] = struct.unpack(">H", client.read_exactly(2, end))
    data = client.read_exactly(length, end)
    if first & 0x40:
        data = zlib.decompressobj(-12).decompress(data + b"\x00\x00\xff\xff")
    return first, data.decode()


def test_replies_are_compressed_where_it_pays(bridge, exchange):
    offer = "permessage-deflate; client_max_window_bits"
    with offered(bridge, offer) as client, bridge.connect() as plain:
        plain.send_frame(PING)
        plain.read_frame()
        for n in range(3):
            exchange.reply({"text": "word " * 200, "n": n})
            first, text = read_deflated(client)
            assert first == 0xC1
            assert text == plain.read_data().payload.decode()


def test_compressed_commands_are_read(bridge, actor):
    alpha = actor()
    said = json.dumps({"consumer": "alpha", "command_string": "ping " * 100, "command_id": "z"}).encode()
    pack = zlib.compressobj(wbits=-12)
    with offered(bridge, "permessage-deflate; client_max_window_bits") as client:
        for _ in range(2):  # the second one uses the window of the first
            data = (pack.compress(said) + pack.flush(zlib.Z_SYNC_FLUSH))[:-4]
            send_deflated(client, data)
            assert alpha.commands.get(timeout=30)[1].correlation_id == "z"


def test_broken_compressed_data(bridge):
    with offered(bridge, "permessage-deflate") as client:
        send_deflated(client, b"\xff\xff\xff\xff")
        assert end_of(client)[0] == 1002


def test_a_compressed_bomb_is_refused(bridge):
    pack = zlib.compressobj(wbits=-12)
    data = (pack.compress(b"x" * 50_000_000) + pack.flush(zlib.Z_SYNC_FLUSH))[:-4]
    with offered(bridge, "permessage-deflate; client_max_window_bits") as client:
        send_deflated(client, data)
        assert end_of(client)[0] == 1009


# --- the end ---


def test_sigterm_closes_clients_with_1001_and_exits_0(bridge):
    with bridge.connect() as client:
        bridge.process.terminate()
        assert end_of(client)[0] == 1001
        assert bridge.process.wait(20) == 0


def test_sigterm_with_a_client_that_does_not_answer(bridge):
    with bridge.connect():
        assert bridge.stop() == 0


def test_no_new_clients_while_draining(bridge):
    with bridge.connect() as client:
        bridge.process.terminate()
        with pytest.raises(Closed):
            client.read_data()
    bridge.process.wait(20)
    with pytest.raises(OSError):
        RawSocket(bridge.port)
