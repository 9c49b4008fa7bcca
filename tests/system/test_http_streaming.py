"""Answers in pieces: they leave as they are written, also while the server ends."""

import signal
import time

import pytest

from metrics import scrape
from raw_http import RawHttp
from waiting_handlers import go_on, serving

YAML = """
version: "1.0"
namespace: app
entries:
  - name: gateway
    kind: http.service
    addr: 127.0.0.1:0
    limits: { body_timeout: 3s }
    lifecycle: { auto_start: true }
  - { name: api, kind: http.router, meta: { server: gateway } }
  - { name: answer, kind: function.lua, source: file://answer.lua, method: handler, modules: [ http, time ] }
  - { name: answer.get, kind: http.endpoint, meta: { router: api }, path: "/{what}", func: answer }
"""

# Goes on when somebody has sent `next` to it, so that a test knows what can have been written.
ANSWER = """
local http, time = require("http"), require("time")
local inbox
local function pause()
  local name = http.request():query("name")
  if name then
    process.registry.register(name)
    inbox = inbox or process.inbox()
    inbox:receive()
  end
end
local answers = {}
function answers.flush(res)
  res:set_header("X-Own", "yes")
  res:set_status(201)
  res:write("one ")
  assert(res:flush() == nil)
  pause()
  local err = res:set_status(500)
  assert(err and err:kind() == "Invalid", "a status behind the head")
  assert(res:set_header("X-Late", "yes"))
  res:write("two ")
  pause()
  res:write_json({ three = 3 })
end
function answers.chunked(res)
  res:set_transfer(http.TRANSFER.CHUNKED)
  res:write("a")
  pause()
  res:write("b")
end
function answers.events(res)
  for n = 1, 3 do
    assert(res:write_event({ name = "n", data = { n = n } }) == nil)
    pause()
  end
end
function answers.fails(res)
  res:write("begun")
  res:flush()
  pause()
  error("on purpose")
end
function answers.large(res)
  res:flush()
  local line = string.rep("0123456789abcde\\n", 4096)
  for i = 1, 640 do assert(res:write(line) == nil) end
end
function answers.endless(res)
  res:flush()
  local line, n = string.rep("x", 65536), 0
  while true do
    local err = res:write(line)
    if err then
      print("stopped by " .. err:kind() .. ": " .. err:message())
      return
    end
    n = n + 1
    if n % 16 == 0 then print("written " .. n) end
  end
end
function answers.whole(res)
  local line = string.rep("x", 65536)
  for i = 1, 512 do res:write(line) end
end
function answers.silent(res)
  res:flush()
  while not res:write("") do time.sleep("20ms") end
  print("silent one has noticed")
end
return { handler = function()
  answers[http.request():param("what")](http.response())
end }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("streaming"), {"_index.yaml": YAML, "answer.lua": ANSWER}) as running:
        yield running


def test_what_is_flushed_is_there_before_the_rest_is_written(server):
    with RawHttp(server.port) as connection:
        connection.ask("GET", "/flush?name=flush")
        head = connection.read_head()
        assert (head.status, head.headers["x-own"]) == (201, "yes")
        assert head.headers["transfer-encoding"] == "chunked" and "content-length" not in head.headers
        assert connection.read_chunk() == b"one "
        go_on(server, "flush")
        assert connection.read_chunk() == b"two "
        go_on(server, "flush")
        assert connection.read_chunk() == b'{"three":3}'
        assert connection.read_chunk() == b""
        connection.ask("GET", "/chunked")  # and the connection takes another request
        assert connection.answer().body == b"ab"


def test_set_transfer_sends_what_is_written_at_once(server):
    with RawHttp(server.port) as connection:
        connection.ask("GET", "/chunked?name=chunked")
        connection.read_head()
        assert connection.read_chunk() == b"a"
        go_on(server, "chunked")
        assert connection.read_chunk() == b"b"


def test_events_leave_one_by_one(server):
    with RawHttp(server.port) as connection:
        connection.ask("GET", "/events?name=events")
        head = connection.read_head()
        assert head.headers["content-type"] == "text/event-stream"
        for n in range(1, 4):
            assert connection.read_chunk() == b'event: n\ndata: {"n":%d}\n\n' % n
            go_on(server, "events")
        assert connection.read_chunk() == b""


def test_http_1_0_gets_it_without_chunks(server):
    with RawHttp(server.port) as connection:
        connection.ask("GET", "/flush", version="HTTP/1.0")
        answer = connection.answer()
        assert answer.body == b'one two {"three":3}' and "transfer-encoding" not in answer.headers


def test_head_of_a_streamed_answer(server):
    with RawHttp(server.port) as connection:
        connection.ask("HEAD", "/chunked")
        assert connection.answer("HEAD").status == 200
        connection.ask("GET", "/chunked")
        assert connection.answer().body == b"ab"


def test_an_answer_whose_handler_fails_has_no_end(server):
    with RawHttp(server.port) as connection:
        connection.ask("GET", "/fails?name=fails")
        connection.read_head()
        assert connection.read_chunk() == b"begun"
        go_on(server, "fails")
        assert connection.at_end() and not connection.buffer
    server.wait_for(r"answer broken off, error id \w+: .*on purpose")


def test_a_large_answer_whose_client_takes_its_time(server):
    with RawHttp(server.port, receive_buffer=4096) as connection:
        connection.ask("GET", "/large")
        assert len(connection.answer(timeout=200).body) == 640 * 65536


def test_a_client_that_leaves_ends_its_handler(server):
    with RawHttp(server.port) as connection:
        connection.ask("GET", "/endless")
        connection.read_exactly(1 << 20, time.monotonic() + 10)
    server.stdout.wait_for("stopped by Unavailable: the client has gone")


def test_a_client_that_leaves_is_noticed_while_nothing_is_written(server):
    with RawHttp(server.port) as connection:
        connection.ask("GET", "/silent")
        connection.read_head()
    server.stdout.wait_for("silent one has noticed")


def test_a_client_that_does_not_read_holds_its_handler_and_then_loses_the_connection(server):
    seen = len(server.stdout.matching("stopped by"))
    with RawHttp(server.port, receive_buffer=4096) as connection:
        connection.ask("GET", "/endless")
        connection.read_head()
        server.stdout.wait_for("stopped by", times=seen + 1)  # body_timeout without progress
    written = [int(line.split()[-1]) for line in server.stdout.text().splitlines() if "written" in line]
    assert max(written, default=0) * 65536 < 64 << 20


def test_a_client_that_does_not_read_a_whole_answer_loses_the_connection_as_well(server):
    def reached():
        return scrape(server.port).value("natterjack_limit_reached_total", limit="body_timeout")

    before = reached()
    with RawHttp(server.port, receive_buffer=4096) as connection:
        connection.ask("GET", "/whole")
        connection.read_head()
        end = time.monotonic() + 30
        while reached() == before:
            assert time.monotonic() < end
            time.sleep(0.05)


# --- the end of the server -----------------------------------------------------------------------


@pytest.fixture
def ending(serve, application):
    """ending(*options) -> a server of its own."""

    def start(*options):
        folder = application({"_index.yaml": YAML, "answer.lua": ANSWER})
        running = serve(folder, "--admin-socket", str(folder / "admin"), "--drain-window", "10ms", *options)
        running.admin = folder / "admin"
        return running

    return start


def begun(server, name):
    connection = RawHttp(server.port)
    connection.ask("GET", f"/flush?name={name}")
    connection.read_head()
    assert connection.read_chunk() == b"one "
    return connection


def test_sigterm_lets_an_answer_that_has_begun_come_to_its_end(ending):
    server = ending()
    with begun(server, "late") as connection:
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("draining: 1 connections")
        go_on(server, "late")
        assert connection.read_chunk() == b"two "
        go_on(server, "late")
        assert connection.read_chunk() == b'{"three":3}'
        assert connection.read_chunk() == b""
        assert connection.at_end()
        assert server.process.wait(20) == 0


def test_sigterm_waits_no_longer_than_the_drain_for_an_answer(ending):
    server = ending("--drain-timeout", "500ms")
    with begun(server, "never") as connection:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
        server.wait_for("1 connections did not close in time")
        assert connection.at_end()  # without a last chunk: the client sees that something is missing
        assert not connection.buffer
