"""RFC 6455 5.5.1, 7: the closing handshake, codes and reasons."""

import struct

import pytest

from wire import Close, Echo, close, more, ping, raw, run, text

ALLOWED = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
           4999]
FORBIDDEN = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]


def code(number):
    return struct.pack(">H", number)


@pytest.mark.parametrize("number", ALLOWED)
def test_a_close_frame_is_answered_with_its_code(echo_server, number):
    run(echo_server, [close(code(number))], [Close(number)])


@pytest.mark.parametrize("number", FORBIDDEN)
@pytest.mark.parametrize("reason", [b"", b"because"], ids=["without a reason", "with a reason"])
def test_a_code_that_may_not_be_sent_is_illegal(echo_server, number, reason):
    run(echo_server, [close(code(number) + reason)], [Close(1002)])


def test_an_empty_close_frame_is_answered_with_one(echo_server):
    run(echo_server, [close(b"")], [Close(None)])


def test_a_close_frame_of_one_octet_is_illegal(echo_server):
    run(echo_server, [close(b"\x03")], [Close(1002)])


@pytest.mark.parametrize("reason", ["x", "Going home", "é", "日本語", "r" * 123], ids=lambda r: r[:4])
def test_a_reason_may_stand_behind_the_code(echo_server, reason):
    run(echo_server, [close(code(1000) + reason.encode())], [Close(1000)])


@pytest.mark.parametrize("reason", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"ok\x80"], ids=bytes.hex)
def test_a_reason_that_is_not_utf8_fails_the_connection(echo_server, reason):
    run(echo_server, [close(code(1000) + reason)], [Close(1007)])


@pytest.mark.parametrize("behind", [text("x"), ping(b"x"), close(), text("x" * 5000), b"\xff" * 100],
                         ids=["text", "ping", "close", "long text", "garbage"])
@pytest.mark.parametrize("chop", [None, 1], ids=["one write", "octet by octet"])
def test_nothing_behind_a_close_frame_is_looked_at(echo_server, behind, chop):
    run(echo_server, [close(), behind[:300]], [Close(1000)], chop)


@pytest.mark.parametrize("chop", [1, 2, 5], ids=str)
def test_a_close_frame_may_arrive_in_pieces(echo_server, chop):
    run(echo_server, [close(code(4000) + b"in pieces")], [Close(4000)], chop)


def test_a_close_frame_may_come_inside_a_message(echo_server):
    run(echo_server, [text("a", False), more("b"), close()], [Close(1000)])


@pytest.mark.parametrize("chop", [None, 1])
@pytest.mark.parametrize("count", [1, 3, 20])
@pytest.mark.parametrize("end, expected", [
    (close(), 1000), (close(b""), None), (close(code(4001) + b"bye"), 4001), (raw(0x83, 0x80), 1002),
    (raw(0xC1, 0x80), 1002), (more("nothing to continue"), 1002), (close(b"\x03"), 1002),
])
def test_what_was_asked_before_the_end_is_answered_before_it(echo_server, chop, count, end, expected):
    """A hub that is quick has the time; one that is not does not hold the end up, so it is tried often."""
    asked = [text(f"m{i}") for i in range(count)]
    for is_last in [False] * 19 + [True]:
        try:
            return run(echo_server, [*asked, end], [*(Echo(f"m{i}") for i in range(count)), Close(expected)],
                       chop)
        except AssertionError:
            if is_last:
                raise
