"""`natterjack pow` as its users meet it."""

import socket

import pytest
from natterjack import command
from pow_client import CLOSE_SIGNAL


def test_help_names_every_option():
    done = command("pow", "--help")
    assert done.returncode == 0
    for option in ["--listen", "--base-path", "--exec", "--drain-timeout", "--log-level"]:
        assert option in done.stdout


@pytest.mark.parametrize(
    "arguments, said",
    [(["--listen", "nowhere"], "expected ADDR:PORT"), (["--listen", "127.0.0.1:99999"], "ADDR:PORT"),
     (["--lisen", "x"], "--lisen"), (["stray"], "stray"), (["--drain-timeout", "soon"], "duration"),
     (["--log-level", "loud"], "no level"), (["--rest-timeout", "10s"], "60 s"),
     (["--rest-lines", "5"], "1000 lines"), (["--max-processes", "0"], "at least 1"),
     (["--message-bytes", "2k"], "at least 64"), (["--io-threads", "0"], "at least 1"),
     (["--call-timeout", "0"], "more than no time")],
)
def test_wrong_arguments(arguments, said):
    done = command("pow", *arguments)
    assert done.returncode == 2 and said in done.stderr, done.stderr


def test_a_port_that_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = command("pow", "--listen", f"127.0.0.1:{port}")
    assert done.returncode == 1 and str(port) in done.stderr


def test_echo_is_there_without_any_option(serve):
    server = serve()
    ws = server.call(params=["x"])
    ws.send_signal(CLOSE_SIGNAL)
    assert ws.read_result() == {"status": "fulfilled", "value": ["x"]}


def test_commands_are_added(serve):
    server = serve("--exec", "hello=echo hello {1}", "--exec", "two=printf '%s|' a 'b c' \"d\"")
    ws = server.call("hello", ["world"])
    assert ws.read_output_and_result()[0] == b"hello world\n"
    ws = server.call("two")
    assert ws.read_output_and_result()[0] == b"a|b c|d|"
