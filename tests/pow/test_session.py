"""A running process over websocket: input, output, signals, result."""

import time

import pytest
from natterjack import DEADLINE_S
from pow_client import CANCEL_SIGNAL, CANCELLED, CLOSE_SIGNAL
from raw_ws import BINARY, CLOSE, PING, PONG, TEXT, encode_frame

GARBLED = "process returned error: protocol error occurred"


@pytest.fixture
def echo(server):
    with server.call(params=["p"]) as ws:
        yield ws


def is_running(ws):
    ws.send_text("still there?")
    return ws.read_text() == "still there?"


def test_each_text_comes_back_as_one_message(echo):
    for text in ["a", "ä€😀", "x" * 2048, "line\n", "\r\n", "\0"]:
        echo.send_text(text)
        assert echo.read_text() == text


def test_an_empty_text_gives_nothing(echo):
    echo.send_text("")
    assert is_running(echo)


def test_a_text_may_come_in_fragments(echo):
    echo.send_frame(TEXT, "ä".encode()[:1], final=False)
    echo.send_frame(0, "ä".encode()[1:], final=False)
    echo.send_frame(0, b"")
    assert echo.read_text() == "ä"


def test_close_ends_the_input_behind_what_was_sent(echo):
    for i in range(20):
        echo.send_text(str(i))
    echo.send_signal(CLOSE_SIGNAL)
    echo.send_text("too late")
    echo.send_signal(CLOSE_SIGNAL)
    output, result = echo.read_output_and_result()
    assert output == b"".join(b"%d" % i for i in range(20))
    assert result == {"status": "fulfilled", "value": ["p"]}
    echo.assert_clean_end()


def test_the_first_cancel_sets_the_cause_only(echo):
    echo.send_signal(CANCEL_SIGNAL)
    assert is_running(echo)
    echo.send_signal(CLOSE_SIGNAL)
    assert echo.read_reason() == CANCELLED
    echo.assert_clean_end()


def test_the_second_cancel_closes_the_input(echo):
    echo.send_signal(CANCEL_SIGNAL)
    echo.send_text("between")
    echo.send_signal(CANCEL_SIGNAL)
    echo.send_signal(CANCEL_SIGNAL)
    assert echo.read_text() == "between"
    assert echo.read_reason() == CANCELLED


@pytest.mark.parametrize(
    "message",
    [b"", b"x", b"null", b"{}", b'{"signal":"CLOSE"}', b'{"signal":null}', b'{"signal":1}',
     b'{"call":"echo"}', b'{"signal":"close"} x', b"[]", b'{"signal":"stop"}'],
)
def test_any_other_binary_message_is_a_protocol_error(echo, message):
    echo.send_signal(message)
    assert is_running(echo)
    echo.send_signal(CLOSE_SIGNAL)
    assert echo.read_reason() == GARBLED


@pytest.mark.parametrize("message", [b'{"SIGNAL":"close"}', '{"\u017fignal":"close"}'.encode(),
                                     b'{"x":1,"signal":"cancel","signal":"close"}'])
def test_signals_are_decoded_like_calls(echo, message):
    echo.send_signal(message)
    assert echo.read_result()["status"] == "fulfilled"


def test_the_first_cause_wins(server):
    ws = server.call()
    ws.send_signal(CANCEL_SIGNAL)
    ws.send_signal(b"garbage")
    ws.send_signal(CLOSE_SIGNAL)
    assert ws.read_reason() == CANCELLED
    ws = server.call()
    ws.send_signal(b"garbage")
    ws.send_signal(CANCEL_SIGNAL)
    assert is_running(ws)  # garbage was no cancel
    ws.send_signal(CANCEL_SIGNAL)
    assert ws.read_reason() == GARBLED


def test_signals_overtake_input_nobody_reads(server):
    ws = server.call("stubborn")
    assert ws.read_text() == "ready\n"
    for _ in range(60):
        ws.send_text("x" * 2000)  # more than a pipe holds
    ws.send_signal(CANCEL_SIGNAL)
    ws.send_signal(CANCEL_SIGNAL)
    assert ws.read_reason(timeout=DEADLINE_S) == CANCELLED


def test_pings_are_answered_at_any_time(echo):
    for payload in [b"", b"x" * 125, b"\xff\x00"]:
        echo.send_frame(PING, payload)
        frame = echo.read_frame()
        assert (frame.opcode, frame.payload) == (PONG, payload)
    echo.send_frame(PONG, b"nobody asked")
    assert is_running(echo)


def test_each_ping_of_many_is_answered(echo):
    pings = [str(i).encode() for i in range(200)]
    echo.send_bytes(b"".join(encode_frame(PING, payload) for payload in pings))
    for payload in pings:
        frame = echo.read_frame()
        assert (frame.opcode, frame.payload) == (PONG, payload)


def test_a_flood_of_pings_does_not_fill_the_memory(server):
    ws = server.call(receive_buffer=4096)
    before = server.resident_bytes()
    flood = encode_frame(PING, b"x" * 125) * 8000
    ws.socket.settimeout(1)
    try:
        for _ in range(40):
            ws.send_bytes(flood)
    except TimeoutError:
        pass  # the server may as well stop reading
    assert server.resident_bytes() - before < 16 << 20


def test_nothing_follows_the_close_frame(echo):
    echo.send_signal(CLOSE_SIGNAL)
    assert echo.read_frame().opcode == BINARY
    assert echo.read_frame().opcode == CLOSE
    echo.send_text("dropped")
    echo.send_frame(PING, b"not answered")
    echo.send_frame(BINARY, b"dropped")
    echo.send_frame(CLOSE, b"\x03\xe8")
    assert echo.at_end() and not echo.buffer


def test_tcp_is_closed_when_the_client_does_not_answer_the_close(echo):
    echo.send_signal(CLOSE_SIGNAL)
    assert echo.read_frame().opcode == BINARY
    assert echo.read_frame().opcode == CLOSE
    assert echo.at_end(timeout=10)


def test_many_messages_in_one_packet(echo):
    echo.send_bytes(b"".join(encode_frame(TEXT, b"%d" % i) for i in range(2000)))
    assert [echo.read_text() for _ in range(2000)] == [str(i) for i in range(2000)]


def test_bytes_may_arrive_one_by_one(echo):
    for byte in encode_frame(TEXT, b"slowly") + encode_frame(BINARY, CLOSE_SIGNAL):
        echo.send_bytes(bytes([byte]))
    assert echo.read_text() == "slowly"
    assert echo.read_result()["value"] == ["p"]


def test_a_slow_reader_slows_its_own_process_only(server):
    slow, quick = server.call(receive_buffer=8192), server.call()
    slow.socket.settimeout(0.5)
    sent = 0
    try:
        while sent < 64 << 20:
            slow.send_bytes(encode_frame(TEXT, b"x" * 2048) * 64)
            sent += 64 * 2048
    except TimeoutError:
        pass
    assert sent < 32 << 20, "nothing held this client back"
    began = time.monotonic()
    quick.send_text("quick")
    assert quick.read_text() == "quick"
    assert time.monotonic() - began < 5
