"""Applications with amqp.* entries: `natterjack run` on a real broker, hubs in Lua."""

import json
import os
import signal
import subprocess
import time

import pytest
from broker import Broker, free_port, wait_until
from exchange import Exchange, FakeActor
from natterjack import REPOSITORY, Natterjack, binary, end, command
from raw_ws import RawWebSocket

HEAD = """\
namespace: app
entries:
  - name: clu
    kind: amqp.bridge
    host: 127.0.0.1
    port: %d
    server: system:gateway
"""
HUB = """\
  - name: hub
    kind: process.lua
    source: file://hub.lua
    modules: [ amqp, json, time ]
  - name: hub.service
    kind: process.service
    process: hub
    lifecycle: { auto_start: true }
"""
# What a test runs inside the hub; it prints JSON lines.
AROUND = """\
local amqp, json, time = require("amqp"), require("json"), require("time")
local function say(...) print(json.encode({ ... })) end
return { run = function()
%s
  process.events():receive()
end }
"""


class App:
    """A running application; `said()` gives what its hub printed, line by line."""

    def __init__(self, folder, port, lua="", entries=""):
        folder.mkdir()
        self.folder = folder
        (folder / "_index.yaml").write_text(HEAD % port + entries + (HUB if lua else ""))
        (folder / "hub.lua").write_text(AROUND % lua)
        self.server = Natterjack(folder)
        self.taken = 0

    def said(self, timeout=20):
        out = self.server.stdout
        end = time.monotonic() + timeout
        while len(out.seen) <= self.taken:
            assert time.monotonic() < end, "nothing was said\n" + self.server.stderr.text()
            time.sleep(0.01)
        self.taken += 1
        return json.loads(out.seen[self.taken - 1][1])


@pytest.fixture
def app(broker, tmp_path):
    running = []

    def start(lua="", entries="", port=None):
        running.append(App(tmp_path / f"app{len(running)}", port or broker.port, lua, entries))
        return running[-1]

    yield start
    for one in running:
        end(one.server.process)


def run_to_end(folder):
    return subprocess.run([binary(), "run", str(folder), "--listen", "127.0.0.1:0"], capture_output=True, text=True,
                          timeout=60)


def broken(tmp_path, port, entries="", head=HEAD):
    (tmp_path / "_index.yaml").write_text(head % port + entries)
    return run_to_end(tmp_path)


# --- bridge ---


def test_clients_of_a_bridge(app, exchange, actor):
    actor()
    one = app()
    with RawWebSocket(one.server.port, "/clu") as client:
        client.send_json({"consumer": "alpha", "command_string": "ping", "command_id": "a"})
        assert [client.read_json()["headers"]["message_code"] for _ in range(2)] == [">", ":"]
    assert one.server.stop() == 0


def test_a_listener_of_its_own(broker, tmp_path, exchange):
    (tmp_path / "_index.yaml").write_text((HEAD % broker.port).replace("server: system:gateway", 'addr: "127.0.0.1:0"'))
    with Natterjack(tmp_path) as server, RawWebSocket(server.port, "/any/path") as client:
        client.send_json({"consumer": "nobody", "command_string": "x", "command_id": "n"})
        assert client.read_json()["headers"]["message_code"] == "f"


def test_a_name_and_a_queue(app, broker, tmp_path):
    (tmp_path / "_index.yaml").write_text(
        HEAD % broker.port + "    client_name: named\n    queue: replies of mine\n    prefetch: 7\n")
    with Natterjack(tmp_path):
        assert "replies of mine" in broker.control("list_queues", "name")


# --- what is wrong is said, with file and line ---


@pytest.mark.parametrize("field, words", [
    ("user: nobody", ["403", "ACCESS_REFUSED"]),
    ("vhost: elsewhere", ["elsewhere"]),
    ("exchange: amq.direct", ["406", "PRECONDITION_FAILED", "amq.direct"]),
])
def test_a_broker_that_refuses(broker, tmp_path, field, words):
    done = broken(tmp_path, broker.port, f"    {field}\n")
    assert done.returncode == 1
    for word in [*words, "_index.yaml:3", "app:clu"]:
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_client_name_that_is_taken(broker, tmp_path, app):
    (tmp_path / "x").mkdir()
    head = HEAD + "    client_name: twin\n"
    (tmp_path / "x/_index.yaml").write_text(head % broker.port)
    with Natterjack(tmp_path / "x"):
        (tmp_path / "y").mkdir()
        done = broken(tmp_path / "y", broker.port, head=head)
    assert done.returncode == 1
    assert "405" in done.stderr and "twin_replies" in done.stderr and "_index.yaml:3" in done.stderr


def test_an_actor_name_that_is_taken(broker, tmp_path, exchange):
    FakeActor(exchange, "occupied")
    done = broken(tmp_path, broker.port, "  - { name: occupied, kind: amqp.actor, bridge: clu }\n")
    assert done.returncode == 1
    assert "405" in done.stderr and "occupied" in done.stderr and "_index.yaml:8" in done.stderr


def test_a_queue_declared_with_other_flags(broker, tmp_path, exchange):
    exchange.declare_queue("plain", durable=False)
    done = broken(tmp_path, broker.port,
                  "  - { name: f, kind: amqp.feed, bridge: clu, process: x, queue: plain, durable: true }\n")
    assert done.returncode == 1
    assert "406" in done.stderr and "durable" in done.stderr and "_index.yaml:8" in done.stderr


def test_a_broker_that_is_not_there_is_tried_again(tmp_path):
    port = free_port()
    (tmp_path / "_index.yaml").write_text(HEAD % port)
    with Natterjack(tmp_path) as server:
        server.wait_for(r"_index.yaml:3: app:clu: broker 127.0.0.1:\d+: .*Connection refused")
        with RawWebSocket(server.port, "/clu?status=1") as client:
            assert client.read_json()["broker"] in ("connecting", "down")


@pytest.mark.parametrize("entries, words", [
    ("    url: http://x\n", ["_index.yaml:8", "url: ", "amqp://"]),
    ("    tls: { cert_file: no.pem, key_file: no.pem }\n", ["_index.yaml:8", "no.pem", "does not exist"]),
    ("    addr: 127.0.0.1:1\n", ["_index.yaml:8", "addr: server names a gateway as well"]),
    ("    prefetch: 0\n", ["_index.yaml:8", "prefetch", "1 to 65535"]),
    ("    colour: red\n", ["_index.yaml:8", "unknown key"]),
    ("  - { name: a.b, kind: amqp.actor, bridge: clu }\n", ["_index.yaml:8", "actor: ", "a.b"]),
    ("  - { name: a, kind: amqp.actor, bridge: nope }\n", ["_index.yaml:8", "there is no entry \"app:nope\""]),
    ("  - name: a\n    kind: amqp.actor\n    bridge: clu\n    schema: { x: { type: string, pattern: '(' } }\n",
     ["_index.yaml:11", "schema: ", "pattern"]),
    ("  - name: a\n    kind: amqp.actor\n    bridge: clu\n    commands: [ { name: x }, { name: x } ]\n",
     ["_index.yaml:11", "twice"]),
    ("  - { name: a, kind: amqp.actor, bridge: clu }\n  - { name: b, kind: amqp.actor, bridge: clu, actor: a }\n",
     ["_index.yaml:9", "app:a"]),
    ("  - { name: other, kind: amqp.bridge }\n", ["_index.yaml:8", "scheme: ", "app:clu"]),
    ("  - { name: f, kind: amqp.feed, bridge: clu }\n", ["_index.yaml:8", "process is missing"]),
])
def test_check(tmp_path, entries, words):
    (tmp_path / "_index.yaml").write_text(HEAD % 5672 + entries)
    done = command("check", tmp_path)
    assert done.returncode == 2
    for word in words:
        assert word in done.stderr


# --- addresses ---


def test_a_command_from_lua(app, actor):
    actor(answer=lambda text, i: [(">", {}), ("i", {"n": 1}), (":", {"text": text})])
    one = app("""
  process.send("amqp:alpha", "command", { command = "go there", command_id = "mine" })
  for i = 1, 3 do
    local reply = process.inbox():receive():payload():data()
    say(reply.command_id, reply.code, reply.final, reply.body)
  end
  say(amqp.command("alpha", "again"))
  local body, err = amqp.command("nobody", "x")
  say(body == nil, tostring(err))
""")
    assert [one.said() for _ in range(5)] == [
        ["mine", ">", False, []], ["mine", "i", False, {"n": 1}], ["mine", ":", True, {"text": "go there"}],
        [{"text": "again"}], [True, "Failed routing message to consumer 'nobody'."]]


def test_monitoring_an_actor(app, exchange):
    fake = FakeActor(exchange, "alpha")
    one = app("""
  say(process.monitor("amqp:alpha"))
  say("watching")
  local event = process.events():receive()
  say(event.kind, event.result.error)
""")
    assert one.said() == [True] and one.said() == ["watching"]
    fake.leave()
    assert one.said(30) == ["pid.exit", "actor 'alpha' is not on the exchange"]


# --- actors of our own ---


ACTOR = """\
  - name: heater
    kind: amqp.actor
    bridge: clu
    version: "3.1"
    schema: { degrees: { type: number } }
    commands:
      - name: heat
        parameters: [ { name: to, type: number }, { name: slow, flag: true } ]
      - { name: wrong }
      - { name: break }
      - { name: ask }
"""
HANDLERS = """
  local heater
  heater = assert(amqp.actor("heater", {
    heat = function(command, params)
      command:info("heating")
      heater:broadcast({ degrees = params.to })
      if params.slow then time.sleep("1ms") end
      return { degrees = params.to }
    end,
    wrong = function() return { colour = "red" } end,
    ["break"] = function() error("it broke") end,
    ask = function(command)
      local body, err = command:command("alpha", "sub")
      if not body then return nil, err end
      return { text = body.text }
    end,
  }))
  say("ready")
"""


@pytest.fixture
def heater(app, exchange):
    one = app(HANDLERS, ACTOR)
    assert one.said() == ["ready"]
    tap = exchange.listen("reply.#")

    def call(text, command_id="c"):
        exchange.command("heater", text, command_id)
        got = []
        while True:
            _, properties, body = tap.get(timeout=20)
            head = properties.headers
            if head["sender"] != "heater":
                continue
            got.append((head["command_id"], head["message_code"], json.loads(body)))
            if head["message_code"] in (":", "f"):
                return got

    return call


def test_commands_of_an_actor_in_lua(heater):
    assert heater("ping")[-1] == ("c", ":", {"text": "Pong."})
    assert heater("version")[-1][2] == {"version": "3.1"}
    assert "degrees" in json.loads(heater("get_schema")[-1][2]["schema"])["properties"]
    got = heater("heat 21.5 --slow")
    assert got[0] == ("c", ">", {}) and got[-1] == ("c", ":", {"degrees": 21.5})
    assert ("c", "i", {"text": "heating"}) in got and (None, "i", {"degrees": 21.5}) in got
    assert "not a valid float" in heater("heat warm")[1][2]["help"][0]
    assert heater("wrong")[-1][1:] == ("f", {"error": "The final reply does not match the schema."})
    code, body = heater("break")[-1][1:]
    assert code == "f" and "it broke" in body["error"]


def test_a_command_as_part_of_another(heater, actor, exchange):
    fake = actor(answer=lambda text, i: [(">", {}), (":", {"text": text.upper()})])
    assert heater("ask", "chain")[-1] == ("chain", ":", {"text": "SUB"})
    _, properties, _ = fake.commands.get(timeout=30)
    assert properties.headers["commander_id"] == "tester.heater.alpha"
    assert properties.headers["command_id"] == "chain"


# --- plain AMQP ---


def test_publishing_with_confirms(app, exchange):
    tap = exchange.listen("greetings.#", exchange="amq.topic")
    one = app("""
  say(amqp.publish({ exchange = "amq.topic", routing_key = "greetings.a", body = "hello" }))
  say(amqp.publish({ exchange = "amq.topic", routing_key = "greetings.b", body = { n = 1 }, headers = { h = "x" } }))
  say(amqp.publish({ exchange = "amq.topic", routing_key = "greetings.c", body = "\\0\\255" }))
  local function fails(fields)
    local good, err = amqp.publish(fields)
    say(good == nil, err:kind(), tostring(err))
  end
  fails({ exchange = "amq.topic", routing_key = "nobody" })
  fails({ exchange = "no-such-exchange", routing_key = "x" })
  fails({ exchange = "amq.topic", routing_key = ("x"):rep(300) })
  fails({ exchange = "amq.topic", routing_key = "x", colour = "red" })
  amqp.publish({ exchange = "amq.topic", routing_key = "greetings.d", body = "later", notify = "sent", id = 7 })
  local message = process.inbox():receive()
  say(message:topic(), message:payload():data().id, message:payload():data().result)
""")
    assert [one.said() for _ in range(3)] == [[True]] * 3
    got = [tap.get(timeout=10) for _ in range(3)]
    assert [(key, body) for key, _, body in got] == [
        ("greetings.a", b"hello"), ("greetings.b", b'{"n": 1}'), ("greetings.c", b"\0\xff")]
    assert got[1][1].headers == {"h": "x"}
    failures = [one.said() for _ in range(4)]
    assert [f[1] for f in failures] == ["NotFound", "PermissionDenied", "Invalid", "Invalid"]
    assert "312" in failures[0][2] and "no-such-exchange" in failures[1][2] and "colour" in failures[3][2]
    assert one.said() == ["sent", "7", "confirmed"]


def test_subscribing(app, exchange, broker):
    one = app("""
  local feed = assert(amqp.subscribe({ exchange = "weather", routing_keys = { "rain.#", "snow" }, topic = "sky" }))
  say("subscribed")
  for i = 1, 2 do
    local message = process.inbox():receive()
    local got = message:payload():data()
    say(message:topic(), got.routing_key, got.body)
  end
  say(amqp.unsubscribe(feed))
""")
    assert one.said() == ["subscribed"]
    for key, body in (("sun", b"no"), ("rain.heavy", b'{"mm": 3}'), ("snow", b"flakes")):
        exchange.run(exchange.send(body, {}, key, exchange="weather", content_type="application/json"))
    assert one.said() == ["sky", "rain.heavy", {"mm": 3}]
    assert one.said() == ["sky", "snow", "flakes"]
    assert one.said() == [True]


def test_a_subscription_refused(app, exchange):
    exchange.declare_queue("theirs", exclusive=True)
    one = app("""
  local feed, err = amqp.subscribe({ queue = "theirs" })
  say(feed == nil, tostring(err))
  feed, err = amqp.subscribe({})
  say(feed == nil, tostring(err))
""")
    assert "405" in one.said()[1]
    assert "missing" in one.said()[1]


def test_a_feed_with_acks_by_hand(app, exchange, broker):
    one = app("""
  process.registry.register("worker")
  for i = 1, 3 do
    local message = process.inbox():receive()
    local job = message:payload():data()
    say(job.body, job.redelivered)
    if job.body == "again" and not job.redelivered then amqp.reject(message, true) else amqp.ack(message) end
  end
""", "  - { name: jobs, kind: amqp.feed, bridge: clu, process: worker, queue: app jobs, manual_acks: true, prefetch: 1 }\n")
    for body in (b"one", b"again"):
        exchange.run(exchange.send(body, {}, "app jobs", exchange="", content_type="text/plain"))
    assert [one.said() for _ in range(3)] == [["one", False], ["again", False], ["again", True]]
    wait_until(lambda: "app jobs\t0" in broker.control("list_queues", "name", "messages"), "all is acknowledged")


def test_a_hub_that_fails_gives_its_messages_back(app, exchange, broker):
    exchange.declare_queue("work", durable=True)
    one = app("""
  process.registry.register("worker")
  local message = process.inbox():receive()
  local job = message:payload():data()
  say(job.body, job.redelivered)
  if not job.redelivered then error("on purpose") end
  amqp.ack(message)
""", "  - { name: work, kind: amqp.feed, bridge: clu, process: worker, queue: work, durable: true, manual_acks: true }\n")
    exchange.run(exchange.send(b"precious", {}, "work", exchange="", content_type="text/plain"))
    assert one.said() == ["precious", False]
    assert one.said(30) == ["precious", True]


def test_what_a_hub_that_fails_has_not_taken_goes_back(app, exchange):
    exchange.declare_queue("work", durable=True)
    for n in range(10):
        exchange.run(exchange.send(b"%d" % n, {}, "work", exchange="", content_type="text/plain"))
    one = app("""
  process.registry.register("worker")
  while true do
    local job = process.inbox():receive():payload():data()
    say(job.body)
    if job.body == "0" then time.sleep("1s") error("on purpose") end -- the others have come meanwhile
  end
""", "  - { name: work, kind: amqp.feed, bridge: clu, process: worker, queue: work, durable: true }\n")
    assert one.said() == ["0"]
    assert [one.said(30) for _ in range(9)] == [[str(n)] for n in range(1, 10)]


def test_a_command_of_the_old_version_ends_while_the_new_one_has_others(app, exchange):
    lua = """
  assert(amqp.subscribe({ exchange = "release", topic = "release" }))
  assert(amqp.actor("act", { slow = function() time.sleep("1h") end, quick = function() return {} end }))
  say("version 1")
  process.events():receive()
  process.inbox():receive() -- lets go of its command only now
  if true then return end
"""
    one = app(lua, "  - { name: act, kind: amqp.actor, bridge: clu, commands: [ { name: slow }, { name: quick } ] }\n")
    assert one.said() == ["version 1"]
    tap = exchange.listen("reply.#")

    def read(command_id, code):
        while True:
            _, properties, body = tap.get(timeout=30)
            head = properties.headers
            if (head["sender"], head["command_id"], head["message_code"]) == ("act", command_id, code):
                return json.loads(body)

    exchange.command("act", "slow", "s")
    read("s", ">")
    (one.folder / "hub.lua").write_text(AROUND % lua.replace("version 1", "version 2"))
    one.server.process.send_signal(signal.SIGHUP)
    assert one.said() == ["version 2"]
    exchange.command("act", "quick", "q")
    read("q", ":")
    exchange.run(exchange.send(b"", {}, "now", exchange="release"))
    assert read("s", "f") == {"error": "The actor's process has ended."}


def test_a_subscription_too_many(app, tmp_path):
    """Each takes a channel; the broker ends the connection of a client that opens more than it allows."""
    small = Broker(tmp_path / "rabbit")
    with (small.folder / "rabbitmq.conf").open("a") as conf:
        conf.write("channel_max = 8\n")
    with small:
        one = app("""
  local feeds = {}
  local function subscribe()
    local feed, err = amqp.subscribe({ exchange = "weather" })
    feeds[#feeds + 1] = feed
    return feed ~= nil, feed == nil and tostring(err) or ""
  end
  repeat
    local good, err = subscribe()
    say(good, err)
  until not good
  for i = 1, 20 do -- channels are used again
    assert(amqp.unsubscribe(table.remove(feeds)))
    while not subscribe() do time.sleep("10ms") end
  end
  say(amqp.publish({ exchange = "weather", routing_key = "x", body = "" }))
""", port=small.port)
        said = []
        while not said or said[-1][0]:
            said.append(one.said())
        assert 2 <= len(said) <= 6
        assert "too many consumers" in said[-1][1]
        assert one.said(60) == [True]
        assert "trying again" not in one.server.stderr.text()
        one.server.kill()


def test_an_outage_as_a_hub_sees_it(own_broker, app):
    one = app("""
  say(amqp.publish({ exchange = "amq.topic", routing_key = "x", body = "1", mandatory = false }))
  time.sleep("10s")
  local good, err = amqp.publish({ exchange = "amq.topic", routing_key = "x", body = "2", mandatory = false, timeout = 1 })
  say(good == nil, err:kind())
  say(amqp.publish({ exchange = "amq.topic", routing_key = "x", body = "3", mandatory = false, timeout = 90, resend = true }))
""", port=own_broker.port)
    assert one.said() == [True]
    own_broker.kill()
    assert one.said(30) == [True, "Timeout"]
    own_broker.start()
    assert one.said(60) == [True]


def test_the_telescope(broker):
    environment = dict(os.environ)
    os.environ.update(RABBITMQ_HOST="127.0.0.1", RABBITMQ_PORT=str(broker.port))
    try:
        with Natterjack(REPOSITORY / "examples/telescope") as server, RawWebSocket(server.port, "/clu") as client:
            client.send_json({"consumer": "dome", "command_string": "observe 20 70", "command_id": "o"})
            said = []
            while not said or said[-1][:3] != ("o", "dome", ":"):
                frame = client.read_json(40)
                head = frame["headers"]
                said.append((head["command_id"], head["sender"], head["message_code"], frame["body"]))
            own = [(sender, code) for i, sender, code, _ in said if i == "o"]
            assert own[0] == ("dome", ">") and own.count(("mount", ":")) == 2
            assert said[-1][3]["shutter"] == 100
            # The later one of two has the slit.
            finals = {}
            for command_id, az in (("first", 90), ("second", 270)):
                client.send_json({"consumer": "dome", "command_string": f"rotate {az}", "command_id": command_id})
            while len(finals) < 2:
                frame = client.read_json(60)
                head = frame["headers"]
                if head["command_id"] in ("first", "second") and head["message_code"] in ":f":
                    finals[head["command_id"]] = (head["message_code"], frame["body"])
            assert finals["first"] == ("f", {"error": "another command turns the slit"})
            assert finals["second"][0] == ":" and finals["second"][1]["slit"] == 270
            assert server.stop() == 0
    finally:
        os.environ.clear()
        os.environ.update(environment)
