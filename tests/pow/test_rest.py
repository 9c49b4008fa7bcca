"""The REST side: exact statuses and bodies, the output store, sessions and their end."""

import json
import re
import resource
import threading
import time

import pytest
from natterjack import DEADLINE_S
from pow_client import CANCELLED
from raw_http import RawHttp

CANCEL_CAUSE = CANCELLED.removeprefix("process returned error: ")


def assert_error(answer, status, text):
    assert (answer.status, answer.body) == (status, text.encode() + b"\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


def assert_text(answer, text):
    assert (answer.status, answer.body) == (200, text.encode())
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "x-content-type-options" not in answer.headers


def wait_for(server, process, is_met, timeout=DEADLINE_S):
    """Polls the status until it is as wanted."""
    end = time.monotonic() + timeout
    while not is_met(status := server.status(process)):
        assert time.monotonic() < end, status
        time.sleep(0.01)
    return status


def result_of(server, process, **options):
    return wait_for(server, process, lambda s: s["result"]["status"] != "pending", **options)["result"]


# -- new


def test_new_answers_with_an_id(server):
    answer = server.post("new", b'{"call":"echo"}')
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert "date" in answer.headers
    hex4 = "[0-9a-f]{4}"
    assert re.fullmatch(
        rf'"{hex4}{hex4}-{hex4}-4[0-9a-f]{{3}}-[89ab][0-9a-f]{{3}}-{hex4}{hex4}{hex4}"\n',
        answer.body.decode(),
    )


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"{", b'{"call":1}', b'"echo"', b'{"params":[1]}'])
def test_new_with_what_is_no_call(server, body):
    assert_error(server.post("new", body), 400, "failed to decode call message")


@pytest.mark.parametrize("body", [b'{"call":"echo"} trailing', b'{"call":"echo"}{', b"null x", b"{}"])
def test_new_reads_the_first_document_only(server, body):
    assert server.post("new", body).status == 200


def test_a_name_is_checked_after_the_answer(server):
    process = server.new("nobody")
    assert result_of(server, process) == {
        "status": "rejected",
        "reason": "failed to get process: unknown process",
    }
    assert result_of(server, server.new("cat", ["too", "many"]))["reason"] == (
        "failed to get process: invalid args"
    )


# -- status


def test_a_fresh_process_is_pending(server):
    answer = server.request("GET", "status/" + server.new())
    assert answer.body == b'{"result":{"status":"pending"}}\n'
    assert answer.headers["content-type"] == "application/json"


def test_head_works_where_get_does(server):
    for path in ["status/" + server.new(), "openapi.json", "docs/"]:
        head, got = (server.request(method, path) for method in ["HEAD", "GET"])
        assert head.status == got.status == 200
        assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize("method, action", [("GET", "status"), ("POST", "input"),
                                            ("POST", "closeInput"), ("POST", "cancel")])
def test_ids_nobody_has(server, method, action):
    for process in ["x", "00000000-0000-4000-8000-000000000000", "%41", "a%2Fb"]:
        assert_error(server.request(method, f"{action}/{process}"), 404, "process not found")


def test_ids_may_be_escaped_and_have_a_case(server):
    process = server.new()
    escaped = "".join(f"%{ord(c):02x}" for c in process)
    assert server.request("GET", "status/" + escaped).status == 200
    if process.upper() != process:
        assert server.request("GET", "status/" + process.upper()).status == 404


# -- input, store, result


def test_input_output_and_value(server):
    process = server.new(params=["a", "<b>"])
    assert_text(server.post("input/" + process, b"one\ntwo\r\nthree"), "input sent")
    assert wait_for(server, process, lambda s: "buffer" in s) == {
        "buffer": "one\ntwo",
        "result": {"status": "pending"},
    }
    assert_text(server.post("closeInput/" + process), "input closed")
    result_of(server, process)
    answer = server.request("GET", "status/" + process)
    assert answer.body == (
        b'{"buffer":"one\\ntwo\\nthree","result":{"status":"fulfilled","value":["a","\\u003cb\\u003e"]}}\n'
    )


@pytest.mark.parametrize(
    "given, shown",
    [
        (b"\n", None),
        (b"\n\n", "\n"),
        (b"a\r\r\n", "a\r"),
        (b"a\rb\n", "a\rb"),
        (b"unfinished", None),
        (b"x" * 300_000 + b"\n", "x" * 300_000),
        (b"\xff\xc3\n", "\ufffd\ufffd"),
        ("ä€😀\n".encode(), "ä€😀"),
        (b"<&>\x00\n", "<&>\x00"),
    ],
)
def test_the_store(server, given, shown):
    process = server.new()
    assert_text(server.post("input/" + process, given + b"mark\n"), "input sent")
    expected = (shown + "\nmark") if shown is not None else None
    if given == b"\n":
        expected = "\nmark"
    elif given == b"unfinished":
        expected = "unfinishedmark"
    assert wait_for(server, process, lambda s: s.get("buffer", "").endswith("mark"))["buffer"] == (
        expected
    )


def test_an_empty_line_alone_shows_as_nothing(server):
    process = server.new()
    server.post("input/" + process, b"\n")
    server.post("closeInput/" + process)
    assert result_of(server, process) == {"status": "fulfilled", "value": None}
    assert "buffer" not in server.status(process)


def test_bytes_that_are_not_utf8_show_as_escapes(server):
    process = server.new()
    server.post("input/" + process, b"\xff\n")
    assert b'"buffer":"\\ufffd"' in server.request("GET", "status/" + process).body


def test_the_last_thousand_lines_are_kept(server):
    process = server.new()
    server.post("input/" + process, b"".join(b"%d\n" % i for i in range(2500)))
    buffer = wait_for(server, process, lambda s: s.get("buffer", "").endswith("2499"))["buffer"]
    assert buffer.split("\n") == [str(i) for i in range(1500, 2500)]


def test_parallel_inputs_do_not_mix(server):
    process = server.new()
    lines = [bytes([65 + i]) * 20_000 + b"\n" for i in range(8)]
    threads = [threading.Thread(target=server.post, args=("input/" + process, line)) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    buffer = wait_for(server, process, lambda s: s.get("buffer", "").count("\n") == 7)["buffer"]
    assert sorted(buffer.split("\n")) == [line[:-1].decode() for line in lines]


def test_input_behind_the_end(server):
    process = server.new()
    server.post("closeInput/" + process)
    result_of(server, process)
    assert_error(server.post("input/" + process, b"x"), 500, "error copying data to process")
    assert_text(server.post("input/" + process), "input sent")
    assert_text(server.post("closeInput/" + process), "input closed")
    assert_text(server.post("cancel/" + process), "process cancelled")
    assert server.status(process)["result"]["status"] == "fulfilled"


def test_input_a_process_does_not_read(serve):
    server = serve("--input-timeout", "500ms", "--exec=deaf=sleep 1000")
    process = server.new("deaf")
    answer = server.post("input/" + process, b"x" * 500_000)
    assert_error(answer, 504, "process did not read its input in time")


def test_input_nobody_reads_is_not_kept(serve):
    """Who was told 504 has nothing waiting any more: neither in memory, nor for a process that reads late."""
    server = serve("--input-timeout", "100ms", "--exec=deaf=sleep 1000")
    process = server.new("deaf")
    before = server.resident_bytes()
    for _ in range(24):
        assert server.post("input/" + process, b"x" * (4 << 20)).status == 504
    assert server.resident_bytes() - before < 48 << 20


def test_a_body_of_many_pieces_on_a_small_stack(serve):
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, hard))  # inherited; ours has grown already
    try:
        server = serve("--body-bytes", str(80 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))
    process = server.new("echo")
    with RawHttp(server.port) as connection:
        connection.socket.settimeout(120)  # 80 MiB
        connection.ask("POST", "/input/" + process, body=b"x\n" * (40 << 20))
        assert_text(connection.answer(timeout=120), "input sent")


def test_a_process_that_ends_while_it_is_sent_input(server):
    process = server.new("sh", ["read line; sleep 0.3"])
    answer = server.post("input/" + process, b"line\n" + b"x" * 500_000)
    assert_error(answer, 500, "error copying data to process")


def test_errors_have_no_prefix(server):
    process = server.new("fail")
    assert result_of(server, process) == {"status": "rejected", "reason": "exit status 3"}
    assert server.status(process)["buffer"] == "before"


def test_cancel(server):
    process = server.new()
    assert_text(server.post("cancel/" + process), "process cancelled")
    assert server.status(process)["result"] == {"status": "rejected", "reason": CANCEL_CAUSE}
    assert_text(server.post("cancel/" + process), "process cancelled")


def test_cancel_waits_for_the_end(server):
    process = server.new("sh", ["trap 'sleep 1; exit 0' TERM; echo up; while :; do sleep 0.05; done"])
    wait_for(server, process, lambda s: s.get("buffer") == "up")
    began = time.monotonic()
    assert_text(server.post("cancel/" + process), "process cancelled")
    assert 0.8 < time.monotonic() - began < 9
    assert server.status(process)["result"] == {"status": "fulfilled", "value": {"exit_code": 0}}


# -- routes


def test_wrong_verbs(server):
    process = server.new()
    for path, allow in [("new", "POST"), (f"input/{process}", "POST"), (f"cancel/{process}", "POST"),
                        (f"closeInput/{process}", "POST"), (f"status/{process}", "GET, HEAD"),
                        ("openapi.json", "GET, HEAD")]:
        for method in {"GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"} - set(allow.split(", ")):
            answer = server.request(method, path)
            assert_error(answer, 405, "Method Not Allowed")
            assert answer.headers["allow"] == allow, (method, path)


@pytest.mark.parametrize(
    "path", ["", "x", "New", "new/", "status", "status/", "STATUS/x", "status/x/", "status/x/y",
             "status/%2F", "openapi.json/", "close-input/x", "healthz", "readyz"]
)
def test_paths_nobody_answers(server, path):
    for method in ["GET", "POST", "PUT"]:
        assert_error(server.request(method, path), 404, "404 page not found")


@pytest.mark.parametrize(
    "path, clean",
    [("//new", "/new"), ("/x/../new", "/new"), ("/./status//x", "/status/x"), ("/../new?a=b", "/new?a=b"),
     ("//", "/"), ("/docs/../docs/", "/docs/"), ("/docs", "/docs/"), ("/docs?x", "/docs/?x"),
     ("//docs", "/docs/"), ("/docs?", "/docs/")],
)
def test_unclean_paths_are_redirected(server, path, clean):
    for method in ["GET", "POST"]:
        with RawHttp(server.port) as connection:
            connection.ask(method, path)
            answer = connection.answer()
        assert answer.status == 307 and answer.headers["location"] == clean
        if method == "GET":
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert answer.body == f'<a href="{clean}">Temporary Redirect</a>.\n\n'.encode()
        else:
            assert answer.body == b""


def test_a_long_status_is_chunked(server):
    bare = b'{"buffer":"[]","result":{"status":"fulfilled","value":{"exit_code":0}}}\n'
    for size in [2048, 2049]:
        process = server.new("args", ["x" * (size - len(bare))])
        result_of(server, process)
        with RawHttp(server.port) as connection:
            for version in ["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]:  # the same connection
                connection.ask("GET", "/status/" + process, version=version)
                answer = connection.answer()
                assert answer.status == 200 and len(answer.body) == size
                assert answer.headers.get("content-length") == (str(size) if size == 2048 else None)
                chunked = answer.headers.get("transfer-encoding") == "chunked"
                assert chunked == (size > 2048 and version == "HTTP/1.1")
                if version == "HTTP/1.1":
                    connection.ask("HEAD", "/status/" + process)
                    assert connection.answer("HEAD").status == 200


def test_a_base_path_may_need_escapes(serve):
    server = serve("--base-path", "/my jobs/\xe9@")
    with RawHttp(server.port) as connection:
        connection.ask("POST", "/my%20jobs/%C3%A9@/new", body=b"{}")
        assert connection.answer().status == 200
        connection.ask("GET", "/my%20jobs/%c3%a9%40/openapi.json")
        url = json.loads(connection.answer().body)["servers"][0]["url"]
        assert url == "/my%20jobs/%C3%A9@/"
        connection.ask("GET", url + "docs/")
        assert f'"{url}docs/swagger-ui.css"'.encode() in connection.answer().body


def test_below_a_base_path(serve):
    server = serve("--base-path", "/a/./b")
    assert server.base == "/a/b/"
    process = server.new()
    assert server.status(process)["result"] == {"status": "pending"}
    with RawHttp(server.port) as connection:
        for path in ["/", "/new", "/a/b", "/a/bnew", "/a/"]:
            connection.ask("POST", path, body=b"{}")
            assert_error(connection.answer(), 404, "404 page not found")


# -- bounds


def test_bodies_are_bounded(serve):
    server = serve("--body-bytes", "1000")
    process = server.new()
    assert_text(server.post("input/" + process, b"x" * 1000), "input sent")
    assert server.post("input/" + process, b"x" * 1001).status == 413


def test_sessions_are_bounded(serve):
    server = serve("--rest-sessions", "3")
    for _ in range(3):
        server.new()
    assert_error(server.post("new", b"{}"), 503, "too many sessions")


def test_processes_are_bounded(serve):
    server = serve("--max-processes", "1")
    process = server.new()
    assert_error(server.post("new", b'{"call":"echo"}'), 503, "too many processes")
    server.post("cancel/" + process)
    end = time.monotonic() + DEADLINE_S
    while server.post("new", b'{"call":"echo"}').status != 200:
        assert time.monotonic() < end


@pytest.mark.slow
def test_unused_sessions_are_removed(server):
    """The shortest time allowed is a minute: this test takes one."""
    unused, used = server.new("sh", ["echo $$; exec cat"]), server.new()
    child = int(wait_for(server, unused, lambda s: "buffer" in s)["buffer"])
    last_used = time.monotonic()
    while child in server.children():
        assert time.monotonic() - last_used < 70
        assert server.status(used)["result"] == {"status": "pending"}
        time.sleep(0.5)
    assert time.monotonic() - last_used > 59
    assert_error(server.request("GET", "status/" + unused), 404, "process not found")
    assert server.status(used)["result"] == {"status": "pending"}


def test_500_processes_at_once(server):
    processes = [server.new(params=[str(i)]) for i in range(500)]
    for i, process in enumerate(processes):
        server.post("input/" + process, b"line of %d\n" % i)
    for process in processes:
        server.post("closeInput/" + process)
    for i, process in enumerate(processes):
        assert result_of(server, process) == {"status": "fulfilled", "value": [str(i)]}
        assert server.status(process)["buffer"] == f"line of {i}"


def test_answers_are_json_clients_can_read(server):
    process = server.new()
    server.post("input/" + process, b'"quotes" \\ and \x01\n')
    assert json.loads(server.request("GET", "status/" + process).body)["buffer"] == (
        '"quotes" \\ and \x01'
    )
