"""Handlers that stand in `process.inbox():receive()` under a name, and how a test lets them go on."""

import time
from contextlib import contextmanager

from natterjack import DEADLINE_S, Natterjack, command


@contextmanager
def serving(folder, files):
    """A server of these files (name: text) with an admin socket; it must live until the end."""
    for name, text in files.items():
        (folder / name).write_text(text)
    with Natterjack(folder, "--admin-socket", str(folder / "admin")) as running:
        running.admin = folder / "admin"
        yield running
        assert running.is_alive(), running.stderr.text()


def go_on(server, name):
    """Lets the handler go on, as soon as it waits. The server has an admin socket at `server.admin`."""
    end = time.monotonic() + DEADLINE_S
    while True:
        done = command("send", "--admin-socket", str(server.admin), name, "next", "1")
        if done.returncode == 0:
            return
        assert time.monotonic() < end, done.stderr
