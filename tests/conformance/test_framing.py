"""RFC 6455 5.2: lengths, masks, reserved bits, opcodes."""

import struct

import pytest

from wire import KEY, Close, Echo, Pong, binary, ping, raw, run, text

SIZES = [0, 1, 2, 16, 124, 125, 126, 127, 128, 1000, 4095, 4096, 65534, 65535, 65536, 65537, 200_000]
CHOPS = {"whole": None, "by 1": 1, "by 3": 3, "by 191": 191, "by 192": 192, "by 193": 193,
         "by 997": 997}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("make", [text, binary], ids=["text", "binary"])
def test_a_message_of_each_size_comes_back(echo_server, make, size):
    run(echo_server, [make(b"*" * size)], [Echo("*" * size, make is binary)])


@pytest.mark.parametrize("size", [0, 1, 125, 126, 3000])
@pytest.mark.parametrize("chop", CHOPS)
def test_a_message_may_arrive_in_pieces_of_any_size(echo_server, chop, size):
    run(echo_server, [text(b"*" * size), text("next")], [Echo("*" * size), Echo("next")],
        CHOPS[chop])


@pytest.mark.parametrize("count", [2, 3, 10, 63, 64, 65, 200])
def test_many_messages_in_one_write_keep_their_order(echo_server, count):
    run(echo_server, [text(str(n)) for n in range(count)], [Echo(str(n)) for n in range(count)])


@pytest.mark.parametrize("key", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x00\xff\x00\xff", b"abcd"],
                         ids=repr)
@pytest.mark.parametrize("size", [1, 7, 8, 9, 300])
def test_any_mask_is_taken_off(echo_server, key, size):
    body = bytes(33 + n % 90 for n in range(size))
    small = raw(0x81, 0x80 | size, b"", body, key) if size < 126 else \
        raw(0x81, 0x80 | 126, struct.pack(">H", size), body, key)
    run(echo_server, [small], [Echo(body.decode())])


@pytest.mark.parametrize("frame", {
    "text": raw(0x81, 5, b"", b"Hello"),
    "empty text": raw(0x81, 0),
    "binary": raw(0x82, 5, b"", b"Hello"),
    "ping": raw(0x89, 0),
    "pong": raw(0x8a, 0),
    "close": raw(0x88, 2, b"", b"\x03\xe8"),
    "long text": raw(0x81, 126, b"\x01\x00", b"x" * 256),
}.items(), ids=lambda frame: frame[0])
def test_a_frame_without_a_mask_is_illegal(echo_server, frame):
    run(echo_server, [frame[1]], [Close(1002)])


@pytest.mark.parametrize("bits", range(1, 8))
@pytest.mark.parametrize("first", [0x81, 0x82, 0x89, 0x8a, 0x88],
                         ids=["text", "binary", "ping", "pong", "close"])
def test_reserved_bits_are_illegal(echo_server, first, bits):
    body = b"\x03\xe8" if first == 0x88 else b"hello"
    frame = raw(first | bits << 4, 0x80 | len(body), b"", body)
    run(echo_server, [frame], [Close(1002)])


@pytest.mark.parametrize("bits", range(1, 8))
def test_what_came_before_reserved_bits_is_answered_first(echo_server, bits):
    frame = raw(0x81 | bits << 4, 0x85, b"", b"hello")
    run(echo_server, [ping(b"a"), frame], [Pong(b"a"), Close(1002)])


UNKNOWN = [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf]


@pytest.mark.parametrize("opcode", UNKNOWN)
@pytest.mark.parametrize("body", [b"", b"hello"], ids=["empty", "with a body"])
@pytest.mark.parametrize("chop", [None, 1], ids=["whole", "octet by octet"])
def test_an_unknown_opcode_is_illegal(echo_server, opcode, body, chop):
    run(echo_server, [raw(0x80 | opcode, 0x80 | len(body), b"", body)], [Close(1002)], chop)


@pytest.mark.parametrize("opcode", UNKNOWN)
def test_nothing_behind_an_unknown_opcode_is_answered(echo_server, opcode):
    run(echo_server, [raw(0x80 | opcode, 0x80), ping(), text("x")], [Close(1002)])


@pytest.mark.parametrize("size, extended", [
    (0, b"\x00\x00"), (1, b"\x00\x01"), (125, b"\x00\x7d"),
    (0, bytes(8)), (125, struct.pack(">Q", 125)), (126, struct.pack(">Q", 126)),
    (65535, struct.pack(">Q", 65535)),
], ids=lambda value: value.hex() if isinstance(value, bytes) else str(value))
def test_a_length_that_is_not_in_its_shortest_form_is_illegal(echo_server, size, extended):
    code = 126 if len(extended) == 2 else 127
    run(echo_server, [raw(0x81, 0x80 | code, extended, b"*" * size)], [Close(1002)])


@pytest.mark.parametrize("length", [1 << 63, (1 << 64) - 1])
def test_a_length_of_more_than_63_bits_is_illegal(echo_server, length):
    run(echo_server, [raw(0x81, 0xff, struct.pack(">Q", length))], [Close(1002)])


LIMIT = 1 << 20


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT])
@pytest.mark.parametrize("chop", [None, 65536, 10_007], ids=str)
def test_a_message_up_to_the_limit_comes_back(echo_server, size, chop):
    run(echo_server, [text(b"*" * size)], [Echo("*" * size)], chop)


@pytest.mark.parametrize("length", [LIMIT + 1, 1 << 32, (1 << 63) - 1])
def test_a_message_over_the_limit_is_refused_by_its_length_alone(echo_server, length):
    run(echo_server, [bytes([0x81, 0xff]) + struct.pack(">Q", length) + KEY], [Close(1009)])
