"""RFC 7692: permessage-deflate where the router allows it. What is agreed to, what may come compressed and
what may not, and that the bound holds for what comes out."""

import json
import os
import random
import shutil
import struct
import time
import zlib

import pytest

from natterjack import REPOSITORY, Natterjack
from raw_ws import BINARY, CONTINUATION, PING, TEXT, RawWebSocket, mask
from wire import KEY, close, last, more, ping, raw, text

YAML = """\
version: "1.0"
namespace: app
entries:
  - { name: hub.process, kind: process.lua, source: "file://hub.lua", method: run }
  - name: hub.service
    kind: process.service
    process: hub.process
    host: system:processes
    lifecycle: { auto_start: true }
  - name: api
    kind: http.router
    meta: { server: "system:gateway" }
    prefix: /api
    middleware: [ websocket_relay ]
    options: { wsrelay.allowed.origins: "*", wsrelay.deflate: "on" }
  - { name: connect, kind: function.lua, source: "file://connect.lua", method: handler, modules: [ http, json ] }
  - { name: connect.get, kind: http.endpoint, meta: { router: api }, path: /connect, func: connect }
"""

OFFER = "permessage-deflate"
BASE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
LIMIT = 1 << 20  # message_bytes
TAIL = b"\x00\x00\xff\xff"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deflate")
    (folder / "_index.yaml").write_text(YAML)
    for name in ["hub.lua", "connect.lua"]:
        shutil.copy(REPOSITORY / "examples/echo" / name, folder)
    with Natterjack(folder, "--set", "system:gateway.limits.strict_close_codes=true") as running:
        yield running
        assert running.is_alive(), running.stderr.text()


def connect(server, offer=OFFER):
    return RawWebSocket(server.port, "/api/connect", headers={"Sec-WebSocket-Extensions": offer})


def deflate(data, bits=15, level=9, how=zlib.Z_SYNC_FLUSH, strategy=zlib.Z_DEFAULT_STRATEGY):
    stream = zlib.compressobj(level, zlib.DEFLATED, -bits, 8, strategy)
    packed = stream.compress(data) + stream.flush(how)
    return packed[:-4] if packed.endswith(TAIL) else packed


def frame(first, payload):
    """A masked frame with this first octet, reserved bits and all."""
    size = len(payload)
    if size < 126:
        head = bytes([first, 0x80 | size])
    elif size < 1 << 16:
        head = bytes([first, 0x80 | 126]) + struct.pack(">H", size)
    else:
        head = bytes([first, 0x80 | 127]) + struct.pack(">Q", size)
    return head + KEY + mask(payload, KEY)


def packed_text(payload, final=True):
    return frame((0x80 if final else 0) | 0x40 | TEXT, payload)


def resident_bytes(server):
    with open(f"/proc/{server.process.pid}/statm") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def read_raw(client):
    end = time.monotonic() + 10
    first, second = client.read_exactly(2, end)
    assert not second & 0x80
    size = second & 0x7F
    if size >= 126:
        size = int.from_bytes(client.read_exactly(2 if size == 126 else 8, end), "big")
    return first, client.read_exactly(size, end)


def read_echo(client, bits=15):
    first, payload = read_raw(client)
    assert first & 0xBF == 0x80 | TEXT, f"{first:#x} {payload[:80]!r}"
    if first & 0x40:
        payload = zlib.decompressobj(-bits).decompress(payload + TAIL)
    message = json.loads(payload)
    assert message["topic"] == "echo"
    return message["data"]


def expect_close(client, code):
    while True:
        first, payload = read_raw(client)
        if first == 0x88:
            break
    assert struct.unpack(">H", payload[:2])[0] == code, payload
    if code == 1009:
        client.send_bytes(close())
    assert client.at_end()


# --- what is agreed to (7.1) ---------------------------------------------------------------------


@pytest.mark.parametrize("offer, answer", [
    ("permessage-deflate", BASE),
    ("permessage-deflate; client_max_window_bits", BASE),
    ("permessage-deflate; client_max_window_bits=10", BASE),
    ('permessage-deflate; client_max_window_bits="10"', BASE),
    ("permessage-deflate; server_max_window_bits=15", BASE + "; server_max_window_bits=15"),
    ("permessage-deflate;server_max_window_bits=12", BASE + "; server_max_window_bits=12"),
    ("permessage-deflate ; server_max_window_bits = 9", BASE + "; server_max_window_bits=9"),
    ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", BASE),
    ("x-unknown, permessage-deflate", BASE),
    ("permessage-deflate; server_max_window_bits=8, permessage-deflate", BASE),
    ("permessage-deflate; odd, permessage-deflate; server_max_window_bits=11",
     BASE + "; server_max_window_bits=11"),
    # Declined, and the connection goes on without it.
    ("permessage-deflate; server_max_window_bits=8", None),
    ("permessage-deflate; server_max_window_bits", None),
    ("permessage-deflate; server_max_window_bits=16", None),
    ("permessage-deflate; server_max_window_bits=010", None),
    ("permessage-deflate; client_max_window_bits=7", None),
    ("permessage-deflate; client_max_window_bits=x", None),
    ("permessage-deflate; server_no_context_takeover=1", None),
    ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", None),
    ("permessage-deflate; surprise", None),
    ("permessage-deflater", None),
    ("PERMESSAGE-DEFLATE", None),  # tokens of extensions are taken as they stand
    ("x-webkit-deflate-frame", None),
], ids=str)
def test_offers(server, offer, answer):
    with connect(server, offer) as client:
        assert client.head.headers.get("sec-websocket-extensions") == answer
        client.send_text("still here")
        assert read_echo(client) == "still here"


def test_offers_on_several_lines(server):
    with connect(server, "x-first\r\nSec-WebSocket-Extensions: permessage-deflate") as client:
        assert client.head.headers["sec-websocket-extensions"] == BASE


# --- what may come (6, 7.2) ----------------------------------------------------------------------

SAMPLES = {
    "empty": b"",
    "one": b"x",
    "words": b"the same words again and again " * 30,
    "umlauts": "größer".encode() * 100,
    "large": b"0123456789" * 100_000,
}


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize("bits", [9, 15])
@pytest.mark.parametrize("name", SAMPLES)
def test_compressed_text_is_understood(server, name, bits, level):
    with connect(server) as client:
        client.send_bytes(packed_text(deflate(SAMPLES[name], bits, level)))
        assert read_echo(client) == SAMPLES[name].decode()


def test_octets_of_any_kind(server):
    import base64
    data = random.Random(7).randbytes(5000)
    with connect(server) as client:
        client.send_bytes(frame(0xC0 | BINARY, deflate(data)))
        assert base64.b64decode(read_echo(client)) == data


def test_plain_messages_may_come_between(server):
    with connect(server) as client:
        client.send_bytes(text("plain") + packed_text(deflate(b"packed")) + text("plain again"))
        assert [read_echo(client) for _ in range(3)] == ["plain", "packed", "plain again"]


def test_the_example_of_the_standard(server):
    with connect(server) as client:  # 7.2.3.1: "Hello" in one block
        client.send_bytes(packed_text(bytes.fromhex("f248cdc9c90700")))
        assert read_echo(client) == "Hello"
        # 7.2.3.3: without compression
        client.send_bytes(packed_text(bytes.fromhex("000500faff48656c6c6f00")))
        assert read_echo(client) == "Hello"
        # 7.2.3.4: a block that says it is the last
        client.send_bytes(packed_text(bytes.fromhex("f348cdc9c9070000")))
        assert read_echo(client) == "Hello"
        # 7.2.3.5: two blocks
        client.send_bytes(packed_text(bytes.fromhex("f248050000 00ffffcac9c90700".replace(" ", ""))))
        assert read_echo(client) == "Hello"


def test_an_empty_message_as_one_octet(server):
    with connect(server) as client:  # 7.2.3.6
        client.send_bytes(packed_text(b"\x00"))
        assert read_echo(client) == ""


@pytest.mark.parametrize("strategy", [zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE])
def test_any_kind_of_block(server, strategy):
    with connect(server) as client:
        client.send_bytes(packed_text(deflate(SAMPLES["words"], strategy=strategy)))
        assert read_echo(client) == SAMPLES["words"].decode()


@pytest.mark.parametrize("chop", [None, 1, 7], ids=str)
@pytest.mark.parametrize("parts", [2, 3, 20])
def test_fragments_of_a_compressed_message(server, parts, chop):
    whole = SAMPLES["words"] + os.urandom(200).hex().encode()
    packed = deflate(whole)
    size = -(-len(packed) // parts)
    pieces = [packed[at:at + size] for at in range(0, len(packed), size)]
    sent = packed_text(pieces[0], False) + ping(b"between")
    sent += b"".join(frame(CONTINUATION, piece) for piece in pieces[1:-1])
    sent += frame(0x80 | CONTINUATION, pieces[-1])
    with connect(server) as client:
        for at in range(0, len(sent), chop or len(sent)):
            client.send_bytes(sent[at:at + (chop or len(sent))])
        assert read_raw(client) == (0x8A, b"between")
        assert read_echo(client) == whole.decode()


def test_empty_fragments(server):
    packed = deflate(b"hello")
    with connect(server) as client:
        client.send_bytes(packed_text(b"", False) + more(b"") + frame(CONTINUATION, packed) + last(b""))
        assert read_echo(client) == "hello"


def test_nothing_is_remembered_from_message_to_message(server):
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = stream.compress(SAMPLES["words"]) + stream.flush(zlib.Z_SYNC_FLUSH)
    second = stream.compress(SAMPLES["words"]) + stream.flush(zlib.Z_SYNC_FLUSH)
    with connect(server) as client:
        client.send_bytes(packed_text(first[:-4]))
        assert read_echo(client) == SAMPLES["words"].decode()
        client.send_bytes(packed_text(second[:-4]))  # refers to what came before
        expect_close(client, 1002)


# --- what may not --------------------------------------------------------------------------------


@pytest.mark.parametrize("octets", {
    "a compressed ping": frame(0xC0 | PING, b""),
    "a compressed close": raw(0xC8, 0x82, b"", b"\x03\xe8"),
    "a compressed pong": frame(0xCA, b""),
    "the bit on a later fragment": packed_text(deflate(b"x")[:1], False) + frame(0xC0, deflate(b"x")[1:]),
    "the bit on a fragment of a plain message": text("a", False) + frame(0xC0, b"b"),
    "the second reserved bit": frame(0xA1, b""),
    "the third reserved bit": frame(0x91, b""),
    "all reserved bits": frame(0xF1, b""),
    "a new message inside a compressed one": packed_text(b"", False) + packed_text(deflate(b"x")),
}.items(), ids=lambda case: case[0])
def test_illegal_frames(server, octets):
    with connect(server) as client:
        client.send_bytes(octets[1])
        expect_close(client, 1002)


@pytest.mark.parametrize("payload", {
    "a block type that does not exist": b"\x07\xff\xff",
    "a stored block whose lengths disagree": b"\x00\x05\x00\x00\x00hello",
    "a stored block that is cut off": b"\x00\x05\x00\xfa\xffhel",
    "a distance before the beginning": zlib.compress(b"a" * 300)[6:-4],
    "octets by chance": b"\xff" * 40,
    "a whole zlib stream": zlib.compress(b"hello " * 20),
    "text that is not compressed": b"hello",
    "cut off in the middle": deflate(SAMPLES["words"])[:-9],
}.items(), ids=lambda case: case[0])
def test_what_does_not_inflate(server, payload):
    with connect(server) as client:
        client.send_bytes(packed_text(payload[1]))
        expect_close(client, 1002)


def test_text_that_is_not_utf8_when_it_is_inflated(server):
    with connect(server) as client:
        client.send_bytes(packed_text(deflate(b"good \xff bad")))
        expect_close(client, 1007)


def test_the_bit_without_an_agreement(server):
    with RawWebSocket(server.port, "/api/connect") as client:
        client.send_bytes(packed_text(deflate(b"x")))
        expect_close(client, 1002)


# --- bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size, fits", [(LIMIT, True), (LIMIT + 1, False)])
@pytest.mark.parametrize("level", [0, 9])
def test_the_bound_is_for_what_comes_out(server, size, fits, level):
    data = b"a" * size
    with connect(server) as client:
        client.send_bytes(packed_text(deflate(data, level=level)))
        if fits:
            assert read_echo(client) == data.decode()
        else:
            expect_close(client, 1009)


def test_a_bomb_costs_no_more_than_the_bound(server):
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(stream.compress(b"\0" * LIMIT) for _ in range(200)) + stream.flush(zlib.Z_SYNC_FLUSH)
    before = resident_bytes(server)
    with connect(server) as client:
        client.send_bytes(packed_text(packed[:-4]))
        expect_close(client, 1009)
    assert resident_bytes(server) - before < 32 << 20


def test_a_compressed_frame_longer_than_the_bound_is_refused_at_its_head(server):
    with connect(server) as client:
        client.send_bytes(bytes([0xC1, 0x80 | 127]) + struct.pack(">Q", 2 * LIMIT) + KEY)
        expect_close(client, 1009)
