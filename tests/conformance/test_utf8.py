"""RFC 6455 8.1: text is UTF-8, or the connection fails, as early as that can be known."""

import pytest

from wire import Close, Echo, last, more, run, text

VALID = [
    "κόσμε", "Hello-µ@ßöäüàá-UTF-8!!", "日本語", "😀", "\u0000", "\x7f", "\u0080", "\u07ff", "\u0800",
    "\ud7ff", "\ue000", "\ufffd", "\ufffe", "\uffff", "\U00010000", "\U0010ffff", "\U0001fffe",
    "a\u0300", "\u2028\u2029", "\ufeffx", "éé", "x😀y", "😀" * 100, "é" * 63, "ab" * 4000 + "é",
]

INVALID = [
    b"\x80", b"\xbf", b"\x80\xbf", b"\xc0", b"\xc0\x80", b"\xc1\xbf", b"\xc2", b"\xc2\x20", b"\xc3\xc3",
    b"\xdf", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xe0\xa0", b"\xe1\x80", b"\xe1\x80\x20", b"\xed\xa0\x80",
    b"\xed\xbf\xbf", b"\xed\xa0\x80\xed\xb0\x80", b"\xef\xbf", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf",
    b"\xf0\x90\x80", b"\xf1\x80\x80", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf7\xbf\xbf\xbf",
    b"\xf8\x88\x80\x80\x80", b"\xfb\xbf\xbf\xbf\xbf", b"\xfc\x84\x80\x80\x80\x80", b"\xfe", b"\xff",
    b"\xfe\xfe\xff\xff", b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
    b"abcdefgh\xff", b"\xc3\xa9\xc3", b"x" * 300 + b"\x80",
]


def short(value):
    value = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return value[:12].hex() + ("" if len(value) <= 12 else f"-{len(value)}")


@pytest.mark.parametrize("body", VALID, ids=short)
def test_text_comes_back_as_it_was(echo_server, body):
    run(echo_server, [text(body)], [Echo(body)])


@pytest.mark.parametrize("body", VALID, ids=short)
def test_a_character_may_be_cut_between_fragments(echo_server, body):
    octets = body.encode()
    octets = octets if len(octets) < 500 else octets[-20:]
    while octets[0] & 0xc0 == 0x80:
        octets = octets[1:]
    parts = [octets[n:n + 1] for n in range(len(octets))]
    sent = [text(parts[0], False), *map(more, parts[1:]), last(b"")]
    run(echo_server, sent, [Echo(octets.decode())])


@pytest.mark.parametrize("body", VALID[:17], ids=short)
def test_a_character_may_be_cut_between_packets(echo_server, body):
    run(echo_server, [text(body)], [Echo(body)], chop=1)


@pytest.mark.parametrize("body", INVALID, ids=short)
def test_what_is_not_utf8_fails_the_connection(echo_server, body):
    run(echo_server, [text(body)], [Close(1007)])


@pytest.mark.parametrize("body", INVALID, ids=short)
def test_what_is_not_utf8_fails_it_in_fragments_as_well(echo_server, body):
    parts = [body[n:n + 1] for n in range(len(body))]
    run(echo_server, [text(parts[0], False), *map(more, parts[1:]), last(b"")], [Close(1007)])


@pytest.mark.parametrize("body", INVALID, ids=short)
def test_what_is_not_utf8_fails_it_octet_by_octet(echo_server, body):
    run(echo_server, [text(body)], [Close(1007)], chop=1)


HOPELESS = [b"\xf4\x90", b"\xed\xa0", b"\xe0\x80", b"\xf0\x8f", b"\xc2\x20", b"\xff", b"\xf5", b"\xc0",
            b"\x80"]


@pytest.mark.parametrize("end", HOPELESS, ids=short)
@pytest.mark.parametrize("before", [b"", "κόσμε".encode()], ids=["first", "behind text"])
def test_it_fails_before_the_message_is_complete(echo_server, before, end):
    run(echo_server, [text(before + end, False)], [Close(1007)])


@pytest.mark.parametrize("end", HOPELESS, ids=short)
def test_it_fails_before_the_frame_is_complete(echo_server, end):
    run(echo_server, [text(end + b"x" * 1000)[:-500]], [Close(1007)])
