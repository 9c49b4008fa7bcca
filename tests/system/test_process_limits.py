"""A system that gives too little: streams that are closed, too few descriptors, no threads."""

import os
import re
import resource
import signal
import subprocess
import time

import pytest

from natterjack import DEADLINE_S, REPOSITORY, Lines, binary, command

ECHO = REPOSITORY / "examples/echo"


def begin(limits, *arguments, **options):
    """Starts the binary from a shell that has said `limits` first."""
    return subprocess.Popen(
        ["sh", "-c", f'{limits} exec "$0" "$@"', binary(), *map(str, arguments)],
        stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]])
def test_closed_streams_are_opened_so_that_nothing_else_gets_their_number(tmp_path, closed):
    path = tmp_path / "admin.sock"
    limits = "exec " + " ".join({0: "<&-", 1: ">&-", 2: "2>&-"}[one] for one in closed) + ";"
    server = begin(limits, "run", ECHO, "--listen", "127.0.0.1:0", "--admin-socket", path,
                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        until = time.monotonic() + DEADLINE_S
        while command("ps", "--admin-socket", path).returncode != 0:
            assert server.poll() is None and time.monotonic() < until
        for stream in (0, 1, 2):
            target = os.readlink(f"/proc/{server.pid}/fd/{stream}")
            assert (target == "/dev/null") == (stream in closed), target
        server.send_signal(signal.SIGTERM)
        assert server.wait(DEADLINE_S) == 0
    finally:
        server.kill()
        server.communicate()


def test_too_few_descriptors_are_one_sentence_with_a_number_that_is_enough():
    def serve(limit):
        return begin(f"ulimit -n {limit};", "run", ECHO, "--listen", "127.0.0.1:0")

    refused = serve(10)
    said = refused.communicate(timeout=DEADLINE_S)[1]
    assert refused.returncode == 1
    assert len(said.splitlines()) == 1
    [least] = re.findall(r"error the limit of descriptors, 10, is too low: at least (\d+) are needed", said)
    server = serve(least)
    try:
        Lines("stderr", server.stderr).wait_for("listening on")
    finally:
        server.kill()
        server.wait()


NOBODY = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start a program as somebody else")
@pytest.mark.parametrize("tasks", [1, 2, 3, 5, 8])
def test_without_threads_the_start_ends_with_one_sentence(tasks):
    def run(*arguments, bound=None):
        return subprocess.run(
            [binary(), *map(str, arguments)], capture_output=True, text=True, timeout=DEADLINE_S,
            user=NOBODY, extra_groups=[], cwd="/", preexec_fn=bound)

    try:
        if run("check", ECHO).returncode != 0:
            pytest.skip("nobody cannot read the application")
    except PermissionError:
        pytest.skip("nobody cannot run the binary")
    done = run("run", ECHO, "--listen", "127.0.0.1:0",
               bound=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (tasks, tasks)))
    assert done.returncode == 1, done
    [line] = done.stderr.splitlines()
    assert re.search(r"error cannot start thread \d+ of \d+: Resource temporarily unavailable", line)
