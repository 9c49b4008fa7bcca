"""HTTP/1.1 of a gateway: functions, static files, kept connections, requests that do not fit."""

import json

import pytest

import probe
from natterjack import Natterjack
from raw_http import RawHttp, exchange, get, request

YAML = """
version: "1.0"
namespace: web
entries:
  - { name: files, kind: fs.directory, directory: ./public }
  - name: static
    kind: http.static
    meta: { server: "system:gateway" }
    path: /
    fs: files
    static_options: { index: index.html }
"""

FILES = {
    "_index.yaml": YAML,
    "secret.txt": "not for the world",
    "public/index.html": "<!doctype html><title>ü</title>\n",
    "public/style.css": "body { color: olive }\n",
    "public/code.js": "export {};\n",
    "public/data.json": "{}",
    "public/toad.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "public/deep/index.html": "deep",
    "public/deep/a file.txt": "spaced",
    "public/large.bin": "0123456789" * 300_000,
}


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "public/link").symlink_to("../secret.txt")
    with Natterjack(folder) as server:
        yield server


# --- static files --------------------------------------------------------------------------------


@pytest.mark.parametrize("path, kind", [
    ("/index.html", "text/html"),
    ("/style.css", "text/css"),
    ("/code.js", "text/javascript"),
    ("/data.json", "application/json"),
    ("/toad.svg", "image/svg+xml"),
    ("/deep/a%20file.txt", "text/plain"),
])
def test_a_file_comes_whole_with_its_type(web, path, kind):
    answer = get(web.port, path)
    assert answer.status == 200
    assert answer.headers["content-type"].split(";")[0] == kind
    assert answer.body.decode() == FILES["public" + path.replace("%20", " ")]


def test_a_large_file_comes_whole(web):
    assert get(web.port, "/large.bin").body.decode() == FILES["public/large.bin"]


@pytest.mark.parametrize("path", ["/", "/?query=1", "/index.html?x"])
def test_the_folder_answers_with_its_index(web, path):
    answer = get(web.port, path)
    assert (answer.status, answer.body.decode()) == (200, FILES["public/index.html"])


def test_text_types_name_their_charset(web):
    assert "utf-8" in get(web.port, "/").headers["content-type"].lower()


def test_head_is_get_without_the_body(web):
    with RawHttp(web.port) as connection:
        connection.ask("HEAD", "/style.css")
        connection.ask("GET", "/style.css")
        head, got = connection.answer("HEAD"), connection.answer()
    assert head.status == got.status == 200
    for name in ("content-length", "content-type"):
        assert head.headers[name] == got.headers[name]
    assert got.body.decode() == FILES["public/style.css"]


@pytest.mark.parametrize("path", ["/nowhere", "/deep/nowhere.txt", "/index.html/more"])
def test_what_is_not_there_is_a_404(web, path):
    assert get(web.port, path).status == 404


@pytest.mark.parametrize("path", [
    "/../secret.txt", "/deep/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
    "/%2e%2e%2fsecret.txt", "/deep/..%2f..%2fsecret.txt", "//../secret.txt", "/..\\secret.txt",
    "/link", "/index.html%00.txt", "/%c0%ae%c0%ae/secret.txt", "/.%2e/_index.yaml",
])
def test_nothing_outside_the_folder_is_ever_given(web, path):
    answer = get(web.port, path)
    assert answer.status in (400, 403, 404)
    assert b"not for the world" not in answer.body and b"namespace" not in answer.body


def test_other_methods_on_a_file_are_refused_with_allow(web):
    answer = request(web.port, "POST", "/index.html", body=b"x")
    assert answer.status == 405
    assert "GET" in answer.headers["allow"]


def test_health_is_not_hidden_by_files_at_the_root(web):
    assert get(web.port, "/healthz").status == 200
    assert get(web.port, "/readyz").status == 200


# --- functions -----------------------------------------------------------------------------------


def test_a_function_sees_the_request_and_answers_json(probe_server):
    answer = request(probe_server.port, "POST", "/api/v1/echo/toad?q=a%20b", {"X-Probe": "yes"},
                     "grüß".encode())
    assert answer.status == 200
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    assert answer.headers["x-word"] == "toad"
    assert json.loads(answer.body) == {
        "method": "POST", "path": "/api/v1/echo/toad", "query": "a b", "header": "yes",
        "body": "grüß",
    }


def test_a_chunked_body_arrives_put_together(probe_server):
    with RawHttp(probe_server.port) as connection:
        connection.ask("POST", "/api/v1/echo/x", {"Transfer-Encoding": "chunked"},
                       b"3\r\nabc\r\n2;note=1\r\nde\r\n0\r\n\r\n")
        assert json.loads(connection.answer().body)["body"] == "abcde"


def test_the_wrong_method_is_a_405_that_names_the_right_one(probe_server):
    answer = get(probe_server.port, "/api/v1/echo/x")
    assert answer.status == 405
    assert "POST" in answer.headers["allow"]


def test_a_preflight_request_is_answered(probe_server):
    answer = request(probe_server.port, "OPTIONS", "/api/v1/echo/x", {
        "Origin": "http://elsewhere.example", "Access-Control-Request-Method": "POST",
    })
    assert answer.status in (200, 204)
    assert "access-control-allow-methods" in answer.headers


def test_what_no_entry_serves_is_a_404(probe_server):
    assert get(probe_server.port, "/nowhere").status == 404


# --- connections ---------------------------------------------------------------------------------


def test_a_connection_stays_for_the_next_request(web):
    with RawHttp(web.port) as connection:
        for _ in range(3):
            connection.ask("GET", "/style.css")
            assert connection.answer().body.decode() == FILES["public/style.css"]


def test_connection_close_and_http_1_0_end_it(web):
    for headers, version in [({"Connection": "close"}, "HTTP/1.1"), ({}, "HTTP/1.0")]:
        with RawHttp(web.port) as connection:
            connection.ask("GET", "/style.css", headers, version=version)
            assert connection.answer().status == 200
            assert connection.at_end()


def test_pipelined_requests_are_answered_in_order(probe_server):
    with RawHttp(probe_server.port) as connection:
        connection.send_bytes(b"".join(
            b"POST /api/v1/echo/%d HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok" % number
            for number in range(40)
        ))
        words = [connection.answer().headers["x-word"] for _ in range(40)]
    assert words == [str(number) for number in range(40)]


def test_expect_100_continue_is_answered_before_the_body(probe_server):
    with RawHttp(probe_server.port) as connection:
        connection.send_bytes(b"POST /api/v1/echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                              b"Expect: 100-continue\r\n\r\n")
        assert connection.read_head().status == 100
        connection.send_bytes(b"ok")
        assert json.loads(connection.answer().body)["body"] == "ok"


# --- limits --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tight():
    limits = {"head_timeout": "300ms", "body_timeout": "300ms", "idle_timeout": "300ms",
              "body_bytes": "1000", "head_bytes": "2000", "header_count": "10"}
    options = [text for name, value in limits.items()
               for text in ("--set", f"system:gateway.limits.{name}={value}")]
    with Natterjack(probe.FOLDER, *options) as server:
        yield server


@pytest.mark.parametrize("size, status", [(999, 200), (1000, 200), (1001, 413)])
def test_a_body_beyond_the_limit_is_a_413(tight, size, status):
    assert request(tight.port, "POST", "/api/v1/echo/x", body=b"x" * size).status == status


def test_a_body_announced_as_too_large_is_refused_before_it_comes(tight):
    with RawHttp(tight.port) as connection:
        connection.ask("POST", "/api/v1/echo/x", {"Content-Length": "1001"})
        assert connection.answer().status == 413


def test_a_chunked_body_beyond_the_limit_is_a_413(tight):
    body = b"".join(b"64\r\n" + b"x" * 100 + b"\r\n" for _ in range(11)) + b"0\r\n\r\n"
    answer = request(tight.port, "POST", "/api/v1/echo/x", {"Transfer-Encoding": "chunked"}, body)
    assert answer.status == 413


def test_a_head_beyond_the_limit_is_a_431(tight):
    assert get(tight.port, "/", {"X-Long": "x" * 1500}).status == 404
    assert get(tight.port, "/", {"X-Long": "x" * 2000}).status == 431


def test_more_headers_than_the_limit_are_a_431(tight):
    # Host and Connection are two of the ten.
    assert get(tight.port, "/", {f"X-{n}": "1" for n in range(8)}).status == 404
    assert get(tight.port, "/", {f"X-{n}": "1" for n in range(9)}).status == 431


@pytest.mark.parametrize("beginning", [
    b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX-",
])
def test_a_head_that_does_not_end_is_a_408(tight, beginning):
    assert exchange(tight.port, beginning).status == 408


def test_a_body_that_does_not_come_is_a_408(tight):
    head = b"POST /api/v1/echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345"
    assert exchange(tight.port, head).status == 408


def test_a_kept_connection_without_a_request_is_closed(tight):
    with RawHttp(tight.port) as connection:
        connection.ask("GET", "/healthz")
        assert connection.answer().status == 200
        assert connection.at_end(5)


# --- malformed -----------------------------------------------------------------------------------

MALFORMED = {
    "no request line": b"hello\r\n\r\n",
    "binary": bytes(range(256)) + b"\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "unknown version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "a header without colon": b"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "a control character": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "a length that is no number": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
    "a negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                   b"Content-Length: 2\r\n\r\nab",
    "length and chunked": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk size that is no number": b"POST / HTTP/1.1\r\nHost: x\r\n"
                                      b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a bad escape": b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("octets", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_request_is_answered_with_400_and_the_connection_ends(web, octets):
    with RawHttp(web.port) as connection:
        connection.send_bytes(octets)
        status = connection.answer().status
        assert status == 400 or (status == 505 and b"HTTP/9.9" in octets)
        assert connection.at_end()


def test_an_unknown_transfer_coding_is_refused_and_the_connection_ends(probe_server):
    with RawHttp(probe_server.port) as connection:
        connection.ask("POST", "/api/v1/echo/x", {"Transfer-Encoding": "gzip"}, b"?")
        assert connection.answer().status in (400, 501)
        assert connection.at_end()


def test_after_all_that_the_server_is_well(web, tight):
    assert get(web.port, "/").status == 200
    assert get(tight.port, "/healthz").status == 200
