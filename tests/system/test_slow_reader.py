"""One client that stops reading is its own problem, and nobody else's."""

import threading
import time

import pytest

from natterjack import command
from raw_ws import TEXT, RawWebSocket, encode_frame

CONNECT = "/api/v1/ws/connect"
MESSAGES = 4000
FILLING = "x" * 8000

# Sends every message on to all its clients, one by one, as a simple hub would.
HUB = """
local clients = {}

function run()
    process.registry.register("repeater")
    local inbox = process.inbox()
    while true do
        local message = inbox:receive()
        local topic, sender = message:topic(), message:from()
        if topic == "ws.join" then
            clients[sender] = true
            process.send(sender, "welcome", {})
        elseif topic == "ws.leave" then
            clients[sender] = nil
            print("left", sender)
        elseif topic == "ws.message" then
            local text = message:payload():data()
            local count = tonumber(text:match("^burst (%d+)"))
            for number = 1, count or 1 do
                for client in pairs(clients) do
                    process.send(client, "said", count and number .. " " .. text or text)
                end
            end
        end
    end
end

return { run = run }
"""

CONNECT_LUA = """
local http = require("http")
function handler()
    local pid = process.registry.lookup("repeater")
    http.response():set_header("X-WS-Relay", '{"target_pid": "' .. pid .. '"}')
end
return { handler = handler }
"""

YAML = """
version: "1.0"
namespace: slow
entries:
  - { name: hub, kind: process.lua, source: "file://hub.lua", method: run }
  - name: service
    kind: process.service
    process: hub
    host: system:processes
    lifecycle: { auto_start: true }
  - { name: connect, kind: function.lua, source: "file://connect.lua", method: handler,
      modules: [ http ] }
  - { name: endpoint, kind: http.endpoint, method: GET, path: /ws/connect, func: connect }
"""


@pytest.fixture
def folder(application):
    return application({"_index.yaml": YAML, "hub.lua": HUB, "connect.lua": CONNECT_LUA})


@pytest.fixture
def server(serve, folder):
    return serve(folder)


def join(server, **options):
    client = RawWebSocket(server.port, CONNECT, **options)
    client.read_topic("welcome")
    return client


def speak(client, messages, first=0):
    """Sends all of them from a thread of its own, so that the test can read meanwhile."""
    frames = [encode_frame(TEXT, f"{number} {FILLING}".encode())
              for number in range(first, first + messages)]

    def send_all():
        for frame in frames:
            client.send_bytes(frame)

    thread = threading.Thread(target=send_all)
    thread.start()
    return thread


def converse(client, messages, at_a_time=100):
    """Speaks and hears all of them, in rounds: who is held up has never so much unread that it seems slow."""
    for first in range(0, messages, at_a_time):
        count = min(at_a_time, messages - first)
        speaking = speak(client, count, first)
        assert numbers(client, count) == list(range(first, first + count))
        speaking.join()


def numbers(client, count, timeout=60):
    """The numbers in front of the next `count` messages."""
    end = time.monotonic() + timeout
    found = []
    for _ in range(count):
        message = client.read_json(end - time.monotonic())
        assert message["topic"] == "said"
        found.append(int(message["data"].split(" ", 1)[0]))
    return found


def test_the_other_gets_all_in_order_and_a_third_is_answered_at_once(server):
    healthy = join(server)
    slow = join(server, receive_buffer=4096)  # and never reads again

    speaking = speak(healthy, MESSAGES)
    first_half = numbers(healthy, MESSAGES // 2)

    # Half-way, with the slow reader's outbox full: a newcomer is served as if nothing were wrong.
    answered = threading.Event()
    rest = []
    reading = threading.Thread(target=lambda: rest.extend(numbers(healthy, MESSAGES // 2)))
    reading.start()
    waited_ms, draining = [], []
    for _ in range(5):  # the best of them counts: the test itself may be held up
        began = time.monotonic()
        newcomer = join(server)
        waited_ms.append((time.monotonic() - began) * 1000)
        draining.append(threading.Thread(target=drain, args=(newcomer, answered)))
        draining[-1].start()

    reading.join()
    speaking.join()
    answered.set()
    for thread in draining:
        thread.join()
    assert first_half + rest == list(range(MESSAGES))
    assert min(waited_ms) < 100, waited_ms

    # Its disconnect changes nothing for those who stay.
    slow.drop()
    server.stdout.wait_for(r"left")
    speak(healthy, 10).join()
    assert numbers(healthy, 10) == list(range(10))
    assert server.is_alive()


def drain(client, enough):
    """Reads whatever comes until told that it is enough."""
    while not enough.is_set():
        try:
            client.read_data(0.2)
        except TimeoutError:
            pass


def test_a_burst_below_the_hard_bound_closes_nobody_who_reads_on(server):
    reader = join(server)
    reader.send_text("burst 900 " + FILLING)  # 7.2 MB at once; the bound is 8 MiB
    assert numbers(reader, 900) == list(range(1, 901))


@pytest.mark.parametrize("strict, code", [("false", 1000), ("true", 1013)])
def test_a_reader_beyond_the_hard_bound_is_closed_as_a_slow_consumer(serve, folder, strict, code):
    server = serve(
        folder,
        "--set", "system:gateway.limits.outbox_hard_bytes=2MiB",
        "--set", f"system:gateway.limits.strict_close_codes={strict}",
    )
    slow, witness = join(server, receive_buffer=4096), join(server)
    converse(witness, 1200)
    # What was queued is gone, but a client that soon reads again learns why.
    closed = slow.read_until_closed()
    assert (closed.code, closed.reason) == (code, "slow consumer")
    server.stdout.wait_for(r"left")


def test_the_hub_is_told_of_a_slow_consumer_that_never_reads_again(serve, folder):
    server = serve(folder, "--set", "system:gateway.limits.outbox_hard_bytes=2MiB")
    slow, witness = join(server, receive_buffer=4096), join(server)
    converse(witness, 1200)
    server.stdout.wait_for(r"left")
    assert slow.socket.fileno() >= 0  # it is still there, silent


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest"])
def test_with_a_drop_policy_the_slow_reader_stays_and_misses_messages(serve, folder, policy):
    server = serve(
        folder,
        "--set", "system:gateway.limits.outbox_hard_bytes=2MiB",
        "--set", f"system:gateway.limits.outbox_policy={policy}",
    )
    slow, witness = join(server, receive_buffer=4096), join(server)
    converse(witness, 1500)

    witness.send_text("-1 that was all")
    got, end = [], time.monotonic() + 60
    while time.monotonic() < end and (not got or got[-1] != -1):
        try:
            # The last word is sure to come only where the oldest go; else silence is the end.
            got += numbers(slow, 1, timeout=10 if policy == "drop_oldest" else 1)
        except TimeoutError:
            if len(got) >= 10:
                break
    assert got[:10] == list(range(10))  # what the kernel held
    spoken = [number for number in got if number >= 0]
    assert spoken == sorted(spoken) and len(spoken) < 1500
    if policy == "drop_oldest":
        assert got[-1] == -1 and 1499 in got
    else:
        assert 1499 not in got


def test_an_unknown_policy_is_refused_with_the_known_ones(folder):
    run = command("check", folder, "--set", "system:gateway.limits.outbox_policy=hope")
    assert run.returncode == 2
    assert "drop_oldest" in run.stderr
