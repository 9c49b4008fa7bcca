"""Requests in pieces: bodies that are read as they come, their bounds, and clients that stop."""

import hashlib
import json

import pytest

from raw_http import RawHttp, request
from waiting_handlers import go_on, serving

YAML = """
version: "1.0"
namespace: app
entries:
  - name: gateway
    kind: http.service
    addr: 127.0.0.1:0
    limits: { body_bytes: 48MiB, body_timeout: 3s }
    lifecycle: { auto_start: true }
  - { name: api, kind: http.router, meta: { server: gateway } }
  - { name: take, kind: function.lua, source: file://take.lua, method: handler, modules: [ http, time, hash ] }
  - { name: take.post, kind: http.endpoint, meta: { router: api }, method: POST, path: "/{what}", func: take }
"""

TAKE = """
local http, time, hash = require("http"), require("time"), require("hash")
local takes = {}
function takes.stream(req, res)
  local stream, size, pieces, largest = req:stream(), 0, 0, 0
  local all = {}
  while true do
    local piece, err = stream:read(100000)
    if err then
      print("stream failed: " .. err:kind() .. ": " .. err:message())
      return res:set_status(400)
    end
    if not piece then break end
    size, pieces, largest = size + #piece, pieces + 1, math.max(largest, #piece)
    if req:query("slow") then time.sleep("2ms") end
    if req:query("keep") then all[#all + 1] = piece end
  end
  res:write_json({ size = size, pieces = pieces, largest = largest,
                   length = req:content_length(), sha = hash.sha256(table.concat(all)) })
end
function takes.whole(req, res)
  local body, err = req:body()
  if err then
    print("body failed: " .. err:kind() .. ": " .. err:message())
    return res:set_status(err:kind() == "Invalid" and 413 or 400)
  end
  res:write_json({ size = #body, sha = hash.sha256(body), has = req:has_body() })
end
function takes.careless(req, res) res:write_json({ size = #req:body() }) end
function takes.bounded(req, res)
  req = http.request({ max_body = 1000000 })
  local body, err = req:body()
  res:write(body and "taken" or err:message())
end
function takes.impatient(req, res)
  req = http.request({ timeout = 50 })
  local body, err = req:body()
  res:write(body and "taken" or err:message())
end
-- What comes of the body after it was given up must not be taken for what is waited for then.
function takes.late(req, res)
  process.registry.register(req:query("name"))
  local inbox, done = process.inbox(), channel.new()
  local body, err = http.request({ timeout = 50 }):body()
  coroutine.spawn(function()
    inbox:receive()
    done:send("told")
  end)
  print("late: " .. err:message())
  res:write(tostring(done:receive()))
end
function takes.json(req, res) res:write_json({ items = #req:body_json() }) end
function takes.form(req, res)
  local form, err = req:parse_multipart()
  if err then return res:write(err:message()) end
  local file = form.files.file[1]
  res:write_json({ name = file:name(), size = file:size(), note = form.values.note })
end
function takes.ignore(req, res) res:write("not read") end
function takes.close(req, res)
  local stream = req:stream()
  stream:read(10)
  stream:close()
  res:write("closed")
end
function takes.mixed(req, res)
  req:stream():read(1)
  local body, err = req:body()
  res:write(err and err:message() or #body)
end
function takes.echo(req, res)
  res:set_transfer("chunked")
  local stream = req:stream()
  local piece = stream:read(65536)
  while piece do
    assert(not res:write(piece))
    piece = stream:read(65536)
  end
end
return { handler = function()
  local req = http.request()
  takes[req:param("what")](req, http.response())
end }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("bodies"), {"_index.yaml": YAML, "take.lua": TAKE}) as running:
        yield running


def blob(size):
    return hashlib.shake_256(b"seed").digest(size)


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("size", [0, 1, 1000, 256 << 10, (256 << 10) + 1, 3_000_000])
@pytest.mark.parametrize("how", ["stream?keep=1", "whole"])
def test_bodies_of_any_size(server, how, size, chunked):
    data = blob(size)
    with RawHttp(server.port) as connection:
        for _ in range(2):
            if chunked:
                connection.ask("POST", "/" + how, {"Transfer-Encoding": "chunked"})
                for at in range(0, size, 70_000):
                    piece = data[at:at + 70_000]
                    connection.send_bytes(b"%x\r\n%s\r\n" % (len(piece), piece))
                connection.send_bytes(b"0\r\n\r\n")
            else:
                connection.ask("POST", "/" + how, {"Content-Length": str(size)}, data)
            answer = connection.answer()
            assert answer.status == 200, answer
            seen = json.loads(answer.body)
            assert seen["size"] == size
            assert seen["sha"] == hashlib.sha256(data).hexdigest()


def test_a_body_is_read_in_pieces_and_never_held_whole(server):
    size = 40 << 20
    part = blob(1 << 20)
    with open(f"/proc/{server.process.pid}/clear_refs", "w") as peak:
        peak.write("5")  # the highest is counted anew
    before = memory_kb(server, "VmRSS")
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/stream", {"Content-Length": str(size)})
        for _ in range(40):
            connection.send_bytes(part)
        seen = json.loads(connection.answer(timeout=60).body)
    assert seen["size"] == seen["length"] == size
    assert seen["pieces"] > 100 and seen["largest"] <= 100000
    assert memory_kb(server, "VmHWM") - before < 24 << 10


def memory_kb(server, what):
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what))


def test_a_handler_that_is_slow_slows_the_client(server):
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/stream?slow=1", {"Content-Length": str(20 << 20)}, b"")
        connection.send_bytes(blob(1 << 20) * 20)
        assert json.loads(connection.answer(timeout=60).body)["size"] == 20 << 20


def test_an_answer_may_leave_while_its_request_comes(server):
    part = blob(400_000)
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/echo", {"Transfer-Encoding": "chunked"})
        connection.send_bytes(b"%x\r\n%s\r\n" % (len(part), part))
        connection.read_head()
        got = b""
        while len(got) < len(part):
            got += connection.read_chunk()
        assert got == part
        connection.send_bytes(b"5\r\nhello\r\n")
        assert connection.read_chunk() == b"hello"
        connection.send_bytes(b"0\r\n\r\n")
        assert connection.read_chunk() == b""


def test_the_length_of_a_body_in_chunks_is_not_known(server):
    part = blob(300_000)
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/stream", {"Transfer-Encoding": "chunked"})
        connection.send_bytes(b"%x\r\n%s\r\n" % (len(part), part))
        connection.send_bytes(b"0\r\n\r\n")
        assert json.loads(connection.answer().body)["length"] in (-1, len(part))


@pytest.mark.parametrize("how, status, line", [
    ("stream", 400, "stream failed: Invalid: the body is larger than the server takes"),
    ("whole", 413, "body failed: Invalid: the body is larger than the server takes"),
    ("careless", 413, None),
])
def test_a_chunked_body_beyond_the_limit_ends_at_the_limit(server, how, status, line):
    part = blob(1 << 20)
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/" + how, {"Transfer-Encoding": "chunked"})
        try:
            for _ in range(64):
                connection.send_bytes(b"%x\r\n%s\r\n" % (len(part), part))
        except ConnectionError:
            pass
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
    if line:
        server.stdout.wait_for(line)


def test_a_length_beyond_the_limit_is_refused_before_the_body_comes(server):
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/stream", {"Content-Length": str(49 << 20)})
        assert connection.answer().status == 413


@pytest.mark.parametrize("how, status", [("whole", 400), ("careless", 408)])
def test_a_body_that_stops_coming_is_broken_off(server, how, status):
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/" + how, {"Content-Length": "1000000"})
        connection.send_bytes(blob(500_000))
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (status, "close")


def test_a_client_that_breaks_off_is_told_to_the_handler(server):
    seen = len(server.stdout.matching("stream failed: Internal"))
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/stream", {"Content-Length": "1000000"})
        connection.send_bytes(blob(500_000))
    server.stdout.wait_for("stream failed: Internal: the body is not complete", times=seen + 1)


def test_a_handler_has_bounds_of_its_own(server):
    body = blob(1_500_000)
    assert request(server.port, "POST", "/bounded", body=body).body.startswith(b"the body has ")
    assert request(server.port, "POST", "/bounded", body=body[:1_000_000]).body == b"taken"
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/impatient", {"Content-Length": "1000000"})
        connection.send_bytes(body[:500_000])
        assert connection.answer().body == b"the body did not arrive within the request's timeout"


def test_what_comes_after_a_body_was_given_up_wakes_nobody(server):
    body = blob(1_500_000)
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/late?name=late", {"Content-Length": "1500000"})
        connection.send_bytes(body[:500_000])
        server.stdout.wait_for("late: the body did not arrive within the request's timeout")
        connection.send_bytes(body[500_000:700_000])
        go_on(server, "late")
        assert connection.answer().body == b"told"


def test_json_and_forms_above_the_size_that_is_awaited(server):
    items = json.dumps(["item"] * 100_000).encode()
    assert json.loads(request(server.port, "POST", "/json", body=items).body) == {"items": 100_000}
    file = blob(2_000_000)
    form = (b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n\r\n'
            + file + b"\r\n--b--\r\n")
    answer = request(server.port, "POST", "/form", {"Content-Type": "multipart/form-data; boundary=b"}, form)
    assert json.loads(answer.body) == {"name": "f.bin", "size": len(file), "note": "hello"}


def test_values_of_one_name_are_joined(server):
    form = b"".join(b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n%d\r\n' % i for i in range(5000))
    form += (b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n\r\n--b--\r\n')
    answer = request(server.port, "POST", "/form", {"Content-Type": "multipart/form-data; boundary=b"}, form)
    assert json.loads(answer.body)["note"] == ",".join(str(i) for i in range(5000))


def test_a_body_that_is_not_read_ends_the_connection_after_the_answer(server):
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/ignore", {"Content-Length": "2000000"})
        connection.send_bytes(blob(300_000))
        answer = connection.answer()
        assert (answer.body, answer.headers["connection"]) == (b"not read", "close")


def test_a_stream_may_be_closed_and_not_mixed(server):
    body = blob(1_000_000)
    assert request(server.port, "POST", "/close", body=body).body == b"closed"
    assert request(server.port, "POST", "/mixed", body=body).body == b"the body is being read as a stream"


def test_slow_uploads_below_the_size_hold_no_handler(server):
    slow = [RawHttp(server.port) for _ in range(40)]
    try:
        for connection in slow:
            connection.ask("POST", "/whole", {"Content-Length": "1000"})
            connection.send_bytes(b"x" * 10)
        assert json.loads(request(server.port, "POST", "/whole", body=b"abc").body)["size"] == 3
    finally:
        for connection in slow:
            connection.shut()
