"""The payloads in docs/relay-protocol.md are what its own application sends."""

import re

import pytest

from documents import applications, blocks
from raw_ws import RawWebSocket

DOCUMENT = "docs/relay-protocol.md"
HEARD = blocks("heard")


def shape(text):
    """The text with what differs from run to run taken out."""
    text = re.sub(r"\{natterjack@[^}]*\}", "{PID}", text)
    return re.sub(r'(?i)("uptime"):"[^"]*"', r"\1:T", text).strip()


@pytest.fixture(scope="module")
def listener(tmp_path_factory):
    from natterjack import Natterjack

    folder = tmp_path_factory.mktemp("listener")
    for file, text in applications()[DOCUMENT, "listener"].items():
        (folder / file).write_text(text)
    with Natterjack(folder) as server:
        yield server


def test_the_document_shows_every_topic_in_both_dialects():
    assert {block.words for block in HEARD} == {
        (dialect, topic) for dialect in ("text", "table")
        for topic in ("ws.join", "ws.heartbeat", "ws.leave")
    }


@pytest.mark.parametrize("dialect", ["text", "table"])
def test_a_hub_receives_what_the_document_shows(listener, dialect):
    path = f"/api/v1/{dialect}"
    watcher = RawWebSocket(listener.port, path)
    watcher.read_topic("ws.join")
    client = RawWebSocket(listener.port, path + "?nick=ada")
    heard = {"ws.join": watcher.read_topic("ws.join")}
    client.read_topic("ws.join")
    pid = re.search(r"\{natterjack@[^}]*\}", heard["ws.join"])[0]
    while "ws.heartbeat" not in heard:
        beat = watcher.read_topic("ws.heartbeat")
        if pid in beat:
            heard["ws.heartbeat"] = beat
    client.drop()
    heard["ws.leave"] = watcher.read_topic("ws.leave")
    watcher.drop()
    for block in HEARD:
        if block.words[0] == dialect:
            assert shape(heard[block.words[1]]) == shape(block.text), str(block)


def test_a_client_without_metadata(listener):
    for dialect, expected in [
        ("table", '{"client_pid":"{PID}"}'),
        ("text", '{"client_pid":"{PID}","metadata":{},"ClientPID":"{PID}","Metadata":{}}'),
    ]:
        client = RawWebSocket(listener.port, f"/api/v1/{dialect}")
        assert shape(client.read_topic("ws.join")) == expected
        client.drop()
