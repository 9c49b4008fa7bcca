"""The server is told to stop while processes run."""

import signal
import time

import pytest
from natterjack import DEADLINE_S
from pow_client import CLOSE_SIGNAL
from raw_http import RawHttp
from raw_ws import Refused


def is_gone(process):
    """Waits until it has ended; where process 1 reaps nobody it stays a zombie."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        try:
            with open(f"/proc/{process}/stat") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_idle_server_ends_at_once(serve, number):
    server = serve()
    began = time.monotonic()
    server.send_signal(number)
    assert server.wait() == 0
    assert time.monotonic() - began < 8  # the time for processes to end is 10 s


def test_running_sessions_may_finish(serve):
    server = serve()
    ws = server.call(params=["done"])
    ws.send_text("x")
    assert ws.read_text() == "x"
    server.send_signal()
    server.stderr.wait_for("SIGTERM received")
    ws.send_text("still served")
    assert ws.read_text() == "still served"
    ws.send_signal(CLOSE_SIGNAL)
    assert ws.read_result() == {"status": "fulfilled", "value": ["done"]}
    ws.assert_clean_end()
    assert server.wait() == 0


def test_new_clients_are_refused_meanwhile(serve):
    server = serve()
    running = server.call()
    running.send_text("x")
    assert running.read_text() == "x"
    process = server.new()
    server.send_signal(signal.SIGINT)
    server.stderr.wait_for("SIGINT received")
    end = time.monotonic() + DEADLINE_S
    while True:  # the signal is at work a moment after the log says so
        try:
            server.connect().shut()
            assert time.monotonic() < end
        except Refused as refused:
            assert (refused.status, refused.body) == (503, b"websocket server closed\n")
            break
    with RawHttp(server.port) as http:
        http.ask("POST", "/new", body=b'{"call":"echo"}')
        answer = http.answer()
        assert (answer.status, answer.body) == (500, b"failed to create new process\n")
    with RawHttp(server.port) as http:
        http.ask("GET", "/status/" + process)
        assert http.answer().body == b"process not found\n"
    running.send_close()
    assert running.read_close() == 1000
    assert server.wait() == 0


def test_the_wait_is_bounded(serve):
    server = serve("--drain-timeout", "500ms")
    ws = server.call()
    ws.send_text("x")
    assert ws.read_text() == "x"
    began = time.monotonic()
    server.send_signal()
    assert ws.read_reason() == "process returned error: server closing"
    ws.assert_clean_end()
    assert server.wait() == 0
    assert 0.4 < time.monotonic() - began < 15


def test_commands_are_ended_with_the_server(serve):
    server = serve("--drain-timeout", "100ms", "--exec=stubborn=sh -c \"trap '' TERM; echo $$; sleep 60\"")
    ws = server.call("stubborn")
    child = int(ws.read_text())
    server.send_signal()
    assert ws.read_reason() == "process returned error: server closing"
    assert server.wait() == 0
    with pytest.raises(OSError):
        open(f"/proc/{child}/stat").read()


def test_commands_do_not_outlive_a_killed_server(serve):
    server = serve("--exec=sleep=sh -c 'echo $$; exec sleep 60'")
    ws = server.call("sleep")
    child = int(ws.read_text())
    server.kill()
    assert is_gone(child)


def test_rest_processes_are_cancelled(serve):
    server = serve("--exec=sleep=sleep 60")
    server.new("sleep")
    end = time.monotonic() + DEADLINE_S
    while not server.children():
        assert time.monotonic() < end
    began = time.monotonic()
    server.send_signal()
    assert server.wait() == 0
    assert time.monotonic() - began < 9


def test_a_second_signal_means_now(serve):
    server = serve()
    ws = server.call()
    ws.send_text("x")
    assert ws.read_text() == "x"
    server.send_signal()
    server.stderr.wait_for("SIGTERM received")
    end = time.monotonic() + DEADLINE_S
    while server.is_alive():
        assert time.monotonic() < end
        server.send_signal()
        time.sleep(0.05)
    assert server.wait() == 1


def test_a_second_signal_ends_what_commands_have_started(serve):
    server = serve("--exec=family=sh -c 'sleep 1000 & echo $!; wait'")
    ws = server.call("family")
    grandchild = int(ws.read_text())
    server.send_signal()
    server.stderr.wait_for("SIGTERM received")
    server.send_signal()
    assert server.wait() == 1
    assert is_gone(grandchild)


def test_readiness_goes_first(serve):
    server = serve("--probes")
    with RawHttp(server.port) as http:
        http.ask("GET", "/readyz")
        assert http.answer().status == 200
    ws = server.call()
    ws.send_text("x")
    assert ws.read_text() == "x"
    server.send_signal()
    server.stderr.wait_for("SIGTERM received")
    end = time.monotonic() + DEADLINE_S
    status = 200
    while status != 503:
        assert time.monotonic() < end
        with RawHttp(server.port) as http:
            http.ask("GET", "/readyz")
            status = http.answer().status
    ws.send_close()
    assert server.wait() == 0
