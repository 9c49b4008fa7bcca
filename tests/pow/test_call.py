"""The call message: how it is decoded and what comes of it, byte for byte."""

import json
import time

import pytest
from pow_client import CLOSE_SIGNAL
from raw_ws import BINARY, PING, PONG

PROTOCOL_ERROR = b'{"status":"rejected","reason":"protocol error occurred"}'
UNKNOWN = b'{"status":"rejected","reason":"failed to get process: unknown process"}'


def value_of(server, message):
    """The result of an echo called by `message` whose input is closed at once."""
    ws = server.call_raw(message)
    ws.send_signal(CLOSE_SIGNAL)
    return ws.read_result_bytes()


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b" ",
        b"{",
        b"[]",
        b'"echo"',
        b"1",
        b"true",
        b"nul",
        b"nulll",
        b"{}x",
        b'{"call":"echo"} {}',
        b"\xef\xbb\xbf{}",
        b'{"call":"echo",}',
        b"{'call':'echo'}",
        b'{"call":"ec\nho"}',
        b'{"call":1}',
        b'{"call":["echo"]}',
        b'{"call":"echo","params":"x"}',
        b'{"call":"echo","params":[1]}',
        b'{"call":"echo","params":[["x"]]}',
        b'{"call":"echo","params":{}}',
        b'{"call":"echo","params":["a",]}',
        b'{"call":"echo","x":01}',
        b'{"call":"echo","x":1.}',
        b'{"call":"echo","x":+1}',
        b'{"call":"echo","x":tru}',
        b'{"call":"\\x"}',
        b'{"call":"\\u12"}',
        b'{"call" "echo"}',
        b'{call:"echo"}',
        b'{"call":"echo"',
    ],
)
def test_what_is_no_call(server, message):
    ws = server.call_raw(message)
    assert ws.read_result_bytes() == PROTOCOL_ERROR
    ws.assert_clean_end()


@pytest.mark.parametrize(
    "message", [b"null", b"{}", b'{"call":null}', b'{"call":""}', CLOSE_SIGNAL, b' {"x":[{}]} ']
)
def test_a_call_without_a_name(server, message):
    ws = server.call_raw(message)
    assert ws.read_result_bytes() == UNKNOWN
    ws.assert_clean_end()


@pytest.mark.parametrize(
    "message, value",
    [
        (b'{"call":"echo"}', "null"),
        (b'{"call":"echo","params":null}', "null"),
        (b'{"call":"echo","params":[]}', "[]"),
        (b'{"call":"echo","params":["a","b"]}', '["a","b"]'),
        (b'{"call":"echo","params":[null,"b"]}', '["","b"]'),
        (b'{"CALL":"echo","Params":["a"]}', '["a"]'),
        ('{"call":"echo","param\u017f":["a"]}'.encode(), '["a"]'),
        (b'{"\\u0063all":"echo","params":["a"]}', '["a"]'),
        (b'{"call":"x","call":"echo","params":["a"],"params":["b"]}', '["b"]'),
        (b'{"call":"echo","params":["a"],"params":null}', "null"),
        (b'{"call":"echo","call":null}', "null"),
        (b' \t\r\n{ "call" : "echo" , "x" : {"y":[1,-2.5e+3,true,null,{}]} } \n', "null"),
        (b'{"call":"echo","params":["<>&\\u2028\\u2029"]}',
         '["\\u003c\\u003e\\u0026\\u2028\\u2029"]'),
        (b'{"call":"echo","params":["\\b\\f\\n\\r\\t\\u0000\\u001f\\u007f\\/\\"\\\\"]}',
         '["\\b\\f\\n\\r\\t\\u0000\\u001f\x7f/\\"\\\\"]'),
        (b'{"call":"echo","params":["a\xffb\xc3"]}', '["a\ufffdb\ufffd"]'),
        (b'{"call":"echo","params":["\\ud800x","\\ude00","\\ud83d\\ude00","\\ud800\\u0041"]}',
         '["\ufffdx","\ufffd","\U0001f600","\ufffdA"]'),
        ('{"call":"echo","params":["ä€😀"]}'.encode(), '["ä€😀"]'),
    ],
)
def test_how_a_call_is_read(server, message, value):
    expected = '{"status":"fulfilled","value":' + value + "}"
    assert value_of(server, message) == expected.encode()


def test_nesting_has_no_depth_that_hurts(server):
    deep = b"[" * 900 + b"]" * 900
    assert value_of(server, b'{"call":"echo","x":' + deep + b"}").endswith(b'"value":null}')


def test_too_many_parameters(server):
    ws = server.call("cat", ["one"])
    assert ws.read_result_bytes() == (
        b'{"status":"rejected","reason":"failed to get process: invalid args"}'
    )
    ws.assert_clean_end()


def test_a_call_may_come_in_fragments(server):
    ws = server.connect()
    ws.send_frame(BINARY, b'{"call":', final=False)
    ws.send_frame(PING, b"between")
    ws.send_frame(0, b'"echo"}')
    frame = ws.read_frame()
    assert (frame.opcode, frame.payload) == (PONG, b"between")
    ws.send_text("x")
    assert ws.read_text() == "x"


def test_the_call_is_awaited_for_a_second(serve):
    server = serve(call_timeout=None)
    began = time.monotonic()
    ws = server.connect()
    ws.send_text("text does not stop the clock")
    ws.send_frame(PING)
    assert ws.read_result_bytes() == b'{"status":"rejected","reason":"timeout expired"}'
    assert 0.9 < time.monotonic() - began < 15
    ws.assert_clean_end()


def test_text_before_the_call_is_input(server):
    ws = server.connect()
    texts = [f"text {i}" for i in range(50)]
    for text in texts:
        ws.send_text(text)
    ws.send_call(params=["done"])
    assert [ws.read_text() for _ in texts] == texts
    ws.send_signal(CLOSE_SIGNAL)
    assert ws.read_result() == {"status": "fulfilled", "value": ["done"]}


def test_too_much_text_before_the_call_stops_the_reading(serve):
    server = serve("--input-bytes", "4096", call_timeout=None)
    ws = server.connect()
    for _ in range(200):
        ws.send_text("x" * 2000)
    ws.send_call()
    assert ws.read_reason() == "timeout expired"


def test_processes_are_bounded(serve):
    server = serve("--max-processes", "2")
    first, second = server.call(), server.call()
    for ws in [first, second]:
        ws.send_text("x")
        assert ws.read_text() == "x"
    third = server.call()
    assert third.read_reason() == "failed to get process: too many processes"
    first.send_close()
    assert first.read_close() == 1000
    for _ in range(1000):  # the place is free when the process has ended
        fourth = server.call(params=["in"])
        fourth.send_signal(CLOSE_SIGNAL)
        if fourth.read_result() == {"status": "fulfilled", "value": ["in"]}:
            return
    raise AssertionError("the place was never given back")


def test_results_are_json_with_the_keys_in_order(server):
    ws = server.call(params=["x"])
    ws.send_signal(CLOSE_SIGNAL)
    assert list(json.loads(ws.read_result_bytes())) == ["status", "value"]
