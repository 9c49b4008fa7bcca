"""`process.terminate`, seen by who monitors and links what it ends."""

import pytest

from raw_ws import RawWebSocket

ENTRIES = """\
namespace: app
entries:
  - { name: hub, kind: process.lua, source: "file://hub.lua" }
  - { name: hub.service, kind: process.service, process: hub, lifecycle: { auto_start: true } }
  - { name: connect, kind: function.lua, source: "file://connect.lua", method: handler, modules: [ http, json ] }
  - { name: connect.endpoint, kind: http.endpoint, method: GET, path: /ws, func: connect }
"""

HUB = """\
local function watch(pid)
    process.set_options({ trap_links = true })
    process.monitor(pid)
    process.link(pid)
end

return { run = function()
    process.registry.register("hub")
    local inbox, events = process.inbox(), process.events()
    while true do
        local got = channel.select({ inbox:case_receive(), events:case_receive() })
        if got.channel == events then
            local event = got.value
            if event.kind == process.event.CANCEL then return end
            print(event.kind, event.result.value, event.result.error)
        elseif got.value:topic() == "ws.join" then
            watch(got.value:from())
        elseif got.value:topic() == "ws.message" then
            process.terminate(got.value:from())
        end
    end
end }
"""

CONNECT = """\
local http, json = require("http"), require("json")

return { handler = function()
    http.response():set_header("X-WS-Relay", json.encode({ target_pid = process.registry.lookup("hub") }))
end }
"""


@pytest.fixture
def server(serve, application):
    return serve(application({"_index.yaml": ENTRIES, "hub.lua": HUB, "connect.lua": CONNECT}))


def test_a_connection_that_is_ended_leaves_the_hub_that_is_linked_to_it(server):
    for times in (1, 2):  # the hub is there for the next client
        client = RawWebSocket(server.port, "/api/v1/ws")
        client.send_text("end me")
        assert client.read_until_closed().code == 1000
        server.stdout.wait_for("^pid.exit websocket connection closed nil$", times=times)
    assert "pid.link.down" not in server.stdout.text()


def test_so_does_one_whose_client_never_answers(server):
    client = RawWebSocket(server.port, "/api/v1/ws")
    client.send_text("end me")
    server.stdout.wait_for("^pid.exit websocket connection closed nil$")
