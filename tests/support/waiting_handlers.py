"""Handlers that stand in `process.inbox():receive()` under a name, and how a test lets them go on."""

import time

from natterjack import DEADLINE_S, command


def go_on(server, name):
    """Lets the handler go on, as soon as it waits. The server has an admin socket at `server.admin`."""
    end = time.monotonic() + DEADLINE_S
    while True:
        done = command("send", "--admin-socket", str(server.admin), name, "next", "1")
        if done.returncode == 0:
            return
        assert time.monotonic() < end, done.stderr
