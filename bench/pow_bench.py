"""`./dev bench --pow`: process jobs over websocket, beside the least a Go server can do for them.

A session is connect, call of `echo`, one echo, end of input, result and closing handshake.
"""

import argparse
import datetime
import os
import platform
import sys

from bench import (NOISY_PERCENT, Bench, Case, add_common_options, cpu_model, number, set_lengths)
from servers import BENCH, PEERS, Natterjack, Peer, is_older, require_tool, run_quietly


class PowService(Natterjack):
    """`natterjack pow` as it is installed; `echo` is built in."""

    path = "/"

    def command(self, port):
        return [self.binary, "pow", "--listen", f"127.0.0.1:{port}", "--log-level", "warn",
                "--drain-timeout", "2s"]


def build_gorilla_pow():
    folder = PEERS / "gorilla"
    sources = (folder / "pow" / "main.go", folder / "go.sum")
    if any(is_older(folder / "gorilla_pow", source) for source in sources):
        run_quietly([require_tool("go"), "build", "-o", "gorilla_pow", "./pow"], folder)


REPEATS, SECONDS = 3, 3.0
OURS, PEER = "natterjack", "gorilla"
SERVERS = [
    PowService(OURS, "natterjack pow", None),
    Peer(PEER, "Go gorilla/websocket", build_gorilla_pow, [PEERS / "gorilla" / "gorilla_pow"],
         ["go", "list", "-C", "gorilla", "-m", "github.com/gorilla/websocket"]),
]


def cases(quick):
    cycles = 5000 if quick else 30_000
    return [
        Case("sessions", "sessions", "churn", "--pow", "--connections", 64, "--cycles", cycles),
        Case("echo1", "echo", "echo", "--pow", "--connections", 1, "--window", 1),
        Case("echo16", "echo", "echo", "--pow", "--connections", 1, "--window", 16),
        Case("waiting", "waiting", "idle", "--pow", "--connections", 2000),
    ]


# Title, case, key of the load generator's line, digits, whether more is better, times we aim at.
ROWS = [
    ("sessions/s", "sessions", "cycles_per_s", 0, True, None),
    ("CPU us of the server/session", "sessions", "server_cpu_us_per_cycle", 1, False, 1.5),
    ("session, 64 at once: p99 us", "sessions", "p99_us", 0, False, None),
    ("echoes/s in one session, 1 in flight", "echo1", "echoes_per_s", 0, True, None),
    ("CPU us/echo, 1 in flight", "echo1", "server_cpu_us_per_echo", 2, False, None),
    ("echoes/s in one session, 16 in flight", "echo16", "echoes_per_s", 0, True, None),
    ("CPU us/echo, 16 in flight", "echo16", "server_cpu_us_per_echo", 2, False, None),
    ("resident bytes/waiting session", "waiting", "rss_bytes_per_connection", 0, False, 2),
]


class PowBench(Bench):
    def table(self):
        heads = ["", *(server.title for server in self.servers), "better by", "goal"]
        lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
        for title, case, key, digits, more_is_better, goal in ROWS:
            figures = {server.name: self.figure(case, server.name, key) for server in self.servers}
            cells = [title]
            for server in self.servers:
                mark = " ~" if self.is_noisy(case, server.name) else ""
                cells.append(number(figures[server.name], digits) + mark)
            ours, theirs = figures.get(OURS), figures.get(PEER)
            times = None
            if ours and theirs:
                times = ours / theirs if more_is_better else theirs / ours
            cells += [number(times, 2), f">= {goal}" if goal else ""]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def text(self):
        about = [
            f"{datetime.date.today()}, {cpu_model()}, {os.cpu_count()} cores, "
            f"Linux {platform.release()}{' (quick)' if self.options.quick else ''}.",
            f"Medians of {self.options.repeats} turn(s); echo for {self.options.seconds:g} s, 64 B; "
            "64 sessions at once; 2000 waiting sessions, each with a running process.",
            "CPU is the server's, user and kernel; server on one core, load generator on another.",
        ]
        parts = ["\n".join(about), self.table(),
                 f"`~` other processes used more than {NOISY_PERCENT} % of a core meanwhile.",
                 "\n".join(f"- {server.title}: {server.version()}" for server in self.servers),
                 "\n".join(f"- note: {note}" for note in self.notes)]
        return "\n\n".join(part for part in parts if part)


def parse_options(arguments):
    parser = argparse.ArgumentParser(prog="./dev bench --pow", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short turn")
    add_common_options(parser, REPEATS, SECONDS)
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS-pow.md as well")
    options = parser.parse_args(arguments)
    set_lengths(options, REPEATS, SECONDS)
    options.cases, options.only = cases(options.quick), "pow"
    if not (options.binaries / "natterjack_loadgen").exists():
        parser.error(f"{options.binaries}/natterjack_loadgen is missing: ./dev bench builds it")
    return options


def main(arguments):
    bench = PowBench(parse_options(arguments), SERVERS)
    bench.prepare()
    bench.run()
    text = bench.text()
    print(text)
    if bench.options.write:
        command = " ".join(["./dev bench --pow", *(a for a in arguments if a != "--write")])
        (BENCH / "RESULTS-pow.md").write_text(
            f"# Measured: process jobs\n\nBy `{command}`.\n\n{text}\n")
    measured = all((case.name, server.name) in bench.results
                   for case in bench.options.cases for server in SERVERS)
    sys.exit(0 if measured else 1)
