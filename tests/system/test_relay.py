"""The relay: how an endpoint's answer becomes a connection, and what hub and client then hear."""

import json

import pytest
from websockets.sync.client import connect as independent_client

import probe
from probe import Probe
from raw_ws import (BINARY, CONTINUATION, PING, PONG, TEXT, RawWebSocket, Refused, encode_frame)

GUIDE, CURRENT = "text", "table"  # the endpoint without, and the one with a router


@pytest.fixture
def watcher(probe_server):
    with Probe(probe_server) as client:
        yield client.watch()


def arrive(server, watcher, dialect=GUIDE, **options):
    """A client, and the join report its hub gave to the watcher."""
    client = Probe(server, dialect, **options)
    return client, watcher.await_report(client.pid(), topic="ws.join")


def refusal(server, **query):
    with pytest.raises(Refused) as refused:
        Probe(server, query=query)
    return refused.value


# --- the header ----------------------------------------------------------------------------------


def test_a_header_that_is_not_json_is_a_500_that_says_so(probe_server):
    refused = refusal(probe_server, relay="{not json")
    assert refused.status == 500
    assert "error" in json.loads(refused.body)


@pytest.mark.parametrize("metadata", ["[1, 2]", '"text"', "7"])
def test_metadata_that_is_not_an_object_is_a_500(probe_server, metadata):
    relay = f'{{"target_pid": "@first@", "metadata": {metadata}}}'
    assert refusal(probe_server, relay=relay).status == 500


@pytest.mark.parametrize("metadata", ["{}", "[]"])
def test_empty_metadata_is_accepted_in_both_spellings(probe_server, metadata):
    relay = f'{{"target_pid": "@first@", "metadata": {metadata}}}'
    assert Probe(probe_server, query={"relay": relay}).hub() == "first"


@pytest.mark.parametrize("target", ["", "no braces", "{no-pipe}"])
def test_a_target_that_is_neither_pid_nor_name_is_a_400(probe_server, target):
    refused = refusal(probe_server, relay={"target_pid": target})
    assert refused.status == 400
    assert b"Invalid target PID" in refused.body


def test_a_registered_name_is_a_target_as_well(probe_server):
    assert Probe(probe_server, query={"relay": {"target_pid": "second"}}).hub() == "second"


def test_no_target_at_all_is_a_400(probe_server):
    assert refusal(probe_server, relay={"metadata": {"a": 1}}).status == 400


def test_a_negative_heartbeat_interval_is_a_500_and_0_switches_it_off(probe_server, watcher):
    relay = {"target_pid": "@first@", "heartbeat_interval": "-1s"}
    assert refusal(probe_server, relay=relay).status == 500
    relay["heartbeat_interval"] = "0s"
    assert Probe(probe_server, query={"relay": relay}).hub() == "first"


@pytest.mark.parametrize("query, status", [
    ({"before": "403"}, 403), ({"after": "403"}, 403), ({"body": "no thanks"}, 200),
])
def test_a_status_or_a_body_wins_over_the_header(probe_server, query, status):
    refused = refusal(probe_server, **query)
    assert refused.status == status
    assert "x-ws-relay" not in refused.headers


def test_an_error_in_the_function_is_a_500_even_after_the_header(probe_server):
    assert refusal(probe_server, **{"raise": "1"}).status == 500


def test_a_request_that_is_no_upgrade_gets_426(probe_server):
    with pytest.raises(Refused) as refused:
        RawWebSocket(probe_server.port, probe.path(), headers={"Upgrade": None, "Connection": None})
    assert refused.value.status == 426


@pytest.mark.parametrize("headers", [
    {"Sec-WebSocket-Key": None},
    {"Sec-WebSocket-Key": "too short"},
    {"Sec-WebSocket-Version": "12"},
    {"Sec-WebSocket-Version": None},
    {"Content-Length": "3"},
])
def test_a_handshake_against_the_standard_is_refused(probe_server, headers):
    with pytest.raises(Refused) as refused:
        RawWebSocket(probe_server.port, probe.path(), headers=headers, pipelined=b"abc"
                     if "Content-Length" in headers else b"")
    assert refused.value.status in (400, 426)


def test_subprotocols_and_extensions_on_offer_are_not_taken_up(probe_server):
    client = Probe(probe_server, headers={"Sec-WebSocket-Protocol": "chat, superchat"})
    assert "sec-websocket-protocol" not in client.head.headers
    assert "sec-websocket-extensions" not in client.head.headers


def test_header_names_and_values_in_any_case_make_a_handshake(probe_server):
    headers = {"Upgrade": None, "Connection": None, "UPGRADE": "WebSocket",
               "connection": "keep-alive, upgrade"}
    with RawWebSocket(probe_server.port, probe.path(), headers=headers) as client:
        client.send_json({"ask": "echo", "data": 1})
        assert client.read_topic("echo") == 1


def test_a_client_that_is_not_ours_understands_the_server(probe_server):
    with independent_client(f"ws://127.0.0.1:{probe_server.port}{probe.path()}") as client:
        client.send(json.dumps({"ask": "echo", "data": "hello"}))
        assert json.loads(client.recv()) == {"topic": "echo", "data": "hello"}
        client.ping().wait(5)


# --- the dialects --------------------------------------------------------------------------------


def test_without_a_router_join_is_json_text_with_both_spellings(probe_server, watcher):
    client, join = arrive(probe_server, watcher, GUIDE)
    assert join["type"] == "string"
    data = join["data"]
    assert data["client_pid"] == data["ClientPID"] == join["from"]
    assert data["metadata"] == data["Metadata"] == {"colour": "olive"}


def test_with_a_router_join_is_a_table_with_snake_case_names_only(probe_server, watcher):
    client, join = arrive(probe_server, watcher, CURRENT)
    assert join["type"] == "table"
    assert join["data"] == {"client_pid": join["from"], "metadata": {"colour": "olive"}}


def test_without_metadata_the_guide_sees_an_empty_one_and_the_current_dialect_none(
        probe_server, watcher):
    query = {"relay": {"target_pid": "@first@"}}
    _, join = arrive(probe_server, watcher, GUIDE, query=query)
    assert join["data"]["Metadata"] in ({}, [])  # an empty table has no shape once Lua has had it
    _, join = arrive(probe_server, watcher, CURRENT, query=query)
    assert join["data"] == {"client_pid": join["from"]}


@pytest.mark.parametrize("dialect, form, type_of_join", [
    (GUIDE, "table", "table"), (CURRENT, "text", "string"),
])
def test_payload_format_in_the_header_wins_over_the_endpoint(
        probe_server, watcher, dialect, form, type_of_join):
    query = {"relay": {"target_pid": "@first@", "payload_format": form}}
    _, join = arrive(probe_server, watcher, dialect, query=query)
    assert join["type"] == type_of_join


@pytest.mark.parametrize("dialect", [GUIDE, CURRENT])
def test_leave_has_the_shape_of_join(probe_server, watcher, dialect):
    client, join = arrive(probe_server, watcher, dialect)
    client.send_close()
    leave = watcher.await_report(join["from"], topic="ws.leave")
    assert leave["type"] == join["type"]
    assert leave["data"] == join["data"]


@pytest.mark.parametrize("dialect", [GUIDE, CURRENT])
def test_heartbeats_tell_uptime_and_the_count_of_messages(probe_server, watcher, dialect):
    relay = {"target_pid": "@first@", "heartbeat_interval": "50ms", "metadata": {"a": 1}}
    client, join = arrive(probe_server, watcher, dialect, query={"relay": relay})
    pid = join["from"]
    data = {"message_count": 0}
    while data["message_count"] == 0:  # `whoami`, sent by arrive(), may be later than the first
        beat = watcher.await_report(pid, topic="ws.heartbeat")
        data = beat["data"]
    assert beat["type"] == join["type"]
    assert data["client_pid"] == pid and data["metadata"] == {"a": 1}
    assert data["message_count"] == 1
    assert data["uptime"].endswith("s") and data["uptime"][0].isdigit()
    if dialect == GUIDE:
        assert data["ClientPID"] == pid and data["Metadata"] == {"a": 1}
        assert data["Uptime"] == data["uptime"] and data["MessageCount"] == 1
    else:
        assert set(data) == {"client_pid", "uptime", "message_count", "metadata"}
    client.echo("one more")
    counts = {1}
    while 2 not in counts:
        beat = watcher.await_report(pid, topic="ws.heartbeat")
        counts.add(beat["data"]["message_count"])
    assert counts == {1, 2}


def test_the_message_topic_may_be_chosen(probe_server, watcher):
    relay = {"target_pid": "@first@", "message_topic": "my.topic"}
    client, join = arrive(probe_server, watcher, query={"relay": relay})
    client.send_text("hello")
    report = watcher.await_report(join["from"], topic="my.topic")
    assert bytes.fromhex(report["hex"]) == b"hello"


def test_the_sender_of_everything_is_the_pid_of_the_connection(probe_server, watcher):
    client, join = arrive(probe_server, watcher)
    client.send_text("hello")
    watcher.await_report(join["data"]["client_pid"], topic="ws.message")
    assert join["from"].startswith("{") and "|0x" in join["from"]


# --- messages ------------------------------------------------------------------------------------


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
    first, second = Probe(probe_server), Probe(probe_server, query={"relay": {"target_pid": "@second@"}})
    first.ask("send", pid=second.pid(), topic="hello", data={"from": "first"})
    assert second.read_topic("hello") == {"from": "first"}


# --- ws.control ----------------------------------------------------------------------------------


@pytest.mark.parametrize("as_text", [False, True], ids=["table", "JSON text"])
def test_control_moves_a_connection_with_leave_here_and_join_there(probe_server, watcher, as_text):
    with Probe(probe_server, query={"relay": {"target_pid": "@second@"}}) as there:
        there.watch()
        client, join = arrive(probe_server, watcher)
        client.ask("control", to="second", as_text=as_text,
                   body={"metadata": {"colour": "yellow"}, "message_topic": "moved"})
        leave = watcher.await_report(join["from"], topic="ws.leave")
        joined = there.await_report(join["from"], topic="ws.join")
        assert leave["data"]["metadata"] == joined["data"]["metadata"] == {"colour": "yellow"}
        client.send_text("hello")
        assert there.await_report(topic="moved", hub="second")["from"] == join["from"]
        assert client.hub() == "second"


def test_control_without_a_target_changes_only_what_it_names(probe_server, watcher):
    client, join = arrive(probe_server, watcher)
    client.ask("control", body={"message_topic": "renamed"})
    client.ask("echo", data="after")
    client.read_topic("echo")
    client.send_text("hello")
    report = watcher.await_report(join["from"], topic="renamed")
    assert bytes.fromhex(report["hex"]) == b"hello"
    client.send_close()
    leave = watcher.await_report(join["from"], topic="ws.leave")
    assert leave["data"]["metadata"] == {"colour": "olive"}


def test_control_replaces_metadata_as_a_whole_and_empty_leaves_it(probe_server, watcher):
    client, join = arrive(probe_server, watcher)
    client.ask("control", body={"metadata": {"size": "small"}})
    client.ask("control", body={"metadata": {}})
    client.echo("both are through")
    client.send_close()
    leave = watcher.await_report(join["from"], topic="ws.leave")
    assert leave["data"]["metadata"] == {"size": "small"}


def test_control_may_set_the_heartbeat(probe_server, watcher):
    client, join = arrive(probe_server, watcher)
    client.ask("control", body={"heartbeat_interval": "50ms"})
    watcher.await_report(join["from"], topic="ws.heartbeat")
    client.ask("control", body={"heartbeat_interval": "0s"})
    assert client.echo(1) == 1


def test_control_to_the_same_target_is_neither_leave_nor_join(probe_server, watcher):
    client, join = arrive(probe_server, watcher)
    client.ask("control", to="first", body={"message_topic": "here"})
    client.echo("the control is through")
    client.send_text("hello")
    assert watcher.await_report(join["from"])["topic"] == "here"


@pytest.mark.parametrize("body", [{"target_pid": "no pid"}, "not an object", 7, []])
def test_control_that_makes_no_sense_is_ignored_and_logged(probe_server, body):
    client = Probe(probe_server)
    logged = len(probe_server.stderr.matching("ws.control"))
    client.ask("control", body=body)
    assert client.echo("still here") == "still here"
    if body != []:
        probe_server.wait_for("ws.control", times=logged + 1)


def test_control_is_neither_shown_to_the_client_nor_to_the_target(probe_server, watcher):
    client, join = arrive(probe_server, watcher)
    client.ask("control", body={"message_topic": "quiet"})
    client.ask("echo", data=1)
    assert client.read_json()["topic"] == "echo"
    client.send_text("hello")
    assert watcher.await_report(join["from"])["topic"] == "quiet"


# --- pings ---------------------------------------------------------------------------------------

FAST_PINGS = ("--set", "system:gateway.limits.ping_interval=200ms")


def test_a_client_that_answers_pings_stays(serve_probe):
    client = Probe(serve_probe(*FAST_PINGS))
    while client.pings < 5:
        with pytest.raises(TimeoutError):
            client.read_data(0.25)
    assert client.echo(1) == 1


def test_a_client_that_answers_no_ping_is_gone_and_its_hub_is_told(serve_probe):
    server = serve_probe(*FAST_PINGS)
    watcher = Probe(server).watch()
    client = Probe(server, answer_pings=False)
    pid = client.pid()
    watcher.await_report(pid, topic="ws.leave")
    client.read_until_closed()
    assert 1 <= client.pings <= 4


def test_unasked_pongs_are_welcome(probe_server):
    client = Probe(probe_server)
    client.send_frame(PONG, b"by the way")
    assert client.echo(1) == 1


def test_a_ping_is_answered_with_its_own_payload(probe_server):
    client = Probe(probe_server)
    for payload in (b"", b"x" * 125):
        client.send_frame(PING, payload)
        pong = client.read_frame()
        assert (pong.opcode, pong.payload) == (PONG, payload)
