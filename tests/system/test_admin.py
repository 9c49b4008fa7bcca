"""The administrator of a running node: ps, top, send, kill, over a local socket."""

import json
import os
import re
import socket
import stat
import time

import pytest

from natterjack import DEADLINE_S, command
from probe import Probe


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path, monkeypatch):
    """Sockets of these tests are nobody else's."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.delenv("NATTERJACK_ADMIN_SOCKET", raising=False)
    return folder


def ask(*arguments):
    done = command(*arguments)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def processes():
    return json.loads(ask("ps", "--json"))["processes"]


def rows(**wanted):
    return [row for row in processes() if all(row[k] == v for k, v in wanted.items())]


def named(name):
    [row] = [row for row in processes() if name in row["names"]]
    return row


def test_ps_lists_every_process_with_its_names(serve_probe):
    server = serve_probe()
    client = Probe(server)
    client.echo("hello")
    end = time.monotonic() + DEADLINE_S
    while (first := named("first"))["messages"] < 2:  # a turn is counted behind its reply
        assert time.monotonic() < end, first
    assert first["entry"] == "probe:hub" and first["kind"] == "lua"
    assert first["memory"] > 10_000 and first["mailbox"] == 0
    assert first["uptime_s"] > 0
    [connection] = rows(kind="connection")
    assert connection["pid"] == client.pid() and connection["entry"] == "system:gateway"
    text = ask("ps")
    assert text.splitlines()[0].split()[:4] == ["PID", "NAME", "ENTRY", "KIND"]
    assert first["pid"] in text and connection["pid"] in text


def test_ps_can_be_sorted_and_filtered(serve_probe):
    serve_probe()
    text = ask("ps", "--filter", "second", "--sort", "memory")
    assert len(text.splitlines()) == 2 and " second " in text


def test_top_shows_rates_and_ends_after_the_looks_asked_for(serve_probe):
    server = serve_probe()
    Probe(server).echo(1)
    text = ask("top", "--times", "2", "--interval", "0.2")
    assert text.count("PID ") == 2
    assert "ready" in text and "messages/s" in text


@pytest.mark.parametrize("to", ["first", "probe:first", "number"])
def test_send_reaches_a_process_by_name_service_or_number(serve_probe, to):
    server = serve_probe()
    watcher = Probe(server).watch()
    if to == "number":
        [first] = [row for row in processes() if "first" in row["names"]]
        to = first["pid"].split("|")[1].rstrip("}")
    ask("send", to, "news", '{"count": 3}')
    report = watcher.await_report(topic="news")
    assert report["data"] == {"count": 3}


def test_kill_asks_a_service_to_end(serve_probe):
    server = serve_probe()
    ask("kill", "first")
    server.stdout.wait_for("probe first cancelled")
    server.wait_for(r"probe:first: .* has ended as the administrator asked; started again with")


TWINS = """\
namespace: app
entries:
  - { name: hub, kind: process.lua, source: "return function() process.events():receive() end" }
  - { name: one, kind: process.service, process: hub, lifecycle: { auto_start: true } }
"""
SECOND_TWIN = "  - { name: two, kind: process.service, process: hub, lifecycle: { auto_start: true } }\n"
GATE = "  - { name: gate, kind: http.service, addr: '127.0.0.1:0', lifecycle: { auto_start: true } }\n"


def test_an_entry_stands_for_its_process_if_there_is_one(serve, application):
    server = serve(application({"_index.yaml": TWINS + GATE}))
    assert "\n1 process, " in ask("top", "--times", "1")
    ask("kill", "app:hub")
    server.wait_for(r"app:one: .* has ended as the administrator asked")


def test_of_several_processes_of_an_entry_each_is_named(serve, application):
    serve(application({"_index.yaml": TWINS + SECOND_TWIN + GATE}))
    pids = [row["pid"] for row in rows(entry="app:hub")]
    assert len(pids) == 2
    done = command("kill", "app:hub")
    assert done.returncode == 1
    assert '2 processes run "app:hub"; say which: ' + ", ".join(pids) in done.stderr
    ask("kill", "app:two")


def test_kill_by_force_ends_what_does_not_listen(serve_probe):
    server = serve_probe()
    [before] = [row["pid"] for row in processes() if "first" in row["names"]]
    ask("kill", "--force", before)
    server.wait_for("probe:first: failed: .*started again")
    server.stdout.wait_for("probe first started", times=2)


def test_a_connection_can_be_ended(serve_probe):
    server = serve_probe()
    client = Probe(server)
    ask("kill", client.pid())
    assert client.read_until_closed().code == 1000


@pytest.mark.parametrize("arguments, said", [
    (["send", "nobody", "topic", "1"], "no process .*\"nobody\""),
    (["kill", "{natterjack@probe:x|0x00099}"], "host not found"),
    (["send", "first", "@s1", "1"], "cannot send to @ topics"),
])
def test_who_is_not_there_is_named(serve_probe, arguments, said):
    serve_probe()
    done = command(*arguments)
    assert done.returncode == 1
    assert re.search(said, done.stderr), done.stderr


def test_a_value_that_is_no_json_is_refused_before_anything_is_sent(serve_probe):
    serve_probe()
    done = command("send", "first", "topic", "hello")
    assert done.returncode == 2
    assert "not JSON" in done.stderr and "hello" in done.stderr


@pytest.mark.parametrize("name", ["ps", "top", "send", "kill", "reload"])
def test_without_a_node_the_error_says_what_to_do(name):
    arguments = {"send": ["a", "b", "1"], "kill": ["a"]}.get(name, [])
    done = command(name, *arguments)
    assert done.returncode == 1
    assert "no node" in done.stderr and "natterjack run" in done.stderr


def test_with_two_nodes_one_has_to_be_chosen(serve_probe):
    first, second = serve_probe(), serve_probe()
    done = command("ps")
    assert done.returncode == 1
    for server in (first, second):
        assert f"--node {server.process.pid}" in done.stderr
    assert "probe" in ask("ps", "--node", str(second.process.pid))


def test_the_socket_is_for_its_owner_alone_and_goes_with_the_node(serve_probe, runtime_folder):
    server = serve_probe()
    folder = runtime_folder / "natterjack"
    path = folder / f"{server.process.pid}.sock"
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert server.stop() == 0
    assert not path.exists()


def test_a_socket_of_a_node_that_was_killed_is_passed_over(serve_probe, runtime_folder):
    dead = serve_probe()
    dead.kill()
    path = runtime_folder / "natterjack" / f"{dead.process.pid}.sock"
    assert path.exists()
    serve_probe()
    assert "probe" in ask("ps")
    assert not path.exists()


def test_the_path_can_be_chosen_and_turned_off(serve_probe, tmp_path, runtime_folder):
    chosen = tmp_path / "chosen.sock"
    serve_probe("--admin-socket", chosen)
    assert "probe" in ask("ps", "--admin-socket", str(chosen))
    serve_probe("--admin-socket", "off")
    assert not (runtime_folder / "natterjack").exists()


def test_the_environment_names_the_socket_for_both_sides(serve_probe, tmp_path, monkeypatch):
    monkeypatch.setenv("NATTERJACK_ADMIN_SOCKET", str(tmp_path / "from_environment.sock"))
    serve_probe()
    assert "probe" in ask("ps")


@pytest.mark.parametrize("line", [b"nonsense\n", b"[]\n", b'{"command":"dance"}\n', b"{}\n"])
def test_nonsense_on_the_socket_is_answered_and_harms_nobody(serve_probe, tmp_path, line):
    path = tmp_path / "a.sock"
    serve_probe("--admin-socket", path)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        connection.sendall(line)
        answer = json.loads(connection.makefile().readline())
    assert answer["ok"] is False and answer["error"]
    assert "probe" in ask("ps", "--admin-socket", str(path))


@pytest.mark.parametrize("request_, said", [
    ({"command": 5}, '"command" is a number; expected a text'),
    ({}, '"command" is missing; expected a text'),
    ({"command": "send", "to": "first", "topic": "", "value": 1}, "the topic is empty"),
    ({"command": "send", "to": "first", "topic": "t"}, '"value" is missing; expected anything that is JSON'),
    ({"command": "send", "to": [], "topic": "t", "value": 1}, '"to" is a list; expected a text'),
    ({"command": "kill"}, '"who" is missing; expected a text'),
    ({"command": "kill", "who": "first", "force": "yes"}, '"force" is a text; expected true or false'),
])
def test_what_is_wrong_with_a_request_is_said_in_a_sentence(serve_probe, tmp_path, request_, said):
    path = tmp_path / "a.sock"
    serve_probe("--admin-socket", path)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        connection.sendall(json.dumps(request_).encode() + b"\n")
        answer = json.loads(connection.makefile().readline())
    assert answer == {"ok": False, "error": said}


def test_a_socket_that_a_killed_node_left_is_no_node(serve_probe, runtime_folder):
    serve_probe()
    # The number of a process that lives, as after a while of running, but is no node.
    left = runtime_folder / "natterjack" / f"{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind(str(left))
    assert rows(entry="probe:hub")
