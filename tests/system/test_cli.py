"""The command line is a contract: options, exit codes, what stands on which stream."""

import re
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from natterjack import DEADLINE_S, binary, command
from probe import Probe
from raw_http import RawHttp, get
from raw_ws import CLOSE

APP = """
namespace: app
entries:
  - { name: hub, kind: process.lua, source: "file://hub.lua", method: run }
  - name: service
    kind: process.service
    process: hub
    host: system:processes
    lifecycle: { auto_start: true }
  - name: gateway
    kind: http.service
    addr: "127.0.0.1:1"
    lifecycle: { auto_start: true }
"""

HUB = "function run() print('started') process.events():receive() end\nreturn { run = run }\n"


@pytest.fixture
def folder(application):
    return application({"_index.yaml": APP, "hub.lua": HUB})


# --- help and version ----------------------------------------------------------------------------


def test_help_names_commands_options_and_exit_codes():
    text = ""
    for arguments in (["--help"], ["run", "--help"], ["check", "--help"]):
        run = command(*arguments)
        assert (run.returncode, run.stderr) == (0, "")
        text += run.stdout
    for option in ["--listen", "--set", "--log-level", "--allow-origins", "--drain-window",
                   "--drain-timeout"]:
        assert option in text
    assert "Exit codes" in text


def test_version_is_one_line_on_stdout():
    run = command("version")
    assert run.returncode == 0
    assert re.fullmatch(r"natterjack \d+\.\d+\.\d+\S*\n", run.stdout)


@pytest.mark.parametrize("arguments", [["version"], ["--version"], ["--help"], ["check", "."]])
def test_output_that_cannot_be_written_is_a_failure(folder, arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run([binary(), *arguments], cwd=folder, stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=DEADLINE_S)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("natterjack: standard output cannot be written: ")


@pytest.mark.parametrize("option", ["--short", "-s"])
def test_the_short_version_is_the_number(option):
    run = command("version", option)
    assert run.returncode == 0 and command("version").stdout == f"natterjack {run.stdout}"


def test_list_names_the_commands_of_an_application(application):
    yaml = """
namespace: app
entries:
  - { name: greet, kind: process.lua, source: file://hub.lua, meta: { command: { name: hello, short: says hello } } }
  - { name: plain, kind: process.lua, source: file://hub.lua, meta: { command: { name: plain } } }
  - { name: none, kind: process.lua, source: file://hub.lua }
"""
    run = command("run", application({"_index.yaml": yaml, "hub.lua": HUB}), "list")
    assert (run.returncode, run.stderr) == (0, "")
    assert [line.split(maxsplit=1) for line in run.stdout.splitlines()] == [
        ["hello", "says hello"], ["plain", "app:plain"]]


def test_no_arguments_point_to_the_help():
    run = command()
    assert run.returncode != 0
    assert "--help" in run.stdout + run.stderr


@pytest.mark.parametrize("arguments, wrong, nearest", [
    (["run", ".", "--lisen", "127.0.0.1:0"], "--lisen", "--listen"),
    (["run", ".", "--log-levl=debug"], "--log-levl", "--log-level"),
    (["run", ".", "--alow-origins", "*"], "--alow-origins", "--allow-origins"),
    (["check", ".", "--sett", "a:b.c=d"], "--sett", "--set"),
    (["rnu", "."], "rnu", "run"),
    (["chekc", "."], "chekc", "check"),
])
def test_what_is_mistyped_is_answered_with_the_nearest_right_word(arguments, wrong, nearest):
    run = command(*arguments)
    assert run.returncode == 2
    assert re.search(rf"{wrong}\b.*(?<![\w-]){nearest}(?![\w-])", run.stderr), run.stderr


@pytest.mark.parametrize("arguments", [
    ["run"],
    ["run", ".", "--listen", "nonsense"],
    ["run", ".", "--listen", "127.0.0.1:70000"],
    ["run", ".", "--log-level", "loud"],
    ["run", ".", "--drain-timeout", "soon"],
    ["run", ".", "--node-name", "a|b"],
    ["run", ".", "--node-name", ""],
    ["run", ".", "--io-threads", "two"],
    ["run", ".", "--hub-threads", "100000"],
    ["run", ".", "--set", "no-equals-sign"],
])
def test_a_wrong_value_is_an_error_that_quotes_it(arguments, folder):
    run = command(*[folder if word == "." else word for word in arguments])
    assert run.returncode == 2
    assert "listening on" not in run.stderr
    assert len(arguments) < 3 or arguments[-1] in run.stderr


# --- listening -----------------------------------------------------------------------------------


def test_port_0_is_a_free_port_named_in_the_log(serve, folder):
    first, second = serve(folder), serve(folder)
    assert first.port != second.port
    assert get(first.port, "/healthz").status == 200


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_a_taken_port_of_ipv6_is_named_with_brackets(folder):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        address = f"[::1]:{taken.getsockname()[1]}"
        run = command("run", folder, "--listen", address)
    assert run.returncode == 1
    assert f"cannot bind {address}: " in run.stderr


def test_a_taken_port_ends_with_1_and_names_the_address(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        run = command("run", folder, "--listen", address)
    assert run.returncode == 1
    assert address in run.stderr


def test_listen_sets_the_address_of_the_only_gateway_of_the_application(serve, folder):
    server = serve(folder)
    assert server.port != 1  # what the entry says
    assert get(server.port, "/healthz").status == 200


def test_health_and_readiness_are_on_every_gateway(serve, folder):
    server = serve(folder)
    for path in ("/healthz", "/readyz"):
        assert get(server.port, path).status == 200


def test_services_are_started_before_the_gateway_listens(serve, folder):
    server = serve(folder)
    # The line came before `listening on`, so it is here already or on its way through the pipe.
    server.stdout.wait_for("^started$")


# --- overrides -----------------------------------------------------------------------------------


def test_set_overrides_a_field_of_an_implicit_entry(serve_probe):
    server = serve_probe("--set", "system:gateway.limits.message_bytes=100")
    client = Probe(server)
    client.send_text("x" * 101)
    assert "100" in client.read_until_closed().reason


def test_the_spelling_of_the_ancestor_works_as_well(serve_probe):
    server = serve_probe("-o", "system:gateway:limits.message_bytes=100")
    client = Probe(server)
    client.send_text("x" * 101)
    assert "100" in client.read_until_closed().reason


def test_a_dot_in_an_entry_name_is_not_taken_for_a_field(serve, application):
    yaml = APP.replace("name: service", "name: hub.service") \
        .replace("auto_start: true", "auto_start: false", 1)
    files = {"_index.yaml": yaml, "hub.lua": HUB}
    server = serve(application(files), "--set", "app:hub.service.lifecycle.auto_start=true")
    server.stdout.wait_for("^started$")


# --- streams and the end -------------------------------------------------------------------------


def test_print_goes_to_stdout_and_the_log_to_stderr(serve, folder):
    server = serve(folder)
    server.stdout.wait_for("^started$")
    assert server.stop() == 0
    assert server.stdout.text() == "started"
    assert "started" not in [line for _, line in server.stderr.seen]


def test_log_level_off_is_silent(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        run = command("run", folder, "--listen", address, "--log-level", "off")
    assert run.returncode == 1


def test_log_level_debug_says_more_than_info(serve, folder):
    informed, detailed = serve(folder), serve(folder, "--log-level", "debug")
    assert informed.stop() == detailed.stop() == 0
    assert len(detailed.stderr.seen) > len(informed.stderr.seen)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_with_0(serve_probe, sign):
    server = serve_probe()
    client = Probe(server)
    server.process.send_signal(sign)
    closed = client.read_until_closed()
    assert (closed.code, closed.reason) == (1001, "server is shutting down")
    assert server.process.wait(20) == 0
    server.stdout.wait_for("probe first cancelled")


def test_idle_http_connections_do_not_hold_up_the_end(serve_probe):
    server = serve_probe("--drain-timeout", "60s")
    with RawHttp(server.port) as kept, RawHttp(server.port) as fresh:
        kept.ask("GET", "/healthz")
        assert kept.answer().status == 200
        server.process.send_signal(signal.SIGTERM)
        assert kept.at_end(20) and fresh.at_end(20)
        assert server.process.wait(20) == 0


def test_the_end_comes_as_soon_as_the_last_client_has_gone(serve_probe):
    server = serve_probe("--drain-window", "30s")
    client = Probe(server)
    client.echo("open")
    server.process.send_signal(signal.SIGTERM)
    client.send_close()
    client.read_until_closed()
    assert server.process.wait(20) == 0


def test_a_client_that_never_answers_the_close_frame_does_not_hold_up_the_end(serve_probe):
    server = serve_probe("--drain-window", "100ms", "--drain-timeout", "1s")
    client = Probe(server)
    server.process.send_signal(signal.SIGTERM)
    assert client.read_frame().opcode == CLOSE
    assert server.process.wait(20) == 0


def test_a_second_signal_ends_at_once(serve, application):
    hub = "function run() print('started') while true do process.inbox():receive() end end\n" \
          "return { run = run }\n"
    server = serve(
        application({"_index.yaml": APP, "hub.lua": hub}), "--drain-timeout", "60s",
        "--set", "app:service.lifecycle.stop_timeout=60s",
    )
    server.stdout.wait_for("^started$")
    server.process.send_signal(signal.SIGTERM)
    server.wait_for("(?i)drain|shutting down|stopping")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) is not None


def thread_names(pid):
    names = set()
    for comm in Path(f"/proc/{pid}/task").glob("*/comm"):
        try:
            names.add(comm.read_text().strip())
        except OSError:
            continue  # that thread has just ended
    return names


def test_threads_are_called_by_what_they_do(serve, folder):
    server = serve(folder, "--io-threads", "2", "--hub-threads", "3")
    wanted = {"io-0", "io-1", "hub-0", "hub-1", "hub-2", "lua-timers", "lua-watchdog"}
    end = time.monotonic() + DEADLINE_S
    while not wanted <= (names := thread_names(server.process.pid)):
        assert time.monotonic() < end, names


def test_the_drain_window_spreads_the_close_frames(serve_probe):
    server = serve_probe("--drain-window", "8s", "--drain-timeout", "30s")
    clients = {client.socket: client for client in (Probe(server) for _ in range(150))}
    server.process.send_signal(signal.SIGTERM)
    moments = []
    while clients:  # in the order they are told
        ready, _, _ = select.select(list(clients), [], [], DEADLINE_S)
        assert ready, f"{len(clients)} were not told"
        for told in ready:
            assert clients.pop(told).read_until_closed().code == 1001
            moments.append(time.monotonic())
    assert server.process.wait(30) == 0
    assert 2 < max(moments) - min(moments) < 20
