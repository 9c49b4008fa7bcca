"""Jobs of an application: pow.service, pow.exec and pow.lua in `natterjack run`, and examples/pow."""

import json
import os
import sys
import threading
import time

import pytest

from natterjack import DEADLINE_S, REPOSITORY, command
from raw_http import get, request
from raw_ws import TEXT, Closed

sys.path.append(str(REPOSITORY / "tests/pow"))
from pow_client import CANCEL_SIGNAL, CANCELLED, CLOSE_SIGNAL, PowSocket  # noqa: E402

GATEWAY = """
  - name: gw
    kind: http.service
    addr: 127.0.0.1:0
    lifecycle: { auto_start: true }
"""


def job(lua, name="job", **fields):
    """A pow.lua entry whose function body is `lua`, and a service that offers it."""
    more = "".join(f"    {key}: {value}\n" for key, value in fields.items())
    body = "\n".join("      " + line for line in lua.strip("\n").splitlines())
    return f"""
  - name: {name}
    kind: pow.lua
{more}    source: |
      return {{run = function(job, ...)
{body}
      end}}
"""


def service(jobs="job: job", **fields):
    more = "".join(f"    {key}: {value}\n" for key, value in fields.items())
    return f"""
  - name: jobs
    kind: pow.service
    server: gw
    jobs: {{ {jobs} }}
{more}"""


@pytest.fixture
def serve_jobs(serve, application):
    def start(*entries, files=None, options=()):
        text = "namespace: app\nentries:\n" + GATEWAY + "".join(entries)
        return serve(application({"_index.yaml": text, **(files or {})}), *options)

    return start


@pytest.fixture(scope="module")
def example():
    from natterjack import Natterjack

    with Natterjack(REPOSITORY / "examples/pow") as server:
        yield server


def call(server, name="job", params=None, path="/pow/", **headers):
    ws = PowSocket(server.port, path=path, headers={"Sec-WebSocket-Protocol": "pow-1", **headers})
    ws.send_call(name, params)
    return ws


def result_of(server, name="job", params=None, **options):
    """All output and the result of a job that needs no input."""
    return call(server, name, params, **options).read_output_and_result()


def rest(server, method, path, body=None, headers=None):
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return request(server.port, method, "/pow/" + path, headers, data)


def rest_result(server, process):
    """Polls until the job has ended; returns its status document."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        status = json.loads(rest(server, "GET", f"status/{process}").body)
        if status["result"]["status"] != "pending":
            return status
    raise AssertionError(f"still pending: {status}")


def children(server):
    found = []
    for task in os.listdir(f"/proc/{server.process.pid}/task"):
        with open(f"/proc/{server.process.pid}/task/{task}/children") as file:
            found += map(int, file.read().split())
    return found


def until(condition, what, seconds=DEADLINE_S):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


# -- the example --------------------------------------------------------------


def test_the_page_and_the_documents_are_served(example):
    page = get(example.port, "/")
    assert page.status == 200 and b"<title>Natterjack jobs</title>" in page.body
    for file in ("page.css", "page.js", "client/pow.js", "terminal.js", "ansi.js", "toad.svg"):
        assert get(example.port, f"/{file}").status == 200, file
    document = json.loads(get(example.port, "/pow/openapi.json").body)
    assert document["servers"][0] == {"url": "/pow/", "description": "The jobs of examples/pow"}
    assert get(example.port, "/pow/docs/").status == 200


def test_a_lua_job_writes_and_gives_a_value(example):
    output, result = result_of(example, "count", ["3", "1ms"])
    assert output.count(b"\r") == 3 and b" 3 of 3" in output
    assert result == {"status": "fulfilled", "value": {"counted": 3}}


def test_a_lua_job_asks_and_is_answered(example):
    ws = call(example, "guess", ["10", "7"])
    output = b""
    for guess in (b"5\n", b"nine\n", b"7\n"):
        while not output.endswith(b"guess?\x1b[0m "):
            output += ws.read_data().payload
        output = b""
        ws.send_text(guess.decode())
    rest_of_output, result = ws.read_output_and_result()
    assert b"Yes!" in rest_of_output
    assert result == {"status": "fulfilled", "value": {"tries": 2}}


def test_a_lua_job_fails_with_its_own_words(example):
    output, result = result_of(example, "fail")
    assert b"does not open" in output
    assert result == {
        "status": "rejected", "reason": "process returned error: the door is locked"}


def test_cancelling_ends_a_lua_job_where_it_waits(example):
    ws = call(example, "count", ["1000", "20ms"])
    ws.read_text()
    ws.send_signal(CANCEL_SIGNAL)
    output, result = ws.read_output_and_result()
    assert b"stopped at" in output and result["reason"] == CANCELLED
    ws.assert_clean_end()


def test_a_command_reads_to_the_end_of_its_input(example):
    ws = call(example, "sort")
    ws.send_text("toad\nfrog\n")
    ws.send_text("newt\n")
    ws.send_signal(CLOSE_SIGNAL)
    output, result = ws.read_output_and_result()
    assert output == b"frog\nnewt\ntoad\n"
    assert result == {"status": "fulfilled", "value": {"exit_code": 0}}


def test_a_command_runs_in_the_folder_of_its_entry_and_checks_arguments(example):
    output, result = result_of(example, "list", ["public"])
    assert b"page.js" in output and result["status"] == "fulfilled"
    for wrong in (None, [], ["/etc"], ["public", "public"], ["."] * 3):
        output, result = result_of(example, "list", wrong)
        assert output == b"" and result["reason"] == "failed to get process: invalid args", wrong


def test_echo_is_built_in(example):
    ws = call(example, "echo", ["a"])
    ws.send_text("hello")
    assert ws.read_text() == "hello"
    ws.send_signal(CLOSE_SIGNAL)
    assert ws.read_result() == {"status": "fulfilled", "value": ["a"]}


def test_rest_runs_the_same_jobs(example):
    called = rest(example, "POST", "new", {"call": "count", "params": ["2", "1ms"]})
    process = json.loads(called.body)
    status = rest_result(example, process)
    assert status["result"] == {"status": "fulfilled", "value": {"counted": 2}}
    assert "2 of 2" in status["buffer"]


def test_a_function_decides_who_may_have_which_job(example):
    refused = "failed to get process: authorization denied"
    assert result_of(example, "secret", ["1"])[1]["reason"] == refused
    for allowed in ({"path": "/pow/?friend=toad"}, {"X-Friend": "toad"}):
        assert result_of(example, "secret", ["1", "1ms"], **allowed)[1]["status"] == "fulfilled"
    process = json.loads(rest(example, "POST", "new", {"call": "secret"}).body)
    assert rest_result(example, process)["result"]["reason"] == refused
    process = json.loads(
        rest(example, "POST", "new?friend=toad", {"call": "secret", "params": ["1", "1ms"]}).body)
    assert rest_result(example, process)["result"]["status"] == "fulfilled"


# -- what a Lua job may do ----------------------------------------------------


def test_input_is_a_channel_that_ends(serve_jobs):
    server = serve_jobs(
        job("""
            local sizes = {}
            while true do
              local piece, more = job.input:receive()
              if not more then return {sizes = sizes, cancelled = job:cancelled()} end
              sizes[#sizes + 1] = #piece
              job:write(piece:upper())
            end
            """), service())
    ws = call(server)
    for text in ("one", "", "three"):
        ws.send_text(text)
    assert [ws.read_text(), ws.read_text()] == ["ONE", "THREE"]
    ws.send_signal(CLOSE_SIGNAL)
    assert ws.read_result()["value"] == {"sizes": [3, 5], "cancelled": False}


def test_a_job_knows_what_it_was_called_with(serve_jobs):
    server = serve_jobs(
        job("""
            local r = job.request
            return {name = job.name, arguments = job.arguments, rest = {...}, path = r.path,
                    query = r.query, header = r.headers["x-test"], pid = process.pid() ~= job.pid}
            """), service("named: job"))
    _, result = result_of(server, "named", ["a", "ü<"], path="/pow/deep?x=1", **{"X-Test": "yes"})
    assert result["value"] == {
        "name": "named", "arguments": ["a", "ü<"], "rest": ["a", "ü<"], "path": "/pow/deep",
        "query": "x=1", "header": "yes", "pid": True}


def test_lines_are_put_together_from_pieces(serve_jobs):
    server = serve_jobs(
        job("""
            local all = {}
            for line in job:lines() do all[#all + 1] = line end
            return all
            """), service())
    ws = call(server)
    for piece in ("a", "b\r\nc\n\nla", "st"):
        ws.send_text(piece)
    ws.send_signal(CLOSE_SIGNAL)
    assert ws.read_result()["value"] == ["ab", "c", "", "last"]


@pytest.mark.parametrize("lua, ends_with", [
    ("error('boom')", "boom"),
    ("error('boom', 0)", "process returned error: boom"),
    ("return nil, 'no such thing'", "process returned error: no such thing"),
    ("return {1, a = 2}", "cannot encode a table with mixed keys at $"),
    ("while true do end", "limit budget reached"),
    ("local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", "reached"),
])
def test_a_job_that_fails_says_why(serve_jobs, lua, ends_with):
    server = serve_jobs(job(lua, limits="{ budget: 300ms, memory: 1MiB }"), service())
    result = result_of(server)[1]
    assert result["status"] == "rejected" and result["reason"].endswith(ends_with), result
    assert result_of(server)[1] == result or "budget" in ends_with  # the next one is not harmed


@pytest.mark.parametrize("lua, value", [
    ("", None), ("return 'text<'", "text<"), ("return 1.5", 1.5), ("return false", False),
    ("return {}", []), ("return {a = {1, 2}}", {"a": [1, 2]}),
])
def test_values_are_given_as_json(serve_jobs, lua, value):
    server = serve_jobs(job(lua), service())
    assert result_of(server) == (b"", {"status": "fulfilled", "value": value})


def test_a_job_that_never_waits_sees_its_cancellation(serve_jobs):
    server = serve_jobs(
        job("""
            job:write("busy")
            local turns = 0
            while not job:cancelled() do turns = turns + 1 end
            return job:cause()
            """, limits="{ budget: 10s }"), service())
    ws = call(server)
    assert ws.read_text() == "busy"
    ws.send_signal(CANCEL_SIGNAL)
    assert ws.read_result() == {"status": "fulfilled", "value": "client requested cancellation"}


def test_cancellation_can_be_waited_for_and_is_an_event_too(serve_jobs):
    server = serve_jobs(
        job("""
            local events = process.events()
            job:write("waiting")
            local got = channel.select{job.input:case_receive(), job.cancellation:case_receive()}
            return {channel = got.channel == job.cancellation, event = events:receive().kind,
                    cause = job:cause()}
            """), service())
    ws = call(server)
    assert ws.read_text() == "waiting"
    ws.send_signal(CANCEL_SIGNAL)
    assert ws.read_result()["value"] == {
        "channel": True, "event": "pid.cancel", "cause": "client requested cancellation"}


def test_a_job_that_does_not_end_is_ended_after_its_grace(serve_jobs):
    server = serve_jobs(
        job("job:write('deaf') channel.new():receive()", grace="200ms"), service())
    ws = call(server)
    assert ws.read_text() == "deaf"
    ws.send_signal(CANCEL_SIGNAL)
    began = time.monotonic()
    ws.send_signal(CANCEL_SIGNAL)
    assert ws.read_result()["reason"] == CANCELLED
    assert 0.15 < time.monotonic() - began < 8


@pytest.mark.parametrize("how", ["send_close", "drop"])
def test_a_lost_client_ends_its_job(serve_jobs, how):
    server = serve_jobs(
        job("job:write('on') print('cause', select(2, job:read()) or job:cause()) return 1"),
        service())
    ws = call(server)
    ws.read_text()
    getattr(ws, how)()
    server.stdout.wait_for(r"^cause \S")


def test_a_client_that_does_not_read_slows_its_own_job(serve_jobs):
    server = serve_jobs(
        job("""
            local piece = ("x"):rep(16 * 1024)
            for i = 1, 4096 do job:write(piece) if i % 64 == 0 then print("mib", i // 64) end end
            return 64
            """, limits="{ memory: 2MiB }"),
        job("return 'quick'", "other"), service("job: job, other: other"))
    slow = call(server)
    server.stdout.wait_for("^mib 1$")
    assert result_of(server, "other")[1]["value"] == "quick"
    assert not server.stdout.matching("^mib 32$")
    received = 0
    while (frame := slow.read_data()).opcode == TEXT:
        received += len(frame.payload)
    assert received == 64 << 20 and json.loads(frame.payload)["value"] == 64


def test_a_job_that_does_not_read_slows_its_own_client(serve_jobs):
    server = serve_jobs(
        job("""
            process.registry.register("holder")
            job:write("waiting")
            process.inbox():receive()
            local total = 0
            for piece in function() return (job.input:receive()) end do total = total + #piece end
            return total
            """),
        job("return process.send('holder', 'go')", "release"),
        service("job: job, release: release", limits="{ input_bytes: 64KiB }"))
    ws = call(server)
    ws.read_text()
    pieces = 40_000  # more than all the buffers of the kernel hold

    def talk():
        for _ in range(pieces):
            ws.send_text("y" * 1000)
        ws.send_signal(CLOSE_SIGNAL)

    talking = threading.Thread(target=talk, daemon=True)
    talking.start()
    talking.join(0.5)
    assert talking.is_alive(), "nothing held the client back"
    assert result_of(server, "release")[1]["value"] is True  # nobody else is held back
    talking.join()
    assert ws.read_result()["value"] == pieces * 1000


def test_many_jobs_at_once_are_not_mixed_up(serve_jobs):
    server = serve_jobs(
        job("local line = job:read_line() job:write(line) return {line, ...}"), service())
    clients = [call(server, params=[str(i)]) for i in range(300)]
    for i, ws in enumerate(clients):
        ws.send_text(f"line {i}\n")
    for i, ws in enumerate(clients):
        output, result = ws.read_output_and_result()
        assert (output.decode(), result["value"]) == (f"line {i}", [f"line {i}", str(i)])


WORKER = """
    job:write(job.pid)
    for line in job:lines() do job:write("heard " .. line) end
    return {lines = "done"}
"""
WATCHER = """
    local pid = ...
    if not process.send(pid, "pow.attach") then return nil, "nobody there" end
    job:write("attached")
    local inbox = process.inbox()
    while true do
      local message = inbox:receive()
      if message:topic() == "pow.end" then return message:payload():data() end
      job:write(message:topic() .. ": " .. message:payload():data())
    end
"""


def test_others_attach_to_a_running_job_by_its_pid(serve_jobs):
    server = serve_jobs(job(WORKER, "worker"), job(WATCHER, "watcher"),
                        service("worker: worker, watcher: watcher, echo: echo"))
    worker = call(server, "worker")
    pid = worker.read_text()
    worker.send_text("before\n")
    assert worker.read_text() == "heard before"
    watchers = [call(server, "watcher", [pid]) for _ in range(3)]
    for watcher in watchers:
        assert watcher.read_text() == "attached"
    watchers.pop().drop()  # one that leaves harms nobody
    for word in ("one", "two"):
        worker.send_text(word + "\n")
        for ws, front in [(worker, ""), *((w, "pow.output: ") for w in watchers)]:
            assert ws.read_text() == f"{front}heard {word}"
    worker.send_signal(CLOSE_SIGNAL)
    result = {"status": "fulfilled", "value": {"lines": "done"}}
    assert worker.read_result() == result
    for watcher in watchers:
        assert watcher.read_result() == {"status": "fulfilled", "value": result}
    assert result_of(server, "watcher", [pid])[1]["reason"].endswith("nobody there")


def test_other_processes_talk_to_a_job_by_its_pid(serve_jobs):
    server = serve_jobs(
        job("""
            local pid, what, text = ...
            return process.send(pid, what, text)
            """, "tell"), job(WORKER, "worker"), service("worker: worker, tell: tell"))
    worker = call(server, "worker")
    pid = worker.read_text()
    for what, text in (("pow.input", "from afar\n"), ("pow.unknown", "x"), ("job.write", "forged"),
                       ("job.finish", "1"), ("job.input", "x")):
        assert result_of(server, "tell", [pid, what, text])[1]["value"] is True
    assert worker.read_text() == "heard from afar"
    result_of(server, "tell", [pid, "pow.cancel", "enough"])
    assert worker.read_result() == {"status": "fulfilled", "value": {"lines": "done"}}


@pytest.mark.parametrize("lua", [
    "job:sleep('1h')", "job:read() job:sleep('1h')", "channel.select{job.cancellation:case_receive()}",
    "while not job:cancelled() do end", "for i = 1, 1e9 do if job:cancelled() then break end end",
])
@pytest.mark.parametrize("pieces", [0, 1, 300])
def test_a_cancel_overtakes_input_wherever_a_job_waits(serve_jobs, lua, pieces):
    server = serve_jobs(job(f"job:write('up') {lua} return nil, job:cause()", limits="{ budget: 20s }"),
                        service())
    ws = call(server)
    assert ws.read_text() == "up"
    for _ in range(pieces):
        ws.send_text("x" * 2000)
    ws.send_signal(CANCEL_SIGNAL)
    assert ws.read_reason() == CANCELLED
    ws.assert_clean_end()


def test_cancel_over_rest_overtakes_a_body_nobody_reads(serve_jobs):
    server = serve_jobs(job("job:write('up\\n') job:sleep('1h') return nil, job:cause()"), service())
    process = json.loads(rest(server, "POST", "new", {"call": "job"}).body)
    sent = []
    sending = threading.Thread(
        target=lambda: sent.append(rest(server, "POST", f"input/{process}", b"x" * 500_000)))
    sending.start()
    until(lambda: b"up" in rest(server, "GET", f"status/{process}").body, "it runs")
    assert rest(server, "POST", f"cancel/{process}").body == b"process cancelled"
    sending.join(DEADLINE_S)
    assert (sent[0].status, sent[0].body) == (500, b"error copying data to process\n")
    assert rest_result(server, process)["result"]["reason"] == "client requested cancellation"


def test_modules_and_imports_are_the_jobs_own(serve_jobs):
    server = serve_jobs(
        job("return {require('json').encode({1}), require('lib').twice(21)}",
            modules="[ json ]", imports="{ lib: lib }"),
        job("return require('json')", "poor"),
        """
  - name: lib
    kind: library.lua
    source: "return {twice = function(n) return 2 * n end}"
""", service("job: job, poor: poor"))
    assert result_of(server)[1]["value"] == ["[1]", 42]
    assert "module 'json' is not granted" in result_of(server, "poor")[1]["reason"]


# -- authorization ------------------------------------------------------------


@pytest.mark.parametrize("lua, reason", [
    ("return true", None),
    ("return nil, 'not today'", "not today"),
    ("return false", "authorization denied"),
    ("return 1", "authorization denied"),
    ("error('broken')", "authorization denied"),
    ("return name == 'echo' and params[1] == 'a' and require('http').request():path() == '/pow/'",
     None),
])
def test_only_a_clear_yes_is_a_yes(serve_jobs, lua, reason):
    server = serve_jobs(
        f"""
  - name: may
    kind: function.lua
    modules: [ http ]
    source: |
      return {{handler = function(name, params) {lua} end}}
""", service("echo: echo", authorize="may"))
    ws = call(server, "echo", ["a"])
    ws.send_signal(CLOSE_SIGNAL)
    result = ws.read_result()
    if reason is None:
        assert result == {"status": "fulfilled", "value": ["a"]}
    else:
        assert result["reason"] == f"failed to get process: {reason}"


# -- sides, limits, end ---------------------------------------------------------


def test_sides_can_be_left_out(serve_jobs):
    server = serve_jobs(service("echo: echo", rest="false"))
    assert rest(server, "GET", "openapi.json").status == 426
    server = serve_jobs(service("echo: echo", websocket="false", docs="false"))
    assert rest(server, "GET", "docs/").status == 404
    assert rest(server, "GET", "openapi.json").status == 200


def test_the_service_bounds_messages(serve_jobs):
    server = serve_jobs(service("echo: echo", limits="{ message_bytes: 100 }"))
    ws = call(server, "echo")
    ws.send_text("z" * 101)
    with pytest.raises(Closed) as closed:
        ws.read_data()
    assert closed.value.code == 1009


def test_draining_ends_jobs_in_bounded_time(serve_jobs):
    server = serve_jobs(
        job("job:write('deaf') channel.new():receive()"),
        """
  - name: sleep
    kind: pow.exec
    argv: [ sleep, "1000" ]
""", service("job: job, sleep: sleep, echo: echo"),
        options=["--drain-timeout", "500ms", "--drain-window", "100ms"])
    clients = [call(server, name) for name in ("job", "sleep", "echo")]
    clients[0].read_text()
    until(lambda: children(server), "the command runs")
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 15


# -- mistakes -----------------------------------------------------------------


@pytest.mark.parametrize("entry, says", [
    ("{name: c, kind: pow.exec, argv: [no-such-program-here]}",
     'app:c: argv: "no-such-program-here" is not in PATH'),
    ('{name: c, kind: pow.exec, argv: [ls, "--x={1}"]}', "a placeholder must be a whole word"),
    ("{name: c, kind: pow.exec, argv: [ls], directory: nowhere}", "directory: there is no directory"),
    ("{name: c, kind: pow.exec, argv: [ls], user: nobody-of-that-name}", "user: there is no user"),
    ('{name: c, kind: pow.exec, argv: [ls, "{*}"], arguments: {patterns: ["("]}}',
     "arguments.patterns: the pattern"),
    ('{name: c, kind: pow.lua, source: "return +"}', "unexpected symbol"),
    ("{name: c, kind: pow.exec, argv: []}", "argv"),
    ('{name: c, kind: pow.exec, argv: ["{1}"]}', "argv: a client may not choose the program"),
    ("{name: c, kind: pow.exec, argv: [/etc/passwd]}", 'argv: "/etc/passwd" is not an executable file'),
    ('{name: c, kind: pow.exec, argv: [ls, "{2}"], arguments: {max: 1}}',
     "arguments.max: it is 1, below the 2 arguments that are needed"),
    ('{name: c, kind: pow.exec, argv: [ls, "{2}"], arguments: {min: 1}}',
     "arguments.min: it is 1, but argv names {2}"),
    ('{name: c, kind: pow.exec, argv: [ls, "{1}"], arguments: {patterns: ["(a)\\\\1"]}}',
     "arguments.patterns: the pattern"),
    ("{name: c, kind: pow.exec, argv: [ls], limits: {wall_clock: soon}}", "limits.wall_clock"),
    ("{name: c, kind: pow.exec, argv: [ls], stderr: apartt}", "stderr"),
    ("{name: c, kind: pow.exec, argv: [ls], shell: true}", "shell"),
    ("{name: c, kind: pow.lua}", "source"),
    ("{name: c, kind: pow.service, jobs: {e: echo}, limits: {rest_timeout: 1s}}", "limits.rest_timeout"),
    ("{name: c, kind: pow.service, jobs: {e: echo}, authorize: nobody}", "authorize"),
    ("{name: c, kind: pow.service, jobs: {}}", "which names no job"),
    ("{name: c, kind: pow.service, jobs: {x: d}}", 'jobs.x: there is no entry "app:d"'),
])
def test_a_broken_entry_is_told_with_its_line(application, entry, says):
    folder = application({"_index.yaml": f"namespace: app\nentries:\n  - {entry}\n"})
    told = command("check", folder)
    assert told.returncode == 2
    assert says in told.stderr and "_index.yaml:3" in told.stderr, told.stderr


def test_the_binary_names_the_servers_that_need_no_application():
    told = command("--help")
    assert "pow" in told.stdout and "REST" in told.stdout
    assert "--exec" in command("pow", "--help").stdout
    wrong = command("pwo")
    assert wrong.returncode == 2 and 'did you mean "pow"?' in wrong.stderr
    wrong = command("--log-level", "info", "pow")
    assert wrong.returncode == 2 and "behind" in wrong.stderr
