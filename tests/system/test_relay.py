"""The relay: how an endpoint's answer becomes a connection, and what hub and client then hear."""

import json

import pytest
from websockets.sync.client import connect as independent_client

import probe
from probe import Probe, arrive
from raw_http import exchange, request
from raw_ws import PING, PONG, RawWebSocket, Refused

GUIDE, CURRENT = "text", "table"  # the endpoint without, and the one with a router


def refusal(server, **query):
    with pytest.raises(Refused) as refused:
        Probe(server, query=query)
    return refused.value


# --- the header ----------------------------------------------------------------------------------


def test_a_header_that_is_not_json_is_a_500_that_says_so(probe_server):
    refused = refusal(probe_server, relay="{not json")
    assert refused.status == 500
    assert "error" in json.loads(refused.body)


def test_the_log_names_the_entry_whose_header_is_wrong_and_where_it_stands(probe_server):
    refusal(probe_server, relay="{not json either")
    line = probe.line_of("- name: text", "_index.yaml")
    probe_server.wait_for(rf"error probe:text \(\S*_index\.yaml:{line}\): X-WS-Relay: .*found "
                          r"\{not json either")


@pytest.mark.parametrize("upgrade", [{}, {"Connection": "Upgrade", "Upgrade": "websocket"}])
def test_an_empty_header_is_none_and_stays_here(probe_server, upgrade):
    answer = request(probe_server.port, "GET", probe.path(relay=""), upgrade)
    assert answer.status == 200
    assert "x-ws-relay" not in answer.headers


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


@pytest.mark.parametrize("connection", ["Upgrade", "keep-alive, Upgrade"])
def test_http_1_0_has_no_upgrade(probe_server, connection):
    answer = exchange(probe_server.port, (
        f"GET {probe.path()} HTTP/1.0\r\nHost: h\r\nUpgrade: websocket\r\nConnection: {connection}\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
    assert answer.status == 426 and b"upgrade" in answer.body


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


# --- pings ---------------------------------------------------------------------------------------

def test_a_client_that_answers_pings_stays(serve_probe):
    # Without answers it would be gone after 20 pings; a client three seconds late is not.
    client = Probe(serve_probe("--set", "system:gateway.limits.ping_interval=150ms",
                               "--set", "system:gateway.limits.ping_missed=20"))
    while client.pings < 25:
        with pytest.raises(TimeoutError):
            client.read_data(0.25)
    assert client.echo(1) == 1


def test_a_client_that_answers_no_ping_is_gone_and_its_hub_is_told(serve_probe):
    server = serve_probe("--set", "system:gateway.limits.ping_interval=1500ms")
    watcher = Probe(server).watch()
    client = Probe(server, answer_pings=False)
    pid = watcher.await_report(topic="ws.join")["from"]
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
