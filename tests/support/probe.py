"""The probe application of `probe/`: what to ask its hubs, and how to wait for reports."""

import json
import time
from pathlib import Path
from urllib.parse import urlencode

from raw_ws import DEADLINE_S, RawWebSocket

FOLDER = Path(__file__).resolve().parent / "probe"


def line_of(text, file="hub.lua"):
    """The number of the only line of a probe file that holds this text."""
    lines = (FOLDER / file).read_text().splitlines()
    [number] = [n for n, line in enumerate(lines, start=1) if text in line]
    return number


def path(dialect="text", **query):
    query = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in query.items()}
    return f"/api/v1/{dialect}" + ("?" + urlencode(query) if query else "")


class Probe(RawWebSocket):
    """A client of a probe hub."""

    def __init__(self, server, dialect="text", query=None, **options):
        super().__init__(server.port, path(dialect, **(query or {})), **options)

    def ask(self, what, **details):
        self.send_json({"ask": what, **details})

    def pid(self):
        self.ask("whoami")
        return self.read_topic("you")["pid"]

    def hub(self):
        """The name of the hub that answers."""
        self.ask("whoami")
        return self.read_topic("you")["hub"]

    def echo(self, data):
        self.ask("echo", data=data)
        return self.read_topic("echo")

    def watch(self):
        """From now on the hub reports to this client whatever reaches it."""
        self.ask("watch")
        self.read_topic("watching")
        return self

    def await_report(self, of=None, timeout=DEADLINE_S, **expected):
        """The next report of the watched hub about process `of` with these fields.

        Others are passed over: clients of an earlier test may still be leaving.
        """
        expected |= {"from": of} if of else {}
        end = time.monotonic() + timeout
        while True:
            report = self.read_topic("seen", end - time.monotonic())
            if all(report.get(name) == value for name, value in expected.items()):
                return report


def arrive(server, watcher, dialect="text", **options):
    """A client, and the report of its join that its hub gave to the watcher."""
    client = Probe(server, dialect, **options)
    return client, watcher.await_report(client.pid(), topic="ws.join")
