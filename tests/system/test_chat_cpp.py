"""What examples/chat_cpp is beyond a chat: its own program, its own class, supervised as any service.

Run by ctest as system_chat_cpp, with the example's own binary; skipped elsewhere.
"""

import filecmp
import json
import os
import re

import pytest

from natterjack import REPOSITORY, command
from raw_ws import RawWebSocket

FOLDER = REPOSITORY / "examples/chat_cpp/app"
pytestmark = pytest.mark.skipif("NATTERJACK_CHAT" not in os.environ,
                                reason="needs the binary of examples/chat_cpp")

ENTRIES = """\
namespace: app
entries:
  - name: room
    kind: process.cpp
    class: {class_name}
  - name: lobby
    kind: process.service
    process: room
    input: {input}
    lifecycle: {{ auto_start: true, restart: {{ initial_delay: 50ms }} }}
  - name: gateway
    kind: http.service
    addr: "127.0.0.1:0"
    lifecycle: {{ auto_start: true }}
"""


def test_check_knows_the_classes_of_this_program(application):
    checked = command("check", FOLDER)
    assert checked.returncode == 0, checked.stderr
    folder = application({"_index.yaml": ENTRIES.format(class_name="chat.rom", input="[x]")})
    checked = command("check", folder)
    assert checked.returncode == 2
    assert '_index.yaml:5: app:room: class: this program has no hub class "chat.rom"' \
           ' (did you mean "chat.room"?); expected chat.room' in checked.stderr


def test_the_plain_binary_has_no_classes(application, monkeypatch):
    monkeypatch.setenv("NATTERJACK_BIN", str(REPOSITORY / "build/release/natterjack"))
    checked = command("check", FOLDER)
    assert checked.returncode == 2
    assert 'this program has no hub class "chat.room"' in checked.stderr


def test_a_hub_that_fails_says_where_and_is_started_again(application, serve):
    server = serve(application({"_index.yaml": ENTRIES.format(class_name="chat.room", input="[]")}))
    server.wait_for(r"process failed: app:room: on_start: input 1 is missing")
    server.wait_for(r"app:lobby: failed: app:room: on_start: .*; started again in", times=2)
    assert "app:lobby: started" not in server.stderr.text()


def test_the_page_is_that_of_the_chat():
    for file in ("index.html", "chat.css", "chat.js", "toad.svg"):
        assert filecmp.cmp(FOLDER / "public" / file, REPOSITORY / "examples/chat/public" / file,
                           shallow=False), file


def test_deep_json_does_not_end_the_room(serve):
    server = serve(FOLDER)
    client = RawWebSocket(server.port, "/api/v1/ws/connect?nick=ada")
    client.read_topic("welcome")
    client.send_text("[" * 500_000)
    assert "levels" in client.read_topic("error")["message"]
    client.send_text(json.dumps({"type": "say", "text": "still here"}))
    assert client.read_topic("said")["text"] == "still here"


def test_a_hub_in_cpp_ends_with_the_server(serve):
    server = serve(FOLDER)
    client = RawWebSocket(server.port, "/api/v1/ws/connect?nick=ada")
    client.read_topic("welcome")
    assert server.stop() == 0
    assert client.read_until_closed().code == 1001


SPAWNER = """\
return { run = function()
  local events = process.events()
  local host = "system:processes"
  local pid = process.spawn_monitored("app:room", host, "garden")
  local late = process.with_context({}):with_name("second"):spawn("app:room", host, "attic")
  local twin = process.spawn_monitored("app:room", host, "garden")
  local event = events:receive()
  print("twin", event.from == twin, event.result.error)
  print("first", process.registry.lookup("chat.garden") == pid, process.registry.lookup("second") == late)
  process.cancel(pid)
  event = events:receive()
  print("ended", event.from == pid, event.result.error)
  print("nothing", process.spawn("app:none", host))
end }
"""


def test_a_script_starts_a_hub_in_cpp(application, serve):
    server = serve(application({"spawner.lua": SPAWNER, "_index.yaml": """\
namespace: app
entries:
  - { name: room, kind: process.cpp, class: chat.room }
  - { name: spawner, kind: process.lua, source: "file://spawner.lua" }
  - { name: service, kind: process.service, process: spawner, lifecycle: { auto_start: true } }
  - { name: gateway, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
"""}))
    server.stdout.wait_for(r"^nothing nil no process.lua or process.cpp entry 'app:none'")
    text = server.stdout.text()
    assert re.search(r'twin true .*there is a room "garden" already', text), text
    assert "first true true" in text
    assert "ended true nil" in text
