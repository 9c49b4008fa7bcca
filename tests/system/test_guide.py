"""The integration guide's own code, byte for byte, on the shipped binary.

The guide's text lies beside the repository; where it is absent, these tests are skipped.
"""

import json
import re
import signal

import pytest

from natterjack import REPOSITORY
from raw_http import get
from raw_ws import RawWebSocket, Refused

HEADING = "# WebSocket Integration Guide"
CONNECT = "/api/v1/ws/connect"


def find_guide():
    for path in sorted((REPOSITORY.parent / "shared/seeds").glob("*.txt")):
        text = path.read_bytes().decode()
        if text.startswith(HEADING):
            return text
    return None


GUIDE = find_guide()
pytestmark = pytest.mark.skipif(
    GUIDE is None, reason="the guide's text (../shared/seeds/*.txt) is not beside this repository"
)


def code_of(section):
    """The code block of a section, as it stands between its fences."""
    body = re.search(rf"^## {section}\. .*?(?=^## |\Z)", GUIDE, re.S | re.M)[0]
    [code] = re.findall(r"^```\w+\n(.*?)^```$", body, re.S | re.M)
    return code


@pytest.fixture
def folder(application):
    return application({
        "ws_auth.lua": code_of(2),
        "ws_hub_process.lua": code_of(3),
        "_index.yaml": code_of(4),
    })


@pytest.fixture
def hub(serve, folder):
    return serve(folder)


def connect(server, **options):
    """A client that has been welcomed, and the count it was told."""
    client = RawWebSocket(server.port, CONNECT, **options)
    welcome = client.read_json()
    assert welcome["topic"] == "welcome"
    assert welcome["data"]["message"] == "Connected successfully"
    return client, welcome["data"]["client_count"]


def test_each_client_is_welcomed_with_the_count_of_clients(hub):
    _, first = connect(hub)
    _, second = connect(hub)
    assert (first, second) == (1, 2)
    assert isinstance(first, int)
    hub.stdout.wait_for(r"WebSocket hub started with PID:")
    hub.stdout.wait_for(r"Client joined:", times=2)


def test_chat_reaches_everybody_from_anonymous_with_an_integer_timestamp(hub):
    (ada, _), (bufo, _) = connect(hub), connect(hub)
    # The guide's client sends this first; the guide's hub takes no notice of it.
    ada.send_json({"type": "update_metadata", "nickname": "User123", "avatar": "default"})
    ada.send_json({"type": "chat", "message": "grüß dich"})
    for client in (ada, bufo):
        message = client.read_json()
        assert message["topic"] == "chat"
        assert set(message["data"]) == {"from", "message", "timestamp"}
        assert message["data"]["from"] == "Anonymous"
        assert message["data"]["message"] == "grüß dich"
        assert type(message["data"]["timestamp"]) is int


def test_a_broadcast_command_reaches_everybody_from_system(hub):
    (ada, _), (bufo, _) = connect(hub), connect(hub)
    ada.send_json({"type": "command", "command": "broadcast", "message": "tea is ready"})
    for client in (ada, bufo):
        assert client.read_json() == {
            "topic": "broadcast", "data": {"from": "system", "message": "tea is ready"},
        }


def test_500_messages_arrive_in_order(hub):
    (ada, _), (bufo, _) = connect(hub), connect(hub)
    for number in range(500):
        ada.send_json({"type": "chat", "message": str(number)})
    for client in (ada, bufo):
        assert [client.read_json()["data"]["message"] for _ in range(500)] == [
            str(number) for number in range(500)
        ]


def test_what_is_not_json_is_printed_as_an_error_and_the_hub_lives_on(hub):
    ada, _ = connect(hub)
    ada.send_text("{not json")
    ada.send_text("")
    ada.send_json({"type": "chat", "message": "still here"})
    assert ada.read_json()["data"]["message"] == "still here"
    hub.stdout.wait_for(r"Error decoding message payload:", times=2)


@pytest.mark.parametrize("how", ["close frame", "end of TCP", "reset"])
def test_a_client_that_leaves_is_counted_however_it_leaves(hub, how):
    ada, _ = connect(hub)
    bufo, count = connect(hub)
    assert count == 2
    if how == "close frame":
        bufo.send_close(1000, "good night")
        assert bufo.read_until_closed().code == 1000
    elif how == "end of TCP":
        bufo.shut()
    else:
        bufo.drop()
    hub.stdout.wait_for(r"Client left:")
    ada.send_json({"type": "chat", "message": "alone"})
    assert ada.read_topic("chat")["message"] == "alone"
    _, count = connect(hub)
    assert count == 2  # ada and the new one
    assert len(hub.stdout.matching(r"Client left:")) == 1


def test_a_foreign_origin_is_refused_with_403(hub):
    with pytest.raises(Refused) as refused:
        RawWebSocket(hub.port, CONNECT, headers={"Origin": "http://elsewhere.example"})
    assert refused.value.status == 403
    assert b"elsewhere.example" in refused.value.body


def test_the_same_origin_and_an_absent_one_are_let_in(hub):
    connect(hub, headers={"Origin": f"http://127.0.0.1:{hub.port}"})
    connect(hub)


def test_allow_origins_lets_others_in(serve, folder):
    hub = serve(folder, "--allow-origins", "*.friend.example, other.example")
    connect(hub, headers={"Origin": "https://a.friend.example"})
    connect(hub, headers={"Origin": "https://other.example"})
    with pytest.raises(Refused):
        RawWebSocket(hub.port, CONNECT, headers={"Origin": "http://elsewhere.example"})


def test_a_plain_get_is_told_to_upgrade_with_426(hub):
    answer = get(hub.port, CONNECT)
    assert answer.status == 426
    assert answer.headers["upgrade"].lower() == "websocket"


def test_the_relay_header_never_leaves_the_server(hub):
    client, _ = connect(hub)
    assert "x-ws-relay" not in client.head.headers
    assert "x-ws-relay" not in get(hub.port, CONNECT).headers


def test_sigterm_gives_each_client_a_close_frame_and_exit_code_0(hub):
    clients = [connect(hub)[0] for _ in range(3)]
    hub.process.send_signal(signal.SIGTERM)
    for client in clients:
        assert client.read_until_closed().code == 1001
    assert hub.process.wait(20) == 0


MOVER = """local json = require("json")

{section_6}
function run()
    process.registry.register("mover")
    local inbox = process.inbox()
    local watcher
    while true do
        local message = inbox:receive()
        local data = message:payload():data()
        if data == "watch" then
            watcher = message:from()
        elseif data == "move" then
            local target = process.registry.lookup("second")
            print("reconfigured:", reconfigureConnection(message:from(), target))
        end
        if watcher then
            process.send(watcher, "seen", {{ topic = message:topic(), data = data }})
        end
    end
end

return {{ run = run }}
"""

SECOND = """
function run()
    process.registry.register("second")
    local inbox = process.inbox()
    while true do
        local message = inbox:receive()
        process.send(message:from(), "second",
                     { topic = message:topic(), data = message:payload():data() })
    end
end

return { run = run }
"""

MOVER_YAML = """
version: "1.0"
namespace: app.moving
entries:
  - { name: mover, kind: process.lua, source: "file://mover.lua", method: run, modules: [ json ] }
  - { name: second, kind: process.lua, source: "file://second.lua", method: run }
  - name: mover.service
    kind: process.service
    process: mover
    host: system:processes
    lifecycle: { auto_start: true }
  - name: second.service
    kind: process.service
    process: second
    host: system:processes
    lifecycle: { auto_start: true }
  - { name: ws_auth, kind: function.lua, source: "file://ws_auth.lua", method: handler,
      modules: [ http, json ] }
  - { name: endpoint, kind: http.endpoint, method: GET, path: /ws/connect, func: ws_auth }
"""


def test_reconfigure_connection_moves_a_client_to_a_second_hub(serve, application):
    server = serve(application({
        "_index.yaml": MOVER_YAML,
        "mover.lua": MOVER.format(section_6=code_of(6)),
        "second.lua": SECOND,
        "ws_auth.lua": code_of(2).replace("my_ws_hub", "mover"),
    }))
    watcher = RawWebSocket(server.port, CONNECT)
    watcher.send_text("watch")
    assert watcher.read_topic("seen")["data"] == "watch"
    client = RawWebSocket(server.port, CONNECT)
    assert watcher.read_topic("seen")["topic"] == "ws.join"

    client.send_text("move")
    client_moved = client.read_topic("second")
    server.stdout.wait_for(r"reconfigured:\s+true")

    assert client_moved["topic"] == "ws.join"
    joined = json.loads(client_moved["data"])
    assert joined["Metadata"] == joined["metadata"] == {"new_property": "value"}
    assert joined["ClientPID"] == joined["client_pid"]

    seen = [watcher.read_topic("seen")["topic"] for _ in range(2)]
    assert seen == ["ws.message", "ws.leave"]

    client.send_text("hello")
    assert client.read_topic("second") == {"topic": "ws.new_topic", "data": "hello"}
