"""RFC 6455 5.5: pings, pongs, and control frames that are not allowed."""

import pytest

from wire import Close, Echo, Pong, last, more, ping, pong, raw, run, text

CHOPS = [None, 1, 7]


@pytest.mark.parametrize("body", [b"", b"\x00", b"Hello", bytes(range(125)), b"\xff" * 125],
                         ids=lambda body: f"{len(body)}-{body[:2].hex()}")
@pytest.mark.parametrize("chop", CHOPS, ids=str)
def test_a_ping_is_answered_with_its_body(echo_server, body, chop):
    run(echo_server, [ping(body)], [Pong(body)], chop)


@pytest.mark.parametrize("opcode", [0x9, 0xa, 0x8], ids=["ping", "pong", "close"])
@pytest.mark.parametrize("size", [126, 127, 1000])
def test_a_control_frame_of_more_than_125_octets_is_illegal(echo_server, opcode, size):
    run(echo_server, [raw(0x80 | opcode, 0xfe, size.to_bytes(2, "big"), bytes(size))],
        [Close(1002)])


@pytest.mark.parametrize("opcode", [0x9, 0xa, 0x8], ids=["ping", "pong", "close"])
@pytest.mark.parametrize("body", [b"", b"ab"], ids=["empty", "with a body"])
def test_a_fragmented_control_frame_is_illegal(echo_server, opcode, body):
    run(echo_server, [raw(opcode, 0x80 | len(body), b"", body)], [Close(1002)])


@pytest.mark.parametrize("body", [b"", b"unasked"], ids=["empty", "with a body"])
@pytest.mark.parametrize("count", [1, 2, 10])
def test_a_pong_nobody_asked_for_is_ignored(echo_server, body, count):
    run(echo_server, [pong(body)] * count + [ping(b"x")], [Pong(b"x")])


@pytest.mark.parametrize("pause", ["between frames", "between octets"])
def test_a_message_goes_on_around_control_frames(echo_server, pause):
    sent = [text("one ", False), ping(b"1"), more("two "), pong(b"?"), last("three")]
    run(echo_server, sent, [Pong(b"1"), Echo("one two three")],
        1 if pause == "between octets" else None)


@pytest.mark.parametrize("count", [2, 10, 100])
def test_of_many_pings_the_last_is_answered(echo_server, count):
    """RFC 6455 5.5.3: older pongs may be left out."""
    from raw_ws import PONG, RawWebSocket
    with RawWebSocket(echo_server.port) as client:
        client.send_bytes(b"".join(ping(b"%d" % n) for n in range(count)))
        seen = []
        while not seen or seen[-1] != count - 1:
            frame = client.read_frame()
            assert frame.opcode == PONG
            seen.append(int(frame.payload))
        assert seen == sorted(seen)
