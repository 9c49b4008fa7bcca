"""What becomes of what a client says."""

import json
import re
import uuid

import pytest

HEX32 = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def client(bridge):
    with bridge.connect() as one:
        yield one


def command(consumer="alpha", command_string="ping", command_id="id-1", **more):
    return {"consumer": consumer, "command_string": command_string, "command_id": command_id, **more}


def replies_to(client, command_id, count):
    got = []
    while len(got) < count:
        frame = client.read_json()
        if frame["headers"]["command_id"] == command_id:
            got.append(frame)
    return got


def test_a_command_on_the_wire(bridge, client, actor):
    alpha = actor()
    client.send_json(command())
    key, p, body = alpha.commands.get(timeout=30)
    assert key == "command.alpha"
    assert body == b'{"command_string": "ping"}'
    assert p.content_type == "text/json"
    assert list(p.headers.items()) == [
        ("command_id", "id-1"), ("commander_id", f"{bridge.name}.alpha"), ("internal", False),
        ("write_to_log", True)]
    assert p.correlation_id == "id-1"
    assert p.reply_to == f"{bridge.name}_replies"
    assert HEX32.fullmatch(p.message_id)
    assert p.delivery_mode == 1 and p.priority == 0
    for absent in (p.timestamp, p.expiration, p.message_type, p.user_id, p.app_id, p.content_encoding):
        assert absent in (None, "")
    first, last = replies_to(client, "id-1", 2)
    assert first["headers"]["message_code"] == ">"
    assert last["body"] == {"text": "Pong."}


def test_the_name(bridge):
    assert re.fullmatch(r"amqp-client-[0-9a-f]{12}", bridge.name)


def test_command_string_of_any_type(client, actor):
    alpha = actor()
    for sent, written in [(None, b"null"), (5, b"5"), ([1, "é"], rb'[1, "\u00e9"]'), ({"b": 1, "a": 2.0}, b'{"b": 1, "a": 2.0}')]:
        client.send_json(command(command_string=sent))
        assert alpha.commands.get(timeout=30)[2] == b'{"command_string": ' + written + b"}"


@pytest.mark.parametrize("falsy", [None, "", 0, 0.0, False, [], {}])
def test_a_falsy_id_becomes_a_uuid(client, actor, falsy):
    alpha = actor()
    client.send_json(command(command_id=falsy))
    made = alpha.commands.get(timeout=30)[1].correlation_id
    assert str(uuid.UUID(made)) == made and uuid.UUID(made).version == 4


@pytest.mark.parametrize("command_id, text", [(5, "5"), (True, "True"), (-7, "-7")])
def test_ids_that_are_no_text_get_their_replies(client, actor, command_id, text):
    alpha = actor()
    client.send_json(command(command_id=command_id))
    p = alpha.commands.get(timeout=30)[1]
    assert p.headers["command_id"] == command_id and p.correlation_id == text
    assert replies_to(client, command_id, 2)[-1]["headers"]["message_code"] == ":"


@pytest.mark.parametrize("said", ["nope", "[1]", "5", '"x"', "{}", '{"consumer": "alpha"}', '{"command_string": "ping"}',
                                  '{"Consumer": "alpha", "command_string": "ping"}',
                                  '{"consumer": "alpha", "command_string": "ping"', "[" * 100_000])
def test_what_is_no_command_is_passed_over(client, actor, said):
    alpha = actor()
    client.send_text(said)
    client.send_json(command(command_id="after"))
    assert alpha.commands.get(timeout=30)[1].correlation_id == "after"
    assert client.read_json()["headers"]["command_id"] == "after"


def test_further_keys_do_not_matter(client, actor):
    alpha = actor()
    client.send_text('{"consumer":"x","consumer":"alpha","command_string":"ping","internal":true,"zzz":[]}')
    assert alpha.commands.get(timeout=30)[1].headers["internal"] is False


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32-le"])
def test_binary_frames_in_any_encoding(client, actor, encoding):
    alpha = actor()
    client.send_frame(0x2, json.dumps(command(), ensure_ascii=False).encode(encoding))
    assert alpha.commands.get(timeout=30)


def test_fragments(client, actor):
    alpha = actor()
    said = json.dumps(command()).encode()
    client.send_frame(0x1, said[:10], final=False)
    client.send_frame(0x9, b"between")
    client.send_frame(0x0, said[10:20], final=False)
    client.send_frame(0x0, said[20:])
    assert alpha.commands.get(timeout=30)


CONSUMERS = [
    ("nobody", "'nobody'"), ("it's", '"it\'s"'), ('say "x"', "'say \"x\"'"), ("both ' and \"", "'both \\' and \"'"),
    ("back\\slash", "'back\\\\slash'"), ("line\nend\t", "'line\\nend\\t'"), ("é日😀", "'é日😀'"),
    ("\u200b\x7f\u2028", "'\\u200b\\x7f\\u2028'"), (None, "None"), (True, "True"), (5, "5"), ([1, "a"], "[1, 'a']"),
    ({"a": 1}, "{'a': 1}"), ("", "''"),
]


@pytest.mark.parametrize("consumer, shown", CONSUMERS)
def test_an_absent_consumer_fails(bridge, client, consumer, shown):
    client.send_json(command(consumer=consumer, command_id="nb"))
    frame = client.read_json()
    text = consumer if isinstance(consumer, str) else shown
    assert list(frame) == ["headers", "exchange", "message_id", "routing_key", "timestamp", "body"]
    assert list(frame["headers"].items()) == [
        ("command_id", "nb"), ("commander_id", f"{bridge.name}.{text}"), ("internal", False),
        ("message_code", "f"), ("sender", consumer), ("write_to_log", True)]
    assert frame["routing_key"] == f"reply.{bridge.name}"
    assert frame["timestamp"] is None
    assert HEX32.fullmatch(frame["message_id"])
    assert frame["body"] == {"error": f"Failed routing message to consumer {shown}."}


def test_a_failure_is_heard_on_the_exchange(bridge, client, exchange):
    tap = exchange.listen("reply.#")
    client.send_json(command(consumer="nobody", command_id="nb"))
    key, p, body = tap.get(timeout=30)
    assert key == f"reply.{bridge.name}"
    assert p.content_type == "text/json" and p.correlation_id == "nb"
    assert p.priority == 0 and p.delivery_mode == 1
    assert p.timestamp is None and p.reply_to in (None, "")
    assert body == b'{"error": "Failed routing message to consumer \'nobody\'."}'


@pytest.mark.parametrize("bad", [
    {"command_id": ["x"]}, {"command_id": {"a": 1}}, {"command_id": "x" * 256}, {"command_id": "é" * 128},
    {"command_id": 10**30}, {"command_id": "\ud800"}, {"consumer": "x" * 248}, {"consumer": "\ud83d"},
    {"consumer": float("inf")}, {"command_id": float("nan")},
])
def test_what_amqp_cannot_carry_fails_and_the_client_stays(client, actor, bad):
    actor()
    client.send_json({**command(), **bad})
    frame = client.read_json()
    assert frame["headers"]["message_code"] == "f"
    client.send_json(command(command_id="after"))
    assert replies_to(client, "after", 2)


def test_it_is_told_to_that_client_alone(bridge, client):
    with bridge.connect() as other:
        client.send_json(command(command_id=["x"]))
        assert client.read_json()["headers"]["command_id"] == ["x"]
        client.send_json(command(consumer="nobody", command_id="shared"))
        assert other.read_json()["headers"]["command_id"] == "shared"


def test_the_largest_that_can_be_carried(client, exchange):
    tap = exchange.listen("command.#")
    client.send_json(command(consumer="x" * 247, command_id="i" * 255))
    key, p, _ = tap.get(timeout=30)
    assert key == "command." + "x" * 247
    assert p.correlation_id == "i" * 255


def test_a_client_s_commands_keep_their_order(client, actor):
    alpha = actor()
    for i in range(200):
        client.send_json(command(consumer="alpha" if i % 10 else "nobody", command_id=f"n{i}"))
    seen = [alpha.commands.get(timeout=10)[1].correlation_id for _ in range(180)]
    assert seen == [f"n{i}" for i in range(200) if i % 10]


def test_commands_said_before_leaving_are_done(bridge, actor):
    alpha = actor()
    client = bridge.connect()
    for i in range(20):
        client.send_json(command(command_id=f"n{i}"))
    client.shut()
    seen = [alpha.commands.get(timeout=10)[1].correlation_id for _ in range(20)]
    assert seen == [f"n{i}" for i in range(20)]


def test_subkeys_reach_the_actor(client, actor):
    alpha = actor()
    client.send_json(command(consumer="alpha.sub.x"))
    assert alpha.commands.get(timeout=30)[0] == "command.alpha.sub.x"


def test_clients_see_each_other_s_replies(bridge, client, actor):
    actor()
    with bridge.connect() as other:
        client.send_json(command())
        assert replies_to(other, "id-1", 2) == replies_to(client, "id-1", 2)
