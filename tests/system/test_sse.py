"""Server-sent events: the relay by X-SSE-Relay, its control messages, its ends, its bounds."""

import json
import time

import pytest

from metrics import await_metrics
from natterjack import REPOSITORY, command
from raw_http import RawHttp, get, request
from raw_sse import SseClient
from raw_ws import DEADLINE_S

YAML = """
version: "1.0"
namespace: app
entries:
  - { name: hub, kind: process.lua, source: file://hub.lua, method: run, modules: [ json ] }
  - name: first
    kind: process.service
    process: hub
    input: [ first ]
    lifecycle: { auto_start: true, restart: { initial_delay: 50ms } }
  - name: second
    kind: process.service
    process: hub
    input: [ second ]
    lifecycle: { auto_start: true, restart: { initial_delay: 50ms } }
  - name: api
    kind: http.router
    meta: { server: "system:gateway" }
    middleware: [ cors, sse_relay ]
    options: { cors.allow.origins: "good.example", sserelay.allowed.origins: "good.example" }
  - { name: relay, kind: function.lua, source: file://relay.lua, method: handler, modules: [ http, json ] }
  - { name: relay.get, kind: http.endpoint, meta: { router: api }, path: /events, func: relay }
  - { name: tell, kind: function.lua, source: file://tell.lua, method: handler, modules: [ http, json ] }
  - { name: tell.post, kind: http.endpoint, meta: { router: api }, method: POST, path: /tell, func: tell }
"""

# The hub reports what reaches it to the stream it is told of, and sends what it is told to.
HUB = """
local name, watcher
function run(own)
  name = own
  process.registry.register("hub." .. name)
  local inbox, events = process.inbox(), process.events()
  while true do
    local result = channel.select({ inbox:case_receive(), events:case_receive() })
    if result.channel ~= inbox then
      if result.value.kind == process.event.CANCEL then return end
    else
      local m = result.value
      local data = m:payload():data()
      if m:topic() == "watch" then watcher = data
      elseif m:topic() == "fail" then error("told to")
      elseif m:topic() == "flood" then
        local text = string.rep("x", data.bytes)
        for i = 1, data.count do process.send(data.to, "sse.message", text) end
      elseif watcher then
        process.send(watcher, "sse.message", { hub = name, topic = m:topic(), from = m:from(), data = data })
      end
    end
  end
end
return { run = run }
"""

RELAY = """
local http, json = require("http"), require("json")
return { handler = function()
  local req, res = http.request(), http.response()
  local config = req:query("config") or "{}"
  local decoded = json.decode(config)
  if type(decoded) == "table" and decoded.target_name then
    decoded.target_pid = process.registry.lookup(decoded.target_name)
    config = json.encode(decoded)
  end
  if req:query("status") then res:set_status(tonumber(req:query("status"))) end
  res:set_header("X-SSE-Relay", config)
  if req:query("body") then res:write(req:query("body")) end
end }
"""

TELL = """
local http, json = require("http"), require("json")
return { handler = function()
  local wish = http.request():body_json()
  local to = process.registry.lookup(wish.to) or wish.to
  local sent, err
  if wish.data == nil then sent, err = process.send(to, wish.topic)
  else sent, err = process.send(to, wish.topic, wish.data) end
  http.response():write_json({ sent = sent and true or false, error = err and tostring(err) or "" })
end }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from natterjack import Natterjack

    folder = tmp_path_factory.mktemp("sse")
    for name, text in {"_index.yaml": YAML, "hub.lua": HUB, "relay.lua": RELAY, "tell.lua": TELL}.items():
        (folder / name).write_text(text)
    with Natterjack(folder, "--set", "system:gateway.limits.outbox_soft_bytes=64KiB",
                    "--set", "system:gateway.limits.outbox_soft_time=300ms",
                    "--set", "system:gateway.limits.message_bytes=64KiB") as running:
        yield running


def path(**config):
    from urllib.parse import urlencode

    return "/events?" + urlencode({"config": json.dumps(config)})


def tell(server, to, topic, data=None):
    wish = {"to": to, "topic": topic} | ({} if data is None else {"data": data})
    answer = request(server.port, "POST", "/tell", body=json.dumps(wish).encode())
    assert answer.status == 200, answer
    return json.loads(answer.body)["sent"]


def detached(server, **config):
    client = SseClient(server.port, path(**config))
    return client, client.json("ready")


@pytest.fixture
def watch(server):
    """A stream that hears what reaches a hub, and a function that waits for one such report."""
    client, ready = detached(server)
    for hub in ("hub.first", "hub.second"):
        end = time.monotonic() + DEADLINE_S
        while not tell(server, hub, "watch", ready["stream_pid"]):  # an earlier test may have ended it
            assert time.monotonic() < end

    def report(timeout=DEADLINE_S, **expected):
        end = time.monotonic() + timeout
        while True:
            seen = client.json("sse.message", end - time.monotonic())
            if all(seen.get(k) == v for k, v in expected.items()):
                return seen

    yield report
    client.shut()


# --- the answer ----------------------------------------------------------------------------------


def test_the_head_says_what_follows(server):
    client, _ = detached(server)
    assert client.head.status == 200
    assert client.head.headers["content-type"] == "text/event-stream"
    assert client.head.headers["cache-control"] == "no-cache"
    assert client.head.headers["connection"] == "keep-alive"
    assert client.head.headers["x-accel-buffering"] == "no"
    assert "x-sse-relay" not in client.head.headers


def test_without_a_target_the_first_event_is_ready(server):
    _, ready = detached(server, message_topic="news", metadata={"who": "ada"})
    assert ready["message_topic"] == "news"
    assert ready["metadata"] == {"who": "ada"}
    assert ready["stream_pid"].startswith("{natterjack@system:gateway|0x")


@pytest.mark.parametrize("config, status, text", [
    ("nonsense", 400, "invalid relay configuration"),
    ("[1]", 400, "invalid relay configuration"),
    ('{"heartbeat_interval": "soon"}', 400, "heartbeat_interval"),
    ('{"heartbeat_interval": "-1s"}', 400, "heartbeat_interval"),
    ('{"idle_timeout": "x"}', 400, "idle_timeout"),
    ('{"metadata": 5}', 400, "metadata"),
    ('{"target_pid": "nobody"}', 400, 'invalid target PID: "nobody"'),
    ('{"target_pid": "{natterjack@app:x|0x99999}"}', 404, "pid not registered"),
])
def test_a_wrong_configuration_is_refused(server, config, status, text):
    from urllib.parse import urlencode

    answer = get(server.port, "/events?" + urlencode({"config": config}))
    assert (answer.status, text in answer.body.decode()) == (status, True), answer


def test_a_body_or_another_status_is_the_handlers_own_answer(server):
    answer = get(server.port, "/events?body=hello")
    assert (answer.status, answer.body) == (200, b"hello")
    assert "x-sse-relay" not in answer.headers
    assert get(server.port, "/events?status=403").status == 403
    server.wait_for("no relay")


@pytest.mark.parametrize("origin, status", [
    (None, 200), ("http://good.example", 200), ("http://bad.example", 403),
])
def test_pages_of_other_origins_need_a_permission(server, origin, status):
    client = SseClient(server.port, "/events", {"Origin": origin} if origin else {})
    assert client.head.status == status
    if origin and status == 200:
        assert client.head.headers["access-control-allow-origin"] == origin


def test_http_1_0_gets_the_events_without_chunks(server):
    client = SseClient(server.port, "/events", version="HTTP/1.0")
    assert "transfer-encoding" not in client.head.headers
    ready = client.json("ready")
    tell(server, ready["stream_pid"], "sse.close")
    assert client.json("done") == {"reason": "closed by server"}
    assert client.event() is None


# --- the target ----------------------------------------------------------------------------------


def test_the_target_hears_of_join_and_leave(server, watch):
    client = SseClient(server.port, path(target_name="hub.first", metadata={"who": "ada"}))
    join = watch(topic="sse.join")
    assert join["hub"] == "first"
    assert join["data"]["client_pid"] == join["data"]["stream_pid"] == join["from"]
    assert join["data"]["metadata"] == {"who": "ada"}
    client.shut()
    leave = watch(topic="sse.leave")
    assert leave["from"] == join["from"]
    assert leave["data"]["metadata"] == {"who": "ada"}
    assert tell(server, join["from"], "sse.message", "x") is False


def test_heartbeats_reach_target_and_client(server, watch):
    client = SseClient(server.port, path(target_name="hub.first", heartbeat_interval="50ms"))
    pid = watch(topic="sse.join")["from"]
    assert client.block() == ": ping"
    tell(server, pid, "sse.message", "one")
    beat = watch(topic="sse.heartbeat", **{"from": pid})
    while beat["data"]["message_count"] != 1:
        beat = watch(topic="sse.heartbeat", **{"from": pid})
    assert beat["data"]["uptime"].endswith("s")
    client.shut()


def test_the_end_of_the_target_ends_the_stream(server, watch):
    client = SseClient(server.port, path(target_name="hub.second"))
    watch(topic="sse.join")
    tell(server, "hub.second", "fail", 1)
    assert client.json("done") == {"reason": "target process exited"}
    assert client.event() is None


# --- events --------------------------------------------------------------------------------------


@pytest.mark.parametrize("data, text", [
    ("plain", "plain"), ("two\nlines", "two\nlines"), ("a\r\nb\rc", "a\nb\nc"), ("", ""),
    ({"a": [1, 2]}, '{"a":[1,2]}'), (5, "5"), (True, "true"), ("grüß", "grüß"), ("\n", "\n"),
])
def test_a_value_is_the_data_of_an_event(server, data, text):
    client, ready = detached(server)
    tell(server, ready["stream_pid"], "sse.message", data)
    assert client.event() == ("sse.message", text)


def test_only_the_streams_own_topic_comes_through(server):
    client, ready = detached(server, message_topic="news")
    for topic in ("sse.message", "other", "news"):
        tell(server, ready["stream_pid"], topic, topic)
    assert client.event() == ("news", "news")


def test_a_star_takes_every_topic_but_the_relays_own(server):
    client, ready = detached(server, message_topic="*")
    for topic in ("sse.join", "a", "sse.heartbeat", "b"):
        tell(server, ready["stream_pid"], topic, topic)
    assert [client.event(), client.event()] == [("a", "a"), ("b", "b")]


def test_many_events_come_in_order(server):
    client, ready = detached(server)
    tell(server, "hub.first", "flood", {"to": ready["stream_pid"], "bytes": 10, "count": 2000})
    assert [client.event()[1] for _ in range(2000)] == ["x" * 10] * 2000


# --- sse.control and the ends --------------------------------------------------------------------


def test_control_moves_the_stream_to_another_target(server, watch):
    client = SseClient(server.port, path(target_name="hub.first"))
    pid = watch(topic="sse.join", hub="first")["from"]
    tell(server, pid, "sse.control", {"target_pid": "hub.second", "metadata": {"now": 2},
                                      "message_topic": "t"})
    seen = [watch(**{"from": pid}) for _ in range(2)]
    assert {(one["hub"], one["topic"]) for one in seen} == {("second", "sse.join"), ("first", "sse.leave")}
    assert all(one["data"]["metadata"] == {"now": 2} for one in seen)
    tell(server, pid, "t", "x")
    assert client.event() == ("t", "x")


def test_an_unknown_target_leaves_the_old_one(server, watch):
    client = SseClient(server.port, path(target_name="hub.first"))
    pid = watch(topic="sse.join", hub="first")["from"]
    tell(server, pid, "sse.control", {"target_pid": "hub.nobody"})
    tell(server, pid, "sse.message", "still here")
    assert client.event() == ("sse.message", "still here")
    client.shut()
    assert watch(topic="sse.leave", **{"from": pid})["hub"] == "first"


def test_an_empty_target_detaches(server, watch):
    client = SseClient(server.port, path(target_name="hub.first"))
    pid = watch(topic="sse.join", hub="first")["from"]
    tell(server, pid, "sse.control", {"target_pid": ""})
    assert watch(topic="sse.leave", **{"from": pid})["hub"] == "first"
    tell(server, pid, "sse.message", "on")
    assert client.event() == ("sse.message", "on")


@pytest.mark.parametrize("data, reason", [
    (None, "closed by server"), ("enough", "enough"), ({"reason": "r"}, "r"), (5, "5"),
    ({"reason": 5}, "closed by server"), ({"code": 1}, "closed by server"),
])
def test_close_says_why(server, data, reason):
    client, ready = detached(server)
    tell(server, ready["stream_pid"], "sse.close", data)
    assert client.json("done") == {"reason": reason}
    assert client.event() is None


def test_after_the_end_the_connection_takes_another_request(server):
    client, ready = detached(server)
    client.ask("GET", "/healthz")  # waits behind the stream
    tell(server, ready["stream_pid"], "sse.close")
    client.json("done")
    assert client.event() is None
    assert client.answer().status == 200


@pytest.mark.parametrize("config, reason", [
    ({"idle_timeout": "100ms", "heartbeat_interval": "20ms"}, "idle timeout"),
    ({"hard_timeout": "100ms"}, "hard timeout"),
])
def test_time_outs_end_the_stream(server, config, reason):
    client, _ = detached(server, **config)
    assert client.json("done") == {"reason": reason}
    assert client.event() is None


# --- bounds --------------------------------------------------------------------------------------


def test_a_client_that_does_not_read_loses_its_own_stream_only(server):
    slow, slow_ready = detached(server)
    well, well_ready = detached(server)
    tell(server, "hub.first", "flood", {"to": slow_ready["stream_pid"], "bytes": 60_000, "count": 200})
    server.wait_for("is a slow consumer")
    tell(server, well_ready["stream_pid"], "sse.message", "well")
    assert well.event() == ("sse.message", "well")


@pytest.mark.parametrize("policy", ["drop_oldest", "drop_newest"])
def test_what_a_policy_drops_is_counted_and_told(serve, tmp_path, policy):
    for name, text in {"_index.yaml": YAML, "hub.lua": HUB, "relay.lua": RELAY, "tell.lua": TELL}.items():
        (tmp_path / name).write_text(text)
    limits = {"outbox_policy": policy, "outbox_hard_bytes": "300kB", "message_bytes": "64KiB"}
    running = serve(tmp_path, *(word for name, value in limits.items()
                                for word in ("--set", f"system:gateway.limits.{name}={value}")))
    _, ready = detached(running)
    tell(running, "hub.first", "flood", {"to": ready["stream_pid"], "bytes": 60_000, "count": 300})
    await_metrics(running.port, lambda m: m.value("natterjack_outbox_dropped_total") > 100)
    assert await_metrics(running.port, lambda m: m.value(
        "natterjack_limit_reached_total", limit="outbox_hard_bytes") > 100)
    running.wait_for("events for it are dropped")


SLEEPS = """
local time = require("time")
return { run = function(name)
  process.registry.register("hub." .. name)
  time.sleep("1h")
end }
"""


def test_heartbeats_find_the_mailbox_full_as_others_do(serve, tmp_path):
    index = YAML.replace("modules: [ json ] }", "modules: [ time ], limits: { mailbox: 5 } }", 1)
    for name, text in {"_index.yaml": index, "hub.lua": SLEEPS, "relay.lua": RELAY, "tell.lua": TELL}.items():
        (tmp_path / name).write_text(text)
    running = serve(tmp_path, "--admin-socket", tmp_path / "admin")
    stream = SseClient(running.port, path(target_name="hub.first", heartbeat_interval="10ms"))
    for _ in range(20):
        assert stream.block().startswith(":")
    listed = json.loads(command("ps", "--json", "--admin-socket", tmp_path / "admin").stdout)
    [hub] = [one for one in listed["processes"] if "hub.first" in one["names"]]
    assert 5 <= hub["mailbox"] <= 6  # the join is beyond the limit


def test_all_streams_of_a_target_hear_of_its_end_and_no_others(serve, tmp_path):
    for name, text in {"_index.yaml": YAML, "hub.lua": HUB, "relay.lua": RELAY, "tell.lua": TELL}.items():
        (tmp_path / name).write_text(text)
    running = serve(tmp_path)
    bound = [SseClient(running.port, path(target_name="hub.first")) for _ in range(50)]
    other = SseClient(running.port, path(target_name="hub.second"))
    moved = SseClient(running.port, path())
    pid = moved.json("ready")["stream_pid"]
    for name in ("hub.first", "hub.second"):  # it follows the last one only
        tell(running, pid, "sse.control", {"target_pid": name})
    tell(running, "hub.first", "fail", True)
    for client in bound:
        assert client.json("done") == {"reason": "target process exited"}
        assert client.event() is None
    tell(running, "hub.second", "watch", pid)
    tell(running, "hub.second", "still here", True)
    assert moved.json("sse.message")["topic"] == "still here"
    other.shut()
    moved.shut()


def test_sigterm_is_a_goodbye(serve, tmp_path):
    for name, text in {"_index.yaml": YAML, "hub.lua": HUB, "relay.lua": RELAY, "tell.lua": TELL}.items():
        (tmp_path / name).write_text(text)
    running = serve(tmp_path, "--drain-window", "10ms")
    alone = SseClient(running.port, "/events")
    alone.json("ready")
    bound = SseClient(running.port, path(target_name="hub.first"))
    assert running.stop() == 0
    for client in (alone, bound):
        assert client.json("done") == {"reason": "server is shutting down"}
        assert client.event() is None


# --- examples/ticker -----------------------------------------------------------------------------


@pytest.fixture
def ticker(serve):
    return serve(REPOSITORY / "examples/ticker", "--set", "app.ticker:market.service.input.0=30ms")


def test_the_ticker_streams_prices(ticker):
    client = SseClient(ticker.port, "/api/prices?symbols=TOAD")
    for _ in range(3):
        price = client.json("price")
        assert price["symbol"] == "TOAD" and price["price"] > 0


def test_the_ticker_has_a_page_and_refuses_nonsense(ticker):
    page = get(ticker.port, "/")
    assert page.status == 200 and b"ticker.js" in page.body
    assert get(ticker.port, "/ticker.js").status == 200
    assert get(ticker.port, "/api/prices?symbols=toad").status == 400
    client = SseClient(ticker.port, "/api/prices?symbols=GOLD")
    assert "traded" in client.json("done")["reason"]
