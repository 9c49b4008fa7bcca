"""Jobs in Lua: input, output, values, cancellation, and other processes at their PIDs."""

import json
import threading
import time

import pytest

from natterjack import DEADLINE_S
from pow_app import call, job, rest, rest_result, result_of, service, until
from pow_client import CANCEL_SIGNAL, CANCELLED, CLOSE_SIGNAL
from raw_ws import TEXT


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
    began = time.monotonic()
    ws.send_signal(CANCEL_SIGNAL)
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
