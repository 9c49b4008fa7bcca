"""Many clients, some that never read; a day's churn in miniature; memory that stays."""

import threading
import time
from pathlib import Path

import pytest
from broker import wait_until
from programs import Clu


def ready(client):
    client.send_frame(0x9)
    while client.read_frame().opcode != 0xA:
        pass
    return client


class Reader(threading.Thread):
    """Reads a client until a reply holds the mark; notes when replies came."""

    def __init__(self, client, mark):
        super().__init__(daemon=True)
        self.client, self.mark = client, mark
        self.count = 0
        self.problem = None
        self.start()

    def run(self):
        try:
            while True:
                payload = self.client.read_data(60).payload
                self.count += 1
                if self.mark in payload[-200:]:
                    return
        except Exception as problem:  # reported by the test
            self.problem = problem


def test_clients_that_never_read_are_dropped_and_nobody_waits_for_them(broker, exchange):
    bounds = ["--outbox-soft-bytes", 1 << 20, "--outbox-soft-time", "2s", "--outbox-bytes", 16 << 20, "--ping-interval", "0s"]
    with Clu(broker.port, *bounds) as clu:
        silent = [ready(clu.connect(receive_buffer=4096)) for _ in range(20)]
        readers = [Reader(ready(clu.connect()), b'"the end"') for _ in range(30)]
        before = clu.memory()
        sent = 0
        start = time.monotonic()
        while len(clu.stderr.matching("does not read")) < 20:
            assert time.monotonic() - start < 60, "the silent ones are still there"
            exchange.replies([{"text": "x" * 50_000, "n": n} for n in range(20)])
            sent += 20
        exchange.reply("the end")
        for reader in readers:
            reader.join(60)
            assert reader.problem is None and reader.count == sent + 1
        assert clu.memory() - before < 100 << 20, "what is queued for the silent is shared"
        lines = clu.stderr.matching(r"does not read: \d+ bytes queued")
        assert len(lines) == 20
        # They see why, once they read.
        codes = set()
        for client in silent:
            try:
                codes.add(client.read_until_closed(30).code)
            except (TimeoutError, AssertionError, OSError):
                codes.add(None)
        assert codes <= {1013, None}
        clu.stop()
        assert '"clients_too_slow": 20' in clu.stderr.text()


def test_a_burst_below_the_bound_closes_nobody(bridge, exchange):
    with ready(bridge.connect()) as client:
        exchange.replies([{"text": "x" * 100_000} for _ in range(30)])
        for _ in range(30):
            client.read_data()


def churn(clu, exchange, commands, connects):
    """Commands over one client while others come and go, politely and rudely."""
    ends = [lambda c: c.send_close(1000), lambda c: c.drop(), lambda c: c.shut()]
    worker = ready(clu.connect())
    done = 0
    finals = 0
    for i in range(connects):
        other = clu.connect()
        if i % 3 == 0:
            other.send_json({"consumer": "alpha", "command_string": "ping", "command_id": f"left {i}"})
        ends[i % 3](other)
        while done < commands * (i + 1) // connects:
            worker.send_json({"consumer": "alpha", "command_string": "ping", "command_id": f"c{done}"})
            done += 1
            if done - finals > 20:
                finals += count_finals(worker)
    while finals < commands:
        finals += count_finals(worker)
    worker.shut()


def count_finals(client):
    frame = client.read_json(30)
    head = frame["headers"]
    return head["message_code"] == ":" and head["command_id"].startswith("c")


@pytest.mark.slow
def test_churn_leaves_nothing_behind(broker, exchange, actor):
    actor(answer=lambda text, i: [(":", {"text": "x" * 1000})])
    with Clu(broker.port, "--ping-interval", "1s", "--ping-timeout", "1s") as clu:
        churn(clu, exchange, 2000, 200)  # buffers, pools and threads have their size now
        wait_until(lambda: descriptors(clu) < 40, "all have left", 30)
        before, files = clu.memory(), descriptors(clu)
        churn(clu, exchange, 10_000, 1000)
        wait_until(lambda: descriptors(clu) <= files + 2, "all have left", 30)
        assert clu.memory() < before * 1.05 + (1 << 20)


def descriptors(clu):
    return len(list(Path(f"/proc/{clu.process.pid}/fd").iterdir()))
