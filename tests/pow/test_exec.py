"""Commands of the operating system as processes."""

import os
import resource
import time

import pytest
from pow_client import CANCEL_SIGNAL, CANCELLED, CLOSE_SIGNAL, PowServer
from natterjack import DEADLINE_S, command

DONE = {"status": "fulfilled", "value": {"exit_code": 0}}


def run(server, script):
    """Output and result of a shell script with no input."""
    ws = server.call("sh", [script])
    ws.send_signal(CLOSE_SIGNAL)
    return ws.read_output_and_result()


def wait_until(is_met, timeout=DEADLINE_S):
    end = time.monotonic() + timeout
    while not is_met():
        assert time.monotonic() < end
        time.sleep(0.01)


def group_members(group):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(name))
    return found


def test_input_and_output(server):
    ws = server.call("cat")
    ws.send_text("hello\n")
    assert ws.read_text() == "hello\n"
    ws.send_signal(CLOSE_SIGNAL)
    assert ws.read_result() == DONE
    ws.assert_clean_end()


def test_output_comes_before_the_result(server):
    output, result = run(server, "seq 20000")
    assert output == b"".join(b"%d\n" % i for i in range(1, 20001)) and result == DONE


def test_a_megabyte_goes_through(server):
    ws = server.call("cat")
    sent, received = 0, 0
    for i in range(512):
        ws.send_text(chr(97 + i % 26) * 2048)
        sent += 2048
    ws.send_signal(CLOSE_SIGNAL)
    output, result = ws.read_output_and_result()
    received = len(output)
    assert received == sent and result == DONE


def test_arguments_are_words_and_no_shell_reads_them(server):
    ws = server.call("args", ["a b", "$HOME", "`id`", ";", ""])
    assert ws.read_output_and_result() == (b"[a b][$HOME][`id`][;][]", DONE)


@pytest.mark.parametrize("arguments", [None, [], ["x"] * 1001, ["a\0b"], ["x" * 5000]])
def test_arguments_that_are_refused(server, arguments):
    process = server.new("args", arguments)
    wait_until(lambda: server.status(process)["result"]["status"] != "pending")
    assert server.status(process)["result"]["reason"] == "failed to get process: invalid args"


@pytest.mark.parametrize(
    "script, reason",
    [("exit 3", "exit status 3"), ("kill -KILL $$", "signal: killed"), ("kill $$", "signal: terminated"),
     ("kill -SEGV $$", "signal: segmentation fault"), ("nosuchcommand 2>/dev/null", "exit status 127")],
)
def test_how_commands_fail(server, script, reason):
    assert run(server, script) == (
        b"",
        {"status": "rejected", "reason": "process returned error: " + reason},
    )


def test_errors_are_part_of_the_output(server):
    assert run(server, "echo out; echo err >&2; echo out")[0] == b"out\nerr\nout\n"


def test_cut_characters_are_joined_and_bad_bytes_replaced(server):
    output, result = run(server, r"printf '\303'; sleep 0.1; printf '\244\377x\342\202'")
    assert output.decode() == "ä\ufffdx\ufffd\ufffd" and result == DONE


def test_a_command_that_never_reads(server):
    ws = server.call("sh", ["exec 0<&-; echo closed; sleep 0.5; echo end"])
    assert ws.read_text() == "closed\n"
    for _ in range(200):
        ws.send_text("x" * 2000)  # nobody wants it, nobody is stopped by it
    assert ws.read_output_and_result() == (b"end\n", DONE)


def test_the_first_cancel_lets_a_command_go_on(server):
    ws = server.call("cat")
    ws.send_signal(CANCEL_SIGNAL)
    ws.send_text("still there")
    assert ws.read_text() == "still there"
    ws.send_signal(CLOSE_SIGNAL)
    assert ws.read_result() == DONE  # it paid no heed to the cancel


def test_the_second_cancel_terminates(server):
    ws = server.call("sh", ["echo up; exec sleep 1000"])
    assert ws.read_text() == "up\n"
    ws.send_signal(CANCEL_SIGNAL)
    ws.send_signal(CANCEL_SIGNAL)
    began = time.monotonic()
    assert ws.read_reason() == CANCELLED
    assert time.monotonic() - began < 4.5  # not by the kill after the grace time


def test_a_command_that_heeds_the_signal_gives_its_own_result(server):
    ws = server.call("sh", ["trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"])
    assert ws.read_text() == "up\n"
    ws.send_signal(CANCEL_SIGNAL)
    ws.send_signal(CANCEL_SIGNAL)
    output, result = ws.read_output_and_result()
    assert output.endswith(b"bye\n") and result == DONE


def test_a_stubborn_command_is_killed_after_the_grace_time(server):
    ws = server.call("stubborn")
    assert ws.read_text() == "ready\n"
    ws.send_signal(CANCEL_SIGNAL)
    ws.send_signal(CANCEL_SIGNAL)
    began = time.monotonic()
    assert ws.read_reason(timeout=DEADLINE_S) == CANCELLED
    assert 4 < time.monotonic() - began < DEADLINE_S


def test_the_whole_group_ends(server):
    ws = server.call("sh", ["sleep 1000 & sleep 1000 & echo $$; wait"])
    group = int(ws.read_text())
    wait_until(lambda: len(group_members(group)) == 3)
    ws.send_signal(CANCEL_SIGNAL)
    ws.send_signal(CANCEL_SIGNAL)
    assert ws.read_reason() == CANCELLED
    wait_until(lambda: not group_members(group))


def test_what_a_command_leaves_behind_ends_with_it(server):
    output, result = run(server, "sleep 1000 & echo $$")
    assert result == DONE
    wait_until(lambda: not group_members(int(output)))


def test_orphans_are_reaped_while_commands_run(server):
    ws = server.call("sh", ["(sleep 0.1 & setsid sleep 0.1 & exit) ; echo $$; exec sleep 1000"])
    leader = int(ws.read_text())
    wait_until(lambda: server.children() == [leader])  # both have become children of the server
    ws.drop()
    wait_until(lambda: not server.children())


def test_one_that_escapes_its_group_does_not_hold_the_end(serve):
    server = serve("--exec=sh=sh -c {1}")  # its own: what has escaped stays a child of it
    began = time.monotonic()
    output, result = run(server, "setsid sleep 30 & echo up")
    assert (output, result) == (b"up\n", DONE)
    assert time.monotonic() - began < 15


def test_commands_see_a_clean_world(server):
    output, _ = run(server, "ls /proc/self/fd | wc -l; cat /proc/self/status | grep -E 'SigBlk|SigIgn'")
    lines = output.decode().split()
    assert int(lines[0]) <= 4  # the standard three and the folder that is read
    assert lines[2] == "0" * 16 and lines[4] == "0" * 16


def test_the_environment_is_an_allow_list():
    os.environ["POW_TEST_SECRET"] = "secret"
    try:
        with PowServer("--exec=env=env") as server:
            ws = server.call("env")
            output, _ = ws.read_output_and_result()
    finally:
        del os.environ["POW_TEST_SECRET"]
    assert b"PATH=" in output and b"SECRET" not in output


def test_nothing_leaks(server):
    run(server, "exit 0")
    before = server.descriptors()
    sessions = [server.call("sh", ["exit 0"]) for _ in range(30)]
    for ws in sessions:
        assert ws.read_result() == DONE
        ws.assert_clean_end()
    broken = [server.call("cat") for _ in range(30)]
    for ws in broken:
        ws.drop()
    wait_until(lambda: server.descriptors() <= before)
    wait_until(lambda: not server.children())


def test_limits_of_the_server_hold_for_commands(serve):
    server = serve("--exec=files=sh -c 'ulimit -n'")
    assert server.call("files").read_text() == "256\n"
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (100, 100))
    expected = ["100\n", "256\n"]  # the latter where the server may exceed it
    assert server.call("files").read_text() in expected


def test_a_command_that_cannot_be_run(tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/nowhere/interpreter\n")
    script.chmod(0o755)
    with PowServer(f"--exec=broken={script}") as server:
        ws = server.call("broken")
        assert ws.read_reason() == (
            f"failed to get process: cannot run {script}: No such file or directory"
        )


@pytest.mark.parametrize(
    "option, said",
    [("nothing", "no name"), ("=x", "no name"), ("x=", "no command"), ("x='a", "not closed"),
     ("x=nosuchcommand", "not in PATH"), ("x=cat a{1}", "whole word"),
     ("x=cat {0}", "{1} to {9}"), ("x=cat {10}", "{1} to {9}"), ("x={1}", "choose the program"),
     ("x=/etc/passwd", "not an executable"), ("echo=cat", "two jobs")],
)
def test_commands_that_are_refused_at_the_start(option, said):
    done = command("pow", "--listen", "127.0.0.1:0", f"--exec={option}")
    assert done.returncode == 2 and said in done.stderr, done.stderr


def test_500_commands_at_once(server):
    """Five descriptors each: more than the soft limit most systems begin with."""
    sessions = [server.call("cat") for _ in range(500)]
    for i, ws in enumerate(sessions):
        ws.send_text(f"I am {i}")
    for i, ws in enumerate(sessions):
        assert ws.read_text() == f"I am {i}"
    for ws in sessions:
        ws.send_signal(CLOSE_SIGNAL)
    for ws in sessions:
        assert ws.read_result() == DONE
        ws.shut()
    wait_until(lambda: not server.children())
