"""ws.control: a hub changes where a connection reports to, and how, without closing it."""

import pytest

from probe import Probe, arrive


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
