"""Middleware of routers: each with its options, before and behind the route, and what the check says."""

import gzip
import json
import time

import pytest

from natterjack import DEADLINE_S, Natterjack, command
from raw_http import RawHttp, get, request

YAML = """
version: "1.0"
namespace: app
entries:
  - { name: see, kind: function.lua, source: file://see.lua, method: handler, modules: [ http, json ] }
  - { name: files, kind: fs.directory, directory: ./files }

  - name: strict
    kind: http.router
    meta: { server: "system:gateway" }
    prefix: /strict
    middleware: [ cors ]
    options:
      cors.allow.origins: "https://a.example, *.b.example"
      cors.allow.methods: GET
      cors.allow.headers: X-Mine
      cors.expose.headers: X-Seen
      cors.allow.credentials: "true"
      cors.max.age: "5"
      cors.allow.private.network: true
  - { name: strict.get, kind: http.endpoint, meta: { router: strict }, path: /x, func: see }

  - name: open
    kind: http.router
    meta: { server: "system:gateway" }
    prefix: /open
    middleware: [ cors ]
  - { name: open.get, kind: http.endpoint, meta: { router: open }, path: /x, func: see }

  - name: limited
    kind: http.router
    meta: { server: "system:gateway" }
    prefix: /limited
    middleware: [ real_ip, ratelimit ]
    options: { ratelimit.requests: 60, ratelimit.window: 1h, ratelimit.burst: 3 }
  - { name: limited.a, kind: http.endpoint, meta: { router: limited }, path: /a, func: see }
  - { name: limited.b, kind: http.endpoint, meta: { router: limited }, path: /b, func: see }

  - name: keyed
    kind: http.router
    meta: { server: "system:gateway" }
    prefix: /keyed
    post_middleware: [ ratelimit ]
    post_options: { ratelimit.burst: "1", ratelimit.key: "header:X-Key", ratelimit.requests: "1" }
  - { name: keyed.get, kind: http.endpoint, meta: { router: keyed }, path: /x, func: see }

  - name: packed
    kind: http.router
    meta: { server: "system:gateway" }
    prefix: /packed
    middleware: [ metrics, compress ]
    options: { compress.level: best, compress.min.length: 200 }
    post_middleware: [ sendfile, otel ]
    post_options: { sendfile.fs: files }
  - { name: packed.get, kind: http.endpoint, meta: { router: packed }, path: /x, func: see }

  - name: proxied
    kind: http.router
    meta: { server: "system:gateway" }
    prefix: /proxied
    middleware: [ real_ip ]
    options: { real_ip.trusted.subnets: "127.0.0.0/8, 10.0.0.0/8" }
  - { name: proxied.get, kind: http.endpoint, meta: { router: proxied }, path: /x, func: see }
  - name: suspicious
    kind: http.router
    meta: { server: "system:gateway" }
    prefix: /suspicious
    middleware: [ real_ip ]
    options: { real_ip.trusted.subnets: 10.0.0.0/8 }
  - { name: suspicious.get, kind: http.endpoint, meta: { router: suspicious }, path: /x, func: see }
"""

SEE = """
local http, json = require("http"), require("json")
return { handler = function()
  local req, res = http.request(), http.response()
  if req:query("file") then
    res:set_header("X-Sendfile", req:query("file"))
    if req:query("as") then res:set_header("X-File-Name", req:query("as")) end
    return
  end
  res:set_header("X-Seen", "yes")
  res:write_json({ from = req:remote_addr(), pad = string.rep("a", tonumber(req:query("pad") or "0")) })
end }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("middleware")
    (folder / "files").mkdir()
    (folder / "files/report.csv").write_text("a,b\n1,2\n")
    (folder / "_index.yaml").write_text(YAML)
    (folder / "see.lua").write_text(SEE)
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with Natterjack(folder) as running:
        yield running


def preflight(server, target, origin, **headers):
    return request(server.port, "OPTIONS", target, {
        "Origin": origin, "Access-Control-Request-Method": "GET", **headers})


# --- cors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", ["https://a.example", "http://x.b.example", "https://y.b.example"])
def test_cors_names_the_page_it_allows(server, origin):
    answer = get(server.port, "/strict/x", {"Origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-expose-headers"] == "X-Seen"
    assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize("origin", ["http://a.example", "https://b.example", "https://evil.example", "null"])
def test_cors_says_nothing_to_others(server, origin):
    answer = get(server.port, "/strict/x", {"Origin": origin})
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers
    assert "origin" in answer.headers["vary"].lower()


def test_cors_answers_preflight_requests(server):
    answer = preflight(server, "/strict/x", "https://a.example")
    assert answer.status == 204
    assert answer.headers["access-control-allow-methods"] == "GET"
    assert answer.headers["access-control-allow-headers"] == "X-Mine"
    assert answer.headers["access-control-max-age"] == "5"
    assert answer.headers["access-control-allow-origin"] == "https://a.example"
    assert "access-control-allow-private-network" not in answer.headers


@pytest.mark.parametrize("target, allowed", [("/strict/x", True), ("/open/x", False)])
def test_private_networks_are_opened_only_if_the_option_says_so(server, target, allowed):
    answer = preflight(server, target, "https://a.example",
                       **{"Access-Control-Request-Private-Network": "true"})
    assert (answer.headers.get("access-control-allow-private-network") == "true") == allowed


def test_cors_without_options_is_open(server):
    answer = get(server.port, "/open/x", {"Origin": "http://anybody.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "PATCH" in preflight(server, "/open/x", "http://x").headers["access-control-allow-methods"]


# --- real_ip -------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers, seen", [
    ({}, "127.0.0.1"),
    ({"X-Forwarded-For": "1.2.3.4"}, "1.2.3.4"),
    ({"X-Forwarded-For": "6.6.6.6, 1.2.3.4, 10.1.1.1"}, "1.2.3.4"),
    ({"X-Forwarded-For": "10.9.9.9, 10.1.1.1"}, "10.9.9.9"),
    ({"X-Forwarded-For": "nonsense"}, "127.0.0.1"),
    ({"X-Real-IP": "5.6.7.8", "X-Forwarded-For": "1.2.3.4"}, "5.6.7.8"),
    ({"True-Client-IP": "2001:db8::1", "X-Real-IP": "5.6.7.8"}, "2001:db8::1"),
    ({"X-Real-IP": "nonsense", "X-Forwarded-For": "1.2.3.4:99"}, "1.2.3.4"),
])
def test_a_trusted_proxy_says_who_asks(server, headers, seen):
    body = json.loads(get(server.port, "/proxied/x", headers).body)
    assert body["from"] == seen or body["from"].rsplit(":", 1)[0] == seen


def test_others_are_not_believed(server):
    body = json.loads(get(server.port, "/suspicious/x", {"X-Real-IP": "1.2.3.4"}).body)
    assert body["from"].startswith("127.0.0.1:")


# --- ratelimit -----------------------------------------------------------------------------------


def test_a_client_may_ask_only_so_often(server):
    asked = [get(server.port, f"/limited/{'ab'[n % 2]}", {"X-Real-IP": "9.9.9.1"}) for n in range(4)]
    assert [answer.status for answer in asked] == [200, 200, 200, 429]
    refusal = asked[-1]
    assert refusal.headers["x-ratelimit-limit"] == "60"
    assert refusal.headers["x-ratelimit-window"] == "1h0m0s"
    assert 1 <= int(refusal.headers["retry-after"]) <= 60
    assert get(server.port, "/limited/a", {"X-Real-IP": "9.9.9.2"}).status == 200


def test_buckets_may_be_keyed_by_a_header(server):
    assert [get(server.port, "/keyed/x", {"X-Key": key}).status for key in "aba"] == [200, 200, 429]


# --- compress, sendfile --------------------------------------------------------------------------


def test_long_answers_are_compressed(server):
    answer = get(server.port, "/packed/x?pad=5000", {"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(answer.body))["pad"]) == 5000
    assert "content-encoding" not in get(server.port, "/packed/x", {"Accept-Encoding": "gzip"}).headers
    assert "content-encoding" not in get(server.port, "/packed/x?pad=5000").headers


def test_a_handler_can_send_a_file(server):
    answer = get(server.port, "/packed/x?file=report.csv&as=J%C3%A4hrlich.csv")
    assert (answer.status, answer.body) == (200, b"a,b\n1,2\n")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "filename*=UTF-8''J%C3%A4hrlich.csv" in answer.headers["content-disposition"]
    assert "x-sendfile" not in answer.headers
    part = get(server.port, "/packed/x?file=report.csv", {"Range": "bytes=0-2"})
    assert (part.status, part.body) == (206, b"a,b")
    for outside in ("../see.lua", "/etc/passwd", "nowhere"):
        assert get(server.port, f"/packed/x?file={outside}").status == 404


# --- what the check says -------------------------------------------------------------------------


def complaints(application, router):
    folder = application({"_index.yaml": "namespace: app\nentries:\n"
                          "  - name: r\n    kind: http.router\n    meta: { server: \"system:gateway\" }\n"
                          + "".join(f"    {line}\n" for line in router)})
    done = command("check", folder)
    return done.returncode, done.stderr + done.stdout


@pytest.mark.parametrize("router, line, text", [
    (["middleware: [ corz ]"], 6, 'unknown middleware "corz" (did you mean "cors"?)'),
    (["middleware: [ cors ]", "options: { cors.allow.origin: x }"], 7, 'unknown option "cors.allow.origin"'),
    (["middleware: [ ratelimit ]", "options:", "  ratelimit.window: soon"], 8, "ratelimit.window"),
    (["middleware: [ ratelimit ]", "options: { ratelimit.burst: 0 }"], 7, "ratelimit.burst"),
    (["middleware: [ ratelimit ]", "options: { ratelimit.key: cookie }"], 7, "header:NAME"),
    (["middleware: [ compress ]", "options: { compress.level: 11 }"], 7, "best, default, fastest"),
    (["middleware: [ cors ]", "options: { cors.allow.credentials: maybe }"], 7, "true or false"),
    (["middleware: [ real_ip ]", "options: { real_ip.trusted.subnets: 10.0.0.0/99 }"], 7, "10.0.0.0/8"),
    (["middleware: [ websocket_relay ]", "options: { wsrelay.deflate: 16 }"], 7, "9 to 15"),
    (["post_middleware: [ sendfile ]"], 3, "sendfile.fs"),
    (["middleware: [ sendfile ]", "options: { sendfile.fs: nothing }"], 7, 'no entry "app:nothing"'),
])
def test_a_mistake_is_told_with_its_line(application, router, line, text):
    code, said = complaints(application, router)
    assert code == 2
    assert text in said and f"_index.yaml:{line}: app:r" in said, said


def test_an_option_of_middleware_that_is_not_listed_is_a_warning(application):
    code, said = complaints(application, ["middleware: [ cors ]", "options: { compress.level: best }"])
    assert code == 0
    assert "warning:" in said and "compress is not in middleware" in said, said


OTHERS_WORDS = """
namespace: app
entries:
  - { name: gateway, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
  - { name: local, kind: http.router, meta: { server: gateway }, prefix: /local, middleware: [ cors ],
      options: { allow_origins: "https://a.example, localhost" } }
  - { name: tea, kind: function.lua, source: "file://tea.lua", modules: [ http ] }
  - { name: tea.endpoint, kind: http.endpoint, meta: { router: local }, path: "/tea/:kind", func: tea }
  - { name: files, kind: fs.directory, directory: . }
  - { name: web, kind: http.static, meta: { server: gateway }, path: /web, fs: files,
      options: { mime_types: { .odd: application/x-odd, txt: text/x-own } } }
"""

TEA = """\
local http = require("http")

return { handler = function()
    local res = http.response()
    res:set_status(http.request():param("kind") == "odd" and 299 or 418)
    res:write(http.request():param("kind"))
end }
"""


@pytest.fixture
def as_others_write(serve, application):
    return serve(application({"_index.yaml": OTHERS_WORDS, "tea.lua": TEA, "a.odd": "odd", "a.txt": "own",
                              "a.css": "usual"}))


@pytest.mark.parametrize("origin, allowed", [
    ("http://localhost:5173", True), ("https://localhost", True), ("https://a.example", True),
    ("https://a.example:1", False), ("http://localhost.example:5173", False),
])
def test_localhost_means_each_port_of_it(as_others_write, origin, allowed):
    answer = get(as_others_write.port, "/local/tea/green", {"Origin": origin})
    assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
    assert (answer.status, answer.body) == (418, b"green")


def test_media_types_may_be_said_by_ending(as_others_write):
    types = {name: get(as_others_write.port, f"/web/{name}").headers["content-type"]
             for name in ("a.odd", "a.txt", "a.css")}
    assert types["a.odd"] == "application/x-odd" and types["a.txt"] == "text/x-own"
    assert types["a.css"].startswith("text/css")


@pytest.mark.parametrize("kind, line", [("green", b"HTTP/1.1 418 I'm a teapot\r\n"),
                                        ("odd", b"HTTP/1.1 299 Status 299\r\n")])
def test_a_status_has_words_of_its_own(as_others_write, kind, line):
    with RawHttp(as_others_write.port) as connection:
        connection.ask("GET", f"/local/tea/{kind}")
        assert connection.read_until(b"\r\n", time.monotonic() + DEADLINE_S) == line
