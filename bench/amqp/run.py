#!/usr/bin/env python3
"""`natterjack clu` beside the original `clu websocket` of sdss-clu, on one RabbitMQ.

    build/amqp-venv/bin/python bench/amqp/run.py [--quick] [--commands 100000] [--write]

Measured of each: replies/s from exchange to 1, 10 and 100 websocket clients; CPU of the bridge for a
delivered frame; time from publish to receipt at a calm rate; memory over a number of commands.
"""

import argparse
import json
import multiprocessing
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path[:0] = [str(REPOSITORY / "tests/amqp"), str(REPOSITORY / "tests/support")]

from broker import Broker, free_port, wait_until  # noqa: E402
from exchange import Exchange, FakeActor  # noqa: E402
from natterjack import binary  # noqa: E402
from raw_ws import RawWebSocket  # noqa: E402
from wire import Publisher, connect, cpu_seconds, resident_bytes, start_readers  # noqa: E402

BODY = json.dumps({"text": "a reply as actors send them", "az": 123.4567, "alt": 45.678, "state": "tracking"})


class Server:
    def __init__(self, name, command, broker_port):
        self.name, self.port = name, free_port()
        self.process = subprocess.Popen(
            [*command, "-p", str(self.port), "-P", str(broker_port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        wait_until(self.serves, f"{name} serves", 60)

    def serves(self):
        assert self.process.poll() is None, f"{self.name} ended"
        try:
            connect(self.port)[0].close()
            return True
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.process.kill()
        self.process.wait()


def throughput(server, publisher, clients, count):
    """(replies/s, CPU us for a delivered frame)"""
    finish = start_readers(server.port, clients, count)
    cpu, start = cpu_seconds(server.pid), time.monotonic()
    publisher.flood(BODY, count)
    end, _ = finish()
    return count / (end - start), (cpu_seconds(server.pid) - cpu) / (count * clients) * 1e6


def latency(server, publisher, clients, count, interval):
    finish = start_readers(server.port, clients, count, is_timed=True)
    publisher.paced(count, interval)
    _, taken = finish()
    taken.sort()
    return taken[len(taken) // 2] * 1e3, taken[int(len(taken) * 0.99)] * 1e3


def act(port, ready):
    with Exchange(port) as exchange:
        FakeActor(exchange, "bench_actor", lambda text, i: [(":", {"text": "x" * 200})])
        ready.set()
        time.sleep(1e6)


def memory(server, broker, commands):
    """Resident bytes that each finished command leaves behind, after a first tenth."""
    ready = multiprocessing.Event()
    actor = multiprocessing.Process(target=act, args=(broker.port, ready), daemon=True)
    actor.start()
    assert ready.wait(30)
    before = None
    try:
        with RawWebSocket(server.port) as client:
            sent = done = 0
            while done < commands:
                while sent < commands and sent - done < 25:
                    client.send_json({"consumer": "bench_actor", "command_string": "x", "command_id": f"m{sent}"})
                    sent += 1
                client.read_data(60)
                done += 1
                if done == commands // 10:
                    before = resident_bytes(server.pid)
            after = resident_bytes(server.pid)
    finally:
        actor.kill()
        actor.join()
    return before, after, (after - before) / (commands * 0.9)


def measure(server, broker, publisher, options):
    quick = 10 if options.quick else 1
    fast = server.name == "natterjack clu"
    result = {}
    for clients in (1, 10, 100):
        count = (max(100_000 // clients, 4_000) if fast else max(3_000 // clients, 300)) // quick
        throughput(server, publisher, clients, max(count // 10, 20))  # warms up
        result[f"rate {clients}"], result[f"cpu {clients}"] = throughput(server, publisher, clients, count)
    result["p50"], result["p99"] = latency(server, publisher, 10, 1000 // quick, 0.01)
    commands = (options.commands if fast else min(options.commands, 3_000)) // quick
    result["commands"] = commands
    result["before"], result["after"], result["leak"] = memory(server, broker, commands)
    return result


ROWS = [
    *[(f"replies/s to {n} client{'s' if n > 1 else ''}", f"rate {n}", "{:,.0f}", False) for n in (1, 10, 100)],
    *[(f"CPU µs for a delivered frame, {n} client{'s' if n > 1 else ''}", f"cpu {n}", "{:,.1f}", True) for n in (1, 10, 100)],
    ("publish to receipt at 100/s to 10 clients, p50 ms", "p50", "{:.2f}", True),
    ("the same, p99 ms", "p99", "{:.2f}", True),
    ("commands for the memory rows", "commands", "{:,}", None),
    ("resident MiB after a tenth of them", "before", "{:.1f}", None),
    ("resident MiB after all", "after", "{:.1f}", None),
    ("bytes left behind by a command", "leak", "{:,.0f}", None),
]


def table(ours, theirs):
    lines = ["| | `natterjack clu` | `clu websocket` | ratio |", "|---|---:|---:|---:|"]
    for title, key, form, lower_is_better in ROWS:
        scale = 1 << 20 if key in ("before", "after") else 1
        a, b = ours[key] / scale, theirs[key] / scale
        ratio = "" if lower_is_better is None else f"{(b / a if lower_is_better else a / b) if a and b else 0:.1f}x"
        lines.append(f"| {title} | {form.format(a) if scale > 1 or isinstance(ours[key], float) else form.format(ours[key])} "
                     f"| {form.format(b) if scale > 1 or isinstance(theirs[key], float) else form.format(theirs[key])} | {ratio} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--commands", type=int, default=100_000, help="for the memory of `natterjack clu`")
    parser.add_argument("--write", action="store_true", help="bench/amqp/RESULTS.md")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as folder, Broker(folder) as broker:
        publisher = Publisher(broker.port)
        for name, command in (("natterjack clu", [binary(), "clu"]),
                              ("clu websocket", [str(Path(sys.executable).parent / "clu"), "websocket"])):
            with Server(name, command, broker.port) as server:
                results.append(measure(server, broker, publisher, options))
                print(f"{name}: {results[-1]}", file=sys.stderr, flush=True)
    cores = multiprocessing.cpu_count()
    text = (f"# The bridge beside the original\n\n{date.today()}, {platform.machine()}, {cores} cores shared by broker, "
            f"publisher, bridge and clients; RabbitMQ of the distribution; payload {len(BODY)} bytes.\n"
            f"`{' '.join(['build/amqp-venv/bin/python', 'bench/amqp/run.py', *sys.argv[1:]])}`\n\n{table(*results)}\n")
    print(text)
    if options.write:
        (Path(__file__).parent / "RESULTS.md").write_text(text)


if __name__ == "__main__":
    main()
