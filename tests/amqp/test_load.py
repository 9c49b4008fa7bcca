"""Many clients, some that never read; a day's churn in miniature; memory that stays."""

import os
import time
from pathlib import Path

import pytest
from broker import wait_until
from crowd import Crowd, ready
from programs import Clu

# NATTERJACK_AMQP_CHURN=full: a day's worth, with an actor of ours, which is quick.
IS_FULL = os.environ.get("NATTERJACK_AMQP_CHURN") == "full"
COMMANDS, CONNECTS = (50_000, 2_000) if IS_FULL else (5_000, 200)
ON_THE_WAY = 50 if IS_FULL else 20


def test_200_clients_of_which_20_never_read(broker, exchange):
    """Those are dropped, and nobody waits for them."""
    bounds = ["--outbox-soft-bytes", 1 << 20, "--outbox-soft-time", "2s", "--outbox-bytes", 64 << 20, "--ping-interval", "0s"]
    with Clu(broker.port, *bounds) as clu:
        silent = [ready(clu.connect(receive_buffer=4096)) for _ in range(20)]
        crowd = Crowd(lambda: ready(clu.connect()), 180, b'"the end"')
        before = clu.memory()
        sent = 0
        start = time.monotonic()
        while len(clu.stderr.matching("does not read")) < 20:
            assert time.monotonic() - start < 120, "the silent ones are still there"
            exchange.replies([{"text": "x" * 50_000, "n": n} for n in range(5)])
            sent += 5
            # A slow machine's readers must not look like silent ones.
            wait_until(lambda: min(crowd.counts.values()) >= sent - 10 or crowd.problems, "the others read", 60)
        exchange.reply("the end")
        assert crowd.wait(120) == {sent + 1}
        assert clu.memory() - before < 100 << 20, "what is queued for the silent is shared"
        assert len(clu.stderr.matching(r"does not read: \d+ bytes queued")) == 20
        # They see why, once they read.
        codes = set()
        for client in silent:
            try:
                codes.add(client.read_until_closed(30).code)
            except (TimeoutError, AssertionError, OSError):
                codes.add(None)
        assert codes <= {1013, None}
        crowd.shut()
        clu.stop()
        assert '"clients_too_slow": 20' in clu.stderr.text()


def test_a_burst_below_the_bound_closes_nobody(bridge, exchange):
    with ready(bridge.connect()) as client:
        exchange.replies([{"text": "x" * 100_000} for _ in range(30)])
        for _ in range(30):
            client.read_data()


def churn(clu, commands, connects):
    """Commands over one client while others come and go, politely and rudely."""
    ends = [lambda c: c.send_close(1000), lambda c: c.drop(), lambda c: c.shut()]
    worker = ready(clu.connect())
    said = finals = 0
    for i in range(connects):
        other = clu.connect()
        if i % 3 == 0:
            other.send_json({"consumer": "alpha", "command_string": "ping", "command_id": f"left {i}"})
        ends[i % 3](other)
        while said < commands * (i + 1) // connects:
            worker.send_json({"consumer": "alpha", "command_string": "ping", "command_id": f"c{said}"})
            said += 1
            while said - finals > ON_THE_WAY:
                finals += is_final(worker)
    while finals < commands:
        finals += is_final(worker)
    worker.shut()


def is_final(client):
    head = client.read_json(60)["headers"]
    return head["message_code"] == ":" and head["command_id"].startswith("c")


@pytest.mark.slow
def test_churn_leaves_nothing_behind(broker, console, actor):
    """50,000 commands and 2,000 clients with NATTERJACK_AMQP_CHURN=full, a tenth of it without."""
    if IS_FULL:
        console.do("actor", name="alpha")
        console.wait_for(lambda line: line.get("actor") == "alpha")
    else:
        actor(answer=lambda text, i: [(":", {"text": "x" * 1000})])
    with Clu(broker.port, "--ping-interval", "1s", "--ping-timeout", "30s") as clu:
        churn(clu, COMMANDS // 5, CONNECTS // 5)  # buffers, pools and threads have their size now
        wait_until(lambda: descriptors(clu) < 40, "all have left", 30)
        before, files = clu.memory(), descriptors(clu)
        churn(clu, COMMANDS, CONNECTS)
        wait_until(lambda: descriptors(clu) <= files + 2, "all have left", 30)
        wait_until(lambda: clu.memory() < before * 1.05, "memory is back within 5%", 30)


def descriptors(clu):
    return len(list(Path(f"/proc/{clu.process.pid}/fd").iterdir()))
