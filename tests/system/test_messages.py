"""What is said: from the client to its hub and back, octet by octet and in order."""

import json

import pytest

from probe import Probe, arrive
from raw_ws import BINARY, CONTINUATION, PING, PONG, TEXT, encode_frame


@pytest.mark.parametrize("text", ["", "plain", "grüß dich 🐸", "a\0b", "x" * 90])
def test_a_text_arrives_as_it_was_sent(probe_server, watcher, text):
    client, join = arrive(probe_server, watcher)
    client.send_text(text)
    report = watcher.await_report(join["from"], topic="ws.message")
    assert bytes.fromhex(report["hex"]).decode() == text


def test_a_binary_message_arrives_octet_by_octet(probe_server, watcher):
    client, join = arrive(probe_server, watcher)
    client.send_frame(BINARY, bytes([0, 1, 0xFF, 0x78]))
    report = watcher.await_report(join["from"], topic="ws.message")
    assert (report["type"], report["hex"]) == ("string", "0001ff78")


def test_fragments_are_one_message_also_with_a_ping_between(probe_server, watcher):
    client, join = arrive(probe_server, watcher)
    client.send_frame(TEXT, "grü".encode()[:3], final=False)  # cut inside a character
    client.send_frame(PING, b"still there?")
    client.send_frame(CONTINUATION, "grü".encode()[3:], final=False)
    client.send_frame(CONTINUATION, "ß".encode())
    pong = client.read_frame()
    assert (pong.opcode, pong.payload) == (PONG, b"still there?")
    report = watcher.await_report(join["from"], topic="ws.message")
    assert bytes.fromhex(report["hex"]).decode() == "grüß"


def test_500_pipelined_messages_are_answered_in_order(probe_server):
    client = Probe(probe_server)
    frames = [json.dumps({"ask": "echo", "data": number}).encode() for number in range(500)]
    client.send_bytes(b"".join(encode_frame(TEXT, frame) for frame in frames))
    assert [client.read_topic("echo") for _ in range(500)] == list(range(500))


def test_join_messages_and_leave_of_a_connection_come_in_order(probe_server, watcher):
    client, join = arrive(probe_server, watcher)
    for number in range(100):
        client.send_text(f"#{number}")
    client.send_close()
    heard = []
    while not heard or heard[-1] != "leave":
        report = watcher.await_report(join["from"])
        heard.append("leave" if report["topic"] == "ws.leave"
                     else bytes.fromhex(report["hex"]).decode())
    assert heard == [f"#{number}" for number in range(100)] + ["leave"]


def test_a_frame_that_came_with_the_handshake_is_not_lost(probe_server):
    first = encode_frame(TEXT, json.dumps({"ask": "echo", "data": "early"}).encode())
    client = Probe(probe_server, pipelined=first)
    assert client.read_topic("echo") == "early"


def test_each_value_of_a_send_is_a_frame_of_its_own(probe_server):
    client = Probe(probe_server)
    client.ask("values")
    values = [client.read_topic("value") for _ in range(9)]
    assert values == ["text", 42, 3, 0.5, True, None, [], [1, 2, 3], {"a": 1}]
    assert type(values[2]) is int


def test_an_error_is_its_text_for_a_client(probe_server):
    client = Probe(probe_server)
    client.ask("errors")
    text = 'bu"sy\\'
    assert [client.read_topic("value") for _ in range(3)] == [
        text, {"all": [text, "text"], "last": 1}, {"inside": text, "more": text},
    ]


def test_a_frame_holds_topic_and_data_and_nothing_else(probe_server):
    client = Probe(probe_server)
    client.ask("echo", data={"deep": [1, {"text": "</script>"}]})
    frame = client.read_data()
    assert frame.opcode == TEXT
    assert json.loads(frame.payload) == {
        "topic": "echo", "data": {"deep": [1, {"text": "</script>"}]},
    }


def test_what_cannot_be_json_is_an_error_for_the_sender_and_the_socket_lives(probe_server):
    client = Probe(probe_server)
    client.ask("unencodable")
    answer = client.read_topic("sent")
    assert not answer["sent"] and answer["err"]
    assert client.echo("still here") == "still here"


def test_a_send_to_a_connection_that_is_gone_is_an_error_for_the_sender(probe_server, watcher):
    client, join = arrive(probe_server, watcher)
    client.send_close()
    watcher.await_report(join["from"], topic="ws.leave")
    asker = Probe(probe_server)
    asker.ask("send", pid=join["from"], topic="late", data=1)
    answer = asker.read_topic("sent")
    assert not answer["sent"] and answer["err"]


def test_a_topic_with_an_at_sign_in_front_is_refused(probe_server):
    client = Probe(probe_server)
    client.ask("send", pid=client.pid(), topic="@inside", data=1)
    assert not client.read_topic("sent")["sent"]


def test_one_process_may_send_to_the_client_of_another(probe_server):
    first = Probe(probe_server)
    second = Probe(probe_server, query={"relay": {"target_pid": "@second@"}})
    first.ask("send", pid=second.pid(), topic="hello", data={"from": "first"})
    assert second.read_topic("hello") == {"from": "first"}
