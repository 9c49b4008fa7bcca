"""Jobs of an application: services and commands, who may start what, how they end; examples/pow."""

import json
import time

import pytest

from natterjack import REPOSITORY, Natterjack, command
from pow_app import call, children, job, rest, rest_result, result_of, service, until
from pow_client import CANCEL_SIGNAL, CANCELLED, CLOSE_SIGNAL
from raw_http import get
from raw_ws import Closed


@pytest.fixture(scope="module")
def example():
    with Natterjack(REPOSITORY / "examples/pow", "--set", "app.pow:jobs.limits.call_time=20s") as server:
        yield server


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
