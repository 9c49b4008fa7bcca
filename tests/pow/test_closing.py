"""Every way a POW websocket can end."""

import struct
import time

import pytest
from natterjack import DEADLINE_S
from pow_client import CLOSE_SIGNAL
from raw_ws import BINARY, CLOSE, PONG, TEXT, encode_frame


@pytest.fixture
def echo(server):
    with server.call() as ws:
        yield ws


def close_answer(ws):
    """The payload of the server's close frame, after which TCP must end soon."""
    while (frame := ws.read_frame()).opcode != CLOSE:
        pass
    assert ws.at_end(timeout=10)
    return frame.payload


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 3000, 4999])
def test_a_close_is_answered_with_its_code_and_no_reason(echo, code):
    echo.send_close(code, "because")
    assert close_answer(echo) == struct.pack(">H", code)


@pytest.mark.parametrize("payload", [b"", b"\x03"])
def test_a_close_without_a_code_is_answered_without_one(echo, payload):
    echo.send_frame(CLOSE, payload)
    assert close_answer(echo) == b""


@pytest.mark.parametrize("called", [True, False])
def test_a_close_behind_a_flood_that_is_not_read(serve, called):
    # Without a call it is the call's time that ends the connection.
    patience = {} if called else {"call_timeout": None}
    server = serve("--input-bytes=1024", "--exec=deaf=sleep 1000", **patience)
    ws = server.call("deaf") if called else server.connect()
    ws.send_bytes(encode_frame(TEXT, b"x" * 1000) * 80 + encode_frame(CLOSE, b"\x03\xe8"))
    assert close_answer(ws) == b"\x03\xe8"


@pytest.mark.parametrize("code", [0, 1, 999, 1004, 1005, 1006, 1014, 1015, 1016, 2000, 2999, 5000, 65535])
def test_codes_nobody_may_use(echo, code):
    echo.send_close(code)
    assert close_answer(echo)[:2] == struct.pack(">H", 1002)


def test_a_reason_that_is_not_utf8(echo):
    echo.send_frame(CLOSE, b"\x03\xe8\xff")
    assert close_answer(echo)[:2] == struct.pack(">H", 1002)


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\x01x",  # not masked
        encode_frame(TEXT | 0x40, b"x"),
        encode_frame(TEXT | 0x20, b"x"),
        encode_frame(TEXT | 0x10, b"x"),
        encode_frame(0x3, b"x"),
        encode_frame(0xB, b""),
        encode_frame(0x9, b"x" * 126),
        encode_frame(0x9, b"x", final=False),
        encode_frame(0x0, b"x"),
        encode_frame(TEXT, b"x", final=False) + encode_frame(TEXT, b"x"),
        encode_frame(TEXT, b"x", final=False) + encode_frame(BINARY, b"x"),
    ],
)
def test_illegal_frames(echo, frame):
    echo.send_bytes(frame)
    payload = close_answer(echo)
    assert payload[:2] == struct.pack(">H", 1002) and payload[2:].decode()


@pytest.mark.parametrize("text", [b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\x80"])
def test_text_that_is_not_utf8(echo, text):
    echo.send_frame(TEXT, text)
    assert close_answer(echo)[:2] == struct.pack(">H", 1007)


def test_a_message_over_the_limit(echo):
    echo.send_text("x" * 2048)
    assert len(echo.read_text()) == 2048
    echo.send_text("x" * 2049)
    assert echo.read_frame().payload == struct.pack(">H", 1009)
    echo.send_text("dropped")
    echo.send_close(1009)
    assert echo.at_end(timeout=10) and not echo.buffer


def test_the_limit_counts_the_message_not_the_frame(echo):
    for i in range(3):
        echo.send_frame(TEXT if i == 0 else 0, b"x" * 1000, final=False)
    assert echo.read_frame().payload == struct.pack(">H", 1009)


def test_the_announced_length_is_enough(echo):
    echo.send_bytes(b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" + b"mask")
    assert echo.read_frame().payload == struct.pack(">H", 1009)
    assert echo.at_end(timeout=10)


def test_the_limit_holds_for_the_call_too(server):
    ws = server.connect()
    ws.send_frame(BINARY, b" " * 2049)
    assert ws.read_close() == 1009


def test_there_is_no_result_after_the_clients_close(echo):
    echo.send_bytes(encode_frame(CLOSE, b"\x03\xe8") + encode_frame(BINARY, CLOSE_SIGNAL))
    assert close_answer(echo) == b"\x03\xe8"


def seconds_to_end(server, leave):
    """How long a command lives on when its client has gone, that is, until it is reaped."""
    ws = server.call("sh", ["echo $$; exec sleep 1000"])
    child = int(ws.read_text())
    assert child in server.children()
    getattr(ws, leave)()
    began = time.monotonic()
    while child in server.children():
        assert time.monotonic() - began < DEADLINE_S, "the process was not ended"
        time.sleep(0.01)
    return time.monotonic() - began


@pytest.mark.parametrize("leave", ["drop", "shut"])
def test_a_lost_client_ends_its_process_within_a_second(server, leave):
    # A busy machine may need another try; a server that is slow by itself fails them all.
    assert any(seconds_to_end(server, leave) < 1 for _ in range(5))


def test_a_half_closed_connection_counts_as_lost(server):
    ws = server.call("sh", ["echo $$; exec sleep 1000"])
    child = int(ws.read_text())
    ws.socket.shutdown(1)
    assert ws.at_end()
    began = time.monotonic()
    while child in server.children():
        assert time.monotonic() - began < DEADLINE_S
        time.sleep(0.01)


# "shut": the kernel still has to deliver what the client has sent, and its end stands behind that.
@pytest.mark.parametrize("leave", ["drop", "shut"])
def test_a_lost_client_that_was_held_back_is_noticed(server, leave):
    ws = server.call("sh", ["echo $$; exec sleep 1000"])
    child = int(ws.read_text())
    ws.socket.settimeout(0.3)
    try:
        for _ in range(4000):
            ws.send_bytes(encode_frame(TEXT, b"x" * 2048))
    except TimeoutError:
        pass
    getattr(ws, leave)()
    began = time.monotonic()
    while child in server.children():
        assert time.monotonic() - began < DEADLINE_S
        time.sleep(0.01)


def test_silence_ends_a_session(serve):
    server = serve("--read-timeout", "4s", "--ping-interval", "200ms")
    began = time.monotonic()
    silent = server.call()
    silent.answer_pings = False
    assert silent.read_close() in (1001, 1008, None)
    assert 3.9 < time.monotonic() - began < 20
    assert silent.pings >= 3
    assert silent.at_end()


def test_pongs_keep_a_session_alive(serve):
    server = serve("--read-timeout", "3s", "--ping-interval", "300ms")
    ws = server.call()
    end = time.monotonic() + 4.5
    while time.monotonic() < end:
        frame = ws.read_frame()
        assert (frame.opcode, frame.payload) == (9, b"")
        ws.send_frame(PONG, frame.payload)
    ws.send_text("alive")
    while (frame := ws.read_frame()).opcode != TEXT:
        pass
    assert frame.payload == b"alive"


def test_client_pings_do_not_count_as_life(serve):
    server = serve("--read-timeout", "1s", "--ping-interval", "0")
    began = time.monotonic()
    ws = server.call()
    ws.socket.settimeout(0.1)
    while True:
        assert time.monotonic() - began < 15
        ws.send_frame(9, b"")
        if ws.read_frame().opcode == CLOSE:
            break
        time.sleep(0.1)
    assert time.monotonic() - began > 0.9


def test_a_client_that_does_not_read_is_cut_off(serve):
    server = serve("--write-timeout", "1s", "--exec=yes=sh -c 'echo $$; exec yes'")
    ws = server.call("yes", receive_buffer=8192)
    child, _, _ = ws.read_text().partition("\n")
    end = time.monotonic() + DEADLINE_S
    while int(child) in server.children():
        assert time.monotonic() < end, "the process was not ended"
        time.sleep(0.01)
    with pytest.raises((ConnectionError, EOFError)):
        while True:
            assert ws.read_frame(timeout=5).opcode == TEXT
