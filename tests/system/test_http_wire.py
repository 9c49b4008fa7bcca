"""HTTP/1.1 octet by octet: keeping connections, pipelining, bodies, expectations, targets, versions."""

import json
import threading

import pytest

from natterjack import Natterjack
from raw_http import RawHttp, get, request

YAML = """
version: "1.0"
namespace: app
entries:
  - { name: api, kind: http.router, meta: { server: "system:gateway" }, prefix: /v }
  - { name: see, kind: function.lua, source: file://see.lua, method: handler, modules: [ http, json, time ] }
  - { name: see.get, kind: http.endpoint, meta: { router: api }, path: "/see/{rest...}", func: see }
  - { name: see.post, kind: http.endpoint, meta: { router: api }, method: POST, path: "/see/{rest...}", func: see }
  - { name: one.put, kind: http.endpoint, meta: { router: api }, method: PUT, path: "/one/{id}", func: see }
  - { name: own.options, kind: http.endpoint, meta: { router: api }, method: OPTIONS, path: /own, func: see }
  - { name: head, kind: http.endpoint, meta: { router: api }, method: HEAD, path: /head, func: see }
  - { name: big, kind: function.lua, source: file://big.lua, method: handler, modules: [ http ] }
  - { name: big.get, kind: http.endpoint, meta: { router: api }, path: /big, func: big }
"""

SEE = """
local http, json, time = require("http"), require("json"), require("time")
return { handler = function()
  local req, res = http.request(), http.response()
  if req:query("sleep") then time.sleep(req:query("sleep")) end
  if req:query("status") then res:set_status(tonumber(req:query("status"))) end
  res:write_json({ method = req:method(), path = req:path(), params = req:params(),
                   q = req:query("q") or "", body = req:body() or "" })
end }
"""

BIG = """
local http = require("http")
return { handler = function()
  local req, res = http.request(), http.response()
  local line = string.rep("0123456789abcde\\n", 4096)
  for i = 1, tonumber(req:query("n")) do res:write(line) end
end }
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wire")
    for name, text in {"_index.yaml": YAML, "see.lua": SEE, "big.lua": BIG}.items():
        (folder / name).write_text(text)
    with Natterjack(folder) as running:
        yield running


def seen(answer):
    assert answer.status == 200, answer
    return json.loads(answer.body)


# --- connections ---------------------------------------------------------------------------------


def test_http_1_0_keeps_the_connection_only_if_asked(server):
    with RawHttp(server.port) as connection:
        connection.ask("GET", "/v/see/a", {"Connection": "keep-alive"}, version="HTTP/1.0")
        answer = connection.answer()
        assert answer.headers["connection"] == "keep-alive"
        connection.ask("GET", "/v/see/b", version="HTTP/1.0")
        answer = connection.answer()
        assert answer.headers["connection"] == "close"
        assert "transfer-encoding" not in answer.headers
        assert connection.at_end()


def test_pipelined_requests_of_slow_and_quick_handlers_keep_their_order(server):
    with RawHttp(server.port) as connection:
        connection.send_bytes(b"".join(
            b"GET /v/see/%d%s HTTP/1.1\r\nHost: x\r\n\r\n" % (n, b"?sleep=30ms" if n % 4 == 0 else b"")
            for n in range(20)
        ))
        paths = [seen(connection.answer())["path"] for _ in range(20)]
    assert paths == [f"/v/see/{n}" for n in range(20)]


def test_thousands_of_pipelined_requests_neither_recurse_nor_starve_others(server):
    count = 20_000
    with RawHttp(server.port) as connection:
        sender = threading.Thread(target=connection.send_bytes, args=(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * count,))
        sender.start()
        assert get(server.port, "/healthz").status == 200
        for _ in range(count):
            assert connection.answer().status == 200
        sender.join()


def test_a_pipelining_client_that_does_not_read_is_not_read_from(server):
    with RawHttp(server.port, receive_buffer=4096) as connection:
        connection.socket.settimeout(1.0)
        wish = b"GET /v/big?n=8 HTTP/1.1\r\nHost: x\r\n\r\n" * 2000
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 64 << 20:
                sent += connection.socket.send(wish)
        assert sent < 32 << 20
    assert get(server.port, "/healthz").status == 200


# --- bodies --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 65_536, 1_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_of_any_size_arrive(server, size, chunked):
    body = b"y" * size
    with RawHttp(server.port) as connection:
        if chunked:
            parts = [body[i:i + 40_000] for i in range(0, size, 40_000)]
            octets = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
            connection.ask("POST", "/v/see/x", {"Transfer-Encoding": "chunked"}, octets)
        else:
            connection.ask("POST", "/v/see/x", {"Content-Length": str(size)}, body)
        assert seen(connection.answer())["body"] == body.decode()
        connection.ask("GET", "/healthz")
        assert connection.answer().status == 200


def test_a_body_that_comes_octet_by_octet(server):
    with RawHttp(server.port) as connection:
        for octet in b"POST /v/see/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" \
                     b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\nTrailer: t\r\n\r\n":
            connection.send_bytes(bytes([octet]))
        assert seen(connection.answer())["body"] == "abc"


def test_fields_behind_a_chunked_body_do_not_become_headers(server):
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/v/see/x", {"Transfer-Encoding": "chunked"},
                       b"1\r\na\r\n0\r\nHost: evil\r\nX-Auth: root\r\n\r\n")
        assert seen(connection.answer())["body"] == "a"


def test_a_large_answer_waits_for_its_reader(server):
    with RawHttp(server.port, receive_buffer=8192) as connection:
        connection.ask("GET", "/v/big?n=300")
        assert get(server.port, "/healthz").status == 200
        body = connection.answer(timeout=60).body
    assert len(body) == 300 * 65_536


@pytest.mark.parametrize("status, length", [(204, None), (205, "0"), (304, None)])
def test_answers_that_have_no_body_have_none(server, status, length):
    with RawHttp(server.port) as connection:
        for _ in range(2):
            connection.ask("GET", f"/v/see/a?status={status}")
            answer = connection.answer()
            assert (answer.status, answer.body, answer.headers.get("content-length")) == (status, b"", length)
            assert "transfer-encoding" not in answer.headers


def test_an_endpoint_for_head_answers_without_a_body(server):
    with RawHttp(server.port) as connection:
        connection.ask("HEAD", "/v/head")
        head = connection.answer("HEAD")
        assert int(head.headers["content-length"]) > 0
        connection.ask("GET", "/healthz")
        assert connection.answer().body == b"ok\n"


# --- expectations --------------------------------------------------------------------------------


@pytest.mark.parametrize("target, status", [("/v/nowhere", 404), ("/v/one/5", 405)])
def test_a_body_that_nobody_wants_is_refused_before_it_is_sent(server, target, status):
    with RawHttp(server.port) as connection:
        connection.ask("POST", target, {"Expect": "100-continue", "Content-Length": "1000"})
        assert connection.answer().status == status


def test_an_unknown_expectation_is_a_417(server):
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/v/see/x", {"Expect": "200-ok"}, b"a")
        assert connection.answer().status == 417


def test_http_1_0_expects_nothing(server):
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/v/see/x", {"Expect": "100-continue"}, b"ab", version="HTTP/1.0")
        assert seen(connection.answer())["body"] == "ab"


# --- targets and methods -------------------------------------------------------------------------


@pytest.mark.parametrize("target, path, rest", [
    ("/v/see/a/b", "/v/see/a/b", "a/b"),
    ("/v/see/", "/v/see/", ""),
    ("/v/see/%C3%BC%20x", "/v/see/ü x", "ü x"),
    ("/v/see/a%2Fb", "/v/see/a/b", "a/b"),
    ("/v/see/a+b", "/v/see/a+b", "a+b"),
    ("http://other.example/v/see/abs", "/v/see/abs", "abs"),
    ("https://other.example/v/see/abs?q=1", "/v/see/abs", "abs"),
])
def test_targets_are_decoded(server, target, path, rest):
    answer = seen(get(server.port, target))
    assert (answer["path"], answer["params"]["rest"]) == (path, rest)


def test_an_escaped_slash_is_part_of_a_parameter(server):
    answer = seen(request(server.port, "PUT", "/v/one/a%2Fb%20c"))
    assert answer["params"] == {"id": "a/b c"}
    assert request(server.port, "PUT", "/v/one/a/b").status == 404


@pytest.mark.parametrize("target", ["", "v/see/x", "*", "host:80", "/%", "/%a", "/%00", "ftp://x/"])
def test_what_is_no_path_is_a_400(server, target):
    with RawHttp(server.port) as connection:
        connection.send_bytes(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.answer().status == 400


def test_options_of_a_path_names_its_methods(server):
    answer = request(server.port, "OPTIONS", "/v/see/x")
    assert answer.status == 204
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}
    assert request(server.port, "OPTIONS", "/nowhere").status == 404


def test_options_of_everything(server):
    answer = request(server.port, "OPTIONS", "*")
    assert answer.status == 204
    assert {"GET", "PUT"} <= set(answer.headers["allow"].split(", "))


def test_an_endpoint_may_answer_options_itself(server):
    assert seen(request(server.port, "OPTIONS", "/v/own"))["method"] == "OPTIONS"


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "TRACE", "BREW", "get"])
def test_other_methods_are_a_405_with_allow(server, method):
    answer = request(server.port, method, "/v/one/1")
    assert (answer.status, answer.headers["allow"]) == (405, "PUT, OPTIONS")


def test_what_allow_names_is_answered_and_named_once(server):
    for target in ("/v/see/x", "/v/one/1", "/v/own", "/v/head"):
        refused = request(server.port, "PATCH", target)
        methods = refused.headers["allow"].split(", ")
        assert len(methods) == len(set(methods)) and "OPTIONS" in methods
        for method in methods:
            assert request(server.port, method, target).status in (200, 204), (method, target)


@pytest.mark.parametrize("octets, status", [
    (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    (b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
])
def test_versions_that_are_not_spoken(server, octets, status):
    with RawHttp(server.port) as connection:
        connection.send_bytes(octets)
        assert connection.answer().status in (status, 400)
        assert connection.at_end()


def test_a_client_that_leaves_in_the_middle_costs_nothing(server):
    for octets in (b"", b"GE", b"POST /v/see/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123"):
        connection = RawHttp(server.port)
        connection.send_bytes(octets)
        connection.drop()
    with RawHttp(server.port, receive_buffer=4096) as connection:
        connection.ask("GET", "/v/big?n=100")
        connection.read_head()
        connection.drop()
    assert get(server.port, "/healthz").status == 200
