"""Which replies reach the clients, and how their frames look, byte for byte."""

import json
import time

import pytest
from exchange import headers
from pamqp import commands as spec


def body_of(frame):
    """The text of the body, as it stands."""
    text = frame.decode("ascii")
    return text[text.index('"body": ') + 8 : -1]


class Watcher:
    """A client that looks at replies up to a marker."""

    def __init__(self, client, exchange):
        self.client, self.exchange = client, exchange
        self.count = 0

    def frames(self):
        """All frames that came before the marker sent now."""
        self.count += 1
        mark = f"marker {self.count}"
        self.exchange.reply({"marker": mark})
        got = []
        while True:
            frame = self.client.read_data().payload
            if mark in frame.decode():
                return got
            got.append(frame)

    def one(self):
        [frame] = self.frames()
        return frame


@pytest.fixture
def watch(bridge, exchange):
    with bridge.connect() as client:
        client.send_frame(0x9, b"ready")
        assert client.read_frame().opcode == 0xA
        yield Watcher(client, exchange)


@pytest.fixture
def watch_exact(clu, exchange):
    with clu("--byte-exact").connect() as client:
        client.send_frame(0x9, b"ready")
        assert client.read_frame().opcode == 0xA
        yield Watcher(client, exchange)


def test_the_whole_frame(watch, exchange):
    exchange.reply({"text": "Pong."}, headers(command_id="i", commander_id="c.alpha", message_code=":", sender="alpha"),
                   "reply.c.alpha", correlation_id="i", message_id="m1", timestamp=1685042705)
    assert watch.one() == (
        b'{"headers": {"command_id": "i", "commander_id": "c.alpha", "internal": false, "message_code": ":", '
        b'"sender": "alpha"}, "exchange": "sdss_exchange", "message_id": "m1", "routing_key": "reply.c.alpha", '
        b'"timestamp": "2023-05-25T19:25:05+00:00", "body": {"text": "Pong."}}')


BODIES = [
    (b"{}", "{}"),
    (b'{"b":1,"a":[1, 2,{}]}', '{"b": 1, "a": [1, 2, {}]}'),
    (b'{"a":1,"b":2,"a":3}', '{"a": 3, "b": 2}'),
    (b"[1,2.0,1e5,-0,-0.0]", "[1, 2.0, 100000.0, 0, -0.0]"),
    (b"12345678901234567890123", "12345678901234567890123"),
    (b"[1e16,1e15,1e-4,1e-5,1e-07,1e22,5e-324]", "[1e+16, 1000000000000000.0, 0.0001, 1e-05, 1e-07, 1e+22, 5e-324]"),
    ('"hé 日 😀 \x7f \u2028"'.encode(), '"h\\u00e9 \\u65e5 \\ud83d\\ude00 \\u007f \\u2028"'),
    (b'"\\u0041\\/\\b\\f\\n\\r\\t\\u001f"', '"A/\\b\\f\\n\\r\\t\\u001f"'),
    (b'"\\ud83d"', '"\\ud83d"'),
    (b"true", "true"),
    (b'"text"', '"text"'),
    ('\ufeff{"bom":1}'.encode(), '{"bom": 1}'),
    ('{"é":"😀"}'.encode("utf-16"), '{"\\u00e9": "\\ud83d\\ude00"}'),
    ('{"é":1}'.encode("utf-16-be"), '{"\\u00e9": 1}'),
    ('{"é":1}'.encode("utf-32-le"), '{"\\u00e9": 1}'),
]


@pytest.mark.parametrize("sent, written", BODIES)
def test_bodies(watch, exchange, sent, written):
    exchange.reply(sent)
    assert body_of(watch.one()) == written


def test_numbers_json_has_no_word_for(watch, watch_exact, exchange):
    sent = b"[NaN,Infinity,-Infinity,1e999]"
    exchange.reply(sent)
    assert body_of(watch.one()) == "[null, null, null, null]"
    assert body_of(watch_exact.frames()[0]) == "[NaN, Infinity, -Infinity, Infinity]"


def test_header_types(watch, exchange):
    exchange.reply({}, headers(arr=[], big=1099511627776, f=1.5, n=None, neg=-3, t={"x": [1, "y", None, True]},
                               uni="é😀"))
    assert watch.one().startswith(
        b'{"headers": {"arr": [], "big": 1099511627776, "command_id": null, "commander_id": null, "f": 1.5, '
        b'"internal": false, "message_code": "i", "n": null, "neg": -3, "sender": "raw", '
        b'"t": {"x": [1, "y", null, true]}, "uni": "\\u00e9\\ud83d\\ude00"}, ')


def test_header_values_json_has_no_word_for_are_null(watch, exchange):
    """They cost nobody the frame, nor the flow."""
    exchange.reply({}, headers(raw=bytearray(b"\x00\xff")))
    assert b'"raw": null' in watch.one()


@pytest.mark.parametrize("stamp, written", [
    (0, '"1970-01-01T00:00:00+00:00"'),
    (2**32 - 1, '"2106-02-07T06:28:15+00:00"'),
    (1685042705123, '"2023-05-25T19:25:05.123000+00:00"'),
    (1684000000000, '"2023-05-13T17:46:40+00:00"'),
])
def test_timestamps(watch, exchange, stamp, written):
    exchange.reply({}, timestamp=stamp)
    assert f'"timestamp": {written}, '.encode() in watch.one()


def test_what_a_message_does_not_have_is_null(watch, exchange):
    async def bare():
        await exchange.channel.basic_publish(
            b"1", exchange="sdss_exchange", routing_key="reply",
            properties=spec.Basic.Properties(headers={"message_code": "i"}))

    exchange.run(bare())
    frame = json.loads(watch.one())
    assert frame["timestamp"] is None
    assert frame["headers"] == {"message_code": "i"}
    assert frame["routing_key"] == "reply"


@pytest.mark.parametrize("key, heard", [
    ("reply", True), ("reply.broadcast", True), ("reply.a.b.c", True), ("reply..x", True),
    ("replyx", False), ("Reply.x", False), ("command.x", False),
])
def test_which_keys_are_heard(watch, exchange, key, heard):
    exchange.reply({"k": 1}, key=key)
    assert len(watch.frames()) == heard


@pytest.mark.parametrize("head, taken", [
    (headers(message_code=""), False),
    ({"sender": "x"}, False),
    ({}, False),
    (headers(message_code=None), True),
    (headers(message_code=7), True),
    (headers(message_code="zz"), True),
    ({"message_code": "i"}, True),
    (headers(sender=None), True),
])
def test_a_message_code_makes_a_reply(watch, exchange, head, taken):
    exchange.reply({}, head)
    assert len(watch.frames()) == taken


@pytest.mark.parametrize("command_id, correlation_id, taken", [
    ("a", "a", True), ("a", "b", False), ("a", None, False), ("", "x", True), (0, "x", True),
    (False, "x", True), (None, "x", True), (5, "5", True), (5, "6", False), (True, "True", True),
])
def test_command_id_and_correlation_id(watch, exchange, command_id, correlation_id, taken):
    more = {} if correlation_id is None else {"correlation_id": correlation_id}
    exchange.reply({}, headers(command_id=command_id), **more)
    assert len(watch.frames()) == taken


@pytest.mark.parametrize("body", [b"", b'{"a"', b"\x00\x01\xff", b"[" * 100_000 + b"]" * 100_000, b"nonsense",
                                  b'"\xff"'])
def test_poison_bodies_do_not_stop_the_flow(watch, exchange, body):
    exchange.reply(body)
    assert watch.frames() == []
    exchange.reply({"after": 1})
    assert body_of(watch.one()) == '{"after": 1}'


@pytest.mark.parametrize("stamp", [1685042705123456, 2**63, 2**64 - 1])
def test_absurd_timestamps_do_not_stop_the_flow(watch, exchange, stamp):
    exchange.reply({}, timestamp=stamp)
    assert watch.frames() == []


def test_each_kind_of_poison_is_logged_once_with_its_key(bridge, exchange):
    with bridge.connect() as client:
        for _ in range(3):
            exchange.reply(b"nonsense", key="reply.somebody")
        exchange.reply({})
        client.read_data()
        bridge.stderr.wait_for("dropped a reply")
        lines = bridge.stderr.matching("dropped a reply")
        assert len(lines) == 1
        assert "reply.somebody" in lines[0][1].string


def test_a_huge_body_is_left_and_the_flow_goes_on(bridge, exchange, watch):
    before = bridge.memory()
    exchange.reply(b'"' + b"x" * 100_000_000 + b'"')
    exchange.reply({"after": 1})
    assert body_of(watch.one()) == '{"after": 1}'
    assert bridge.memory() - before < 60_000_000, "it was never put together"


def test_bodies_of_8_mb_arrive_whole(watch, exchange):
    text = "x" * 8_000_000
    exchange.reply({"text": text})
    assert json.loads(watch.one())["body"]["text"] == text


def test_order_and_number(watch, exchange):
    exchange.replies([{"n": n} for n in range(2000)])
    assert [json.loads(f)["body"]["n"] for f in watch.frames()] == list(range(2000))


def test_every_client_gets_every_reply(bridge, exchange):
    clients = [bridge.connect() for _ in range(20)]
    for client in clients:
        client.send_frame(0x9, b"ready")
        client.read_frame()
    exchange.reply({"to": "all"})
    frames = {client.read_data().payload for client in clients}
    assert len(frames) == 1
    for client in clients:
        client.shut()


def test_nothing_comes_on_connect(bridge, exchange, watch):
    exchange.reply({"before": 1})
    watch.one()
    with bridge.connect() as client:
        with pytest.raises(TimeoutError):
            client.read_data(0.5)


def test_no_reply_stays_unacknowledged(broker, exchange, watch):
    exchange.replies([{"n": n} for n in range(100)] + [b"poison"] * 10)
    watch.frames()

    def unacked():
        lines = broker.control("list_queues", "name", "messages", "messages_unacknowledged").splitlines()
        return [line for line in lines if "amqp-client" in line and not line.endswith("\t0\t0")]

    end = time.monotonic() + 90
    while unacked():
        assert time.monotonic() < end, unacked()


def test_deeply_nested_header_tables(watch, exchange):
    value = 1
    for _ in range(200):
        value = {"t": value}
    exchange.reply({}, headers(deep=value))
    assert watch.one().count(b'{"t": ') == 200


def test_a_routing_key_writes_no_line_of_its_own_in_the_log(clu, exchange):
    bridge = clu()
    exchange.reply(b"{broken", key="reply.x\nFAKE error")
    bridge.stderr.wait_for(r"dropped a reply of 7 bytes, routing key 'reply\.x\\nFAKE error': ")
    assert not bridge.stderr.matching("^FAKE")
