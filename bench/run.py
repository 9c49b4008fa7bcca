#!/usr/bin/env python3
"""Measures our hubs and the peers side by side and prints one table; `./dev bench` calls this.

Every figure comes from a fresh server on one core and the load generator on another. Servers take
turns within a case and the whole is repeated, so that a mood of the machine meets all of them; CPU
used by anybody else is noted, and a run with too much of it is done again.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from servers import BENCH, SERVERS, Running, Unavailable, before_exec

NOISY_PERCENT = 8  # of one core, used by processes that are not ours
NOISY_RETRIES = 2
RUN_SECONDS_MAX = 150


OURS = ("cpp", "lua_list")


class Case:
    """One way to call the load generator."""

    def __init__(self, name, group, mode, *options, both_cores=False, servers=None, once=False):
        self.name, self.group = name, group
        self.arguments = [mode, *map(str, options)]
        self.both_cores = both_cores
        self.servers = servers  # None: all
        self.once = once  # in the first turn only


def fanout(name, group, n, window, *options, **how):
    return Case(name, group, "fanout", "--connections", n, "--window", window, *options, **how)


def cases(quick):
    idle, cycles = (2000, 3000) if quick else (10_000, 10_000)
    listed = [
        fanout("fan1", "fanout", 1000, 1),
        fanout("fan16", "fanout", 1000, 16),
        Case("echo1", "echo", "echo", "--connections", 100, "--window", 1),
        Case("echo16", "echo", "echo", "--connections", 100, "--window", 16),
        Case("churn", "churn", "churn", "--connections", 64, "--cycles", cycles),
        Case("idle", "idle", "idle", "--connections", idle, once=True),
        Case("slow", "slow", "slow", "--connections", 100, "--slow", 10, "--payload", 8192,
             once=True),
    ]
    if quick:
        return listed
    compared = (*OURS, "gorilla")
    for window in (1, 16):
        listed.append(fanout(f"cores{window}", "cores", 1000, window, both_cores=True,
                             servers=compared))
        listed.append(fanout(f"b512w{window}", "growth", 1000, window, "--payload", 512,
                             servers=compared, once=True))
        for n, servers in ((100, compared), (5000, compared), (10_000, OURS)):
            listed.append(fanout(f"n{n}w{window}", "growth", n, window, servers=servers, once=True))
    listed.append(Case("storm", "growth", "storm", "--connections", 10_000, servers=compared,
                       once=True))
    return listed


DELIVERY = "server_cpu_us_per_delivery"

# Title, case, key of the load generator's line, digits, unit of the floor that it is compared with.
ROWS = [
    ("broadcast, one at a time: CPU us/delivery", "fan1", DELIVERY, 2, "single"),
    ("broadcast, 16 in flight: CPU us/delivery", "fan16", DELIVERY, 3, "joined"),
    ("echo, 1 in flight: CPU us/echo", "echo1", "server_cpu_us_per_echo", 2, "single"),
    ("echo, 16 in flight: CPU us/echo", "echo16", "server_cpu_us_per_echo", 2, "single"),
    ("resident bytes per idle connection", "idle", "rss_bytes_per_connection", 0, None),
    ("connect + upgrade + close: CPU us/cycle", "churn", "server_cpu_us_per_cycle", 1, "single"),
    ("broadcast, one at a time: p50 us", "fan1", "p50_us", 0, None),
    ("broadcast, one at a time: p99 us", "fan1", "p99_us", 0, None),
    ("broadcast, one at a time: deliveries/s", "fan1", "deliveries_per_s", 0, None),
    ("broadcast, 16 in flight: p99 us", "fan16", "p99_us", 0, None),
    ("broadcast, 16 in flight: deliveries/s", "fan16", "deliveries_per_s", 0, None),
    ("both cores, one at a time: deliveries/s", "cores1", "deliveries_per_s", 0, None),
    ("both cores, 16 in flight: deliveries/s", "cores16", "deliveries_per_s", 0, None),
    ("both cores, one at a time: CPU us/delivery", "cores1", DELIVERY, 2, None),
    ("both cores, 16 in flight: CPU us/delivery", "cores16", DELIVERY, 3, None),
    ("echo, 1 in flight: round trips/s", "echo1", "echoes_per_s", 0, None),
    ("echo, 1 in flight: p99 us", "echo1", "p99_us", 0, None),
    ("echo, 16 in flight: round trips/s", "echo16", "echoes_per_s", 0, None),
    ("echo, 16 in flight: p99 us", "echo16", "p99_us", 0, None),
    ("connects/s", "churn", "cycles_per_s", 0, None),
    ("server CPU % with idle connections", "idle", "server_cpu_percent", 2, None),
    ("10 of 100 never read, 8 kB: deliveries/s to others", "slow", "deliveries_per_s", 0, None),
    ("10 of 100 never read, 8 kB: p99 us of others", "slow", "p99_us", 0, None),
    ("10 of 100 never read, 8 kB: server grew by MiB", "slow", "server_growth_mib", 1, None),
    ("10 of 100 never read, 8 kB: slow ones closed", "slow", "slow_closed_by_server", 0, None),
    ("512 B, one at a time: CPU us/delivery", "b512w1", DELIVERY, 2, None),
    ("512 B, 16 in flight: CPU us/delivery", "b512w16", DELIVERY, 3, None),
    ("N=100, one at a time: CPU us/delivery", "n100w1", DELIVERY, 2, None),
    ("N=5,000, one at a time: CPU us/delivery", "n5000w1", DELIVERY, 2, None),
    ("N=10,000, one at a time: CPU us/delivery", "n10000w1", DELIVERY, 2, None),
    ("N=100, 16 in flight: CPU us/delivery", "n100w16", DELIVERY, 3, None),
    ("N=5,000, 16 in flight: CPU us/delivery", "n5000w16", DELIVERY, 3, None),
    ("N=10,000, 16 in flight: CPU us/delivery", "n10000w16", DELIVERY, 3, None),
    ("storm of 10,000: seconds until all were served", "storm", "seconds", 2, None),
    ("storm of 10,000: CPU us/connect", "storm", "server_cpu_us_per_connect", 1, None),
]

# Multiples of the floor, so that they hold on any machine; without a floor unit: absolute figures.
GOALS = {
    "fan1": {"": 1.125, "loop": 1.48},
    "fan16": {"": 1.40, "loop": 4.65},
    "echo1": {"C++": 1.56, "Lua": 2.03},
    "echo16": {"C++": 0.234, "Lua": 0.625},
    "idle": {"": 2500},
    "churn": {"": 11.7},
}
# Bare C++ without actors (uWebSockets), measured once beside the same floor.
BARE_CPP = {"fan1": 1.25, "fan16": 2.23, "echo1": 1.47, "echo16": 0.094, "idle": 457, "churn": 8.6}
# And where there is no floor: its share of Node ws in that run, of ours on one core.
BARE_P99_OF_WS = 9.5 / 13
CORES_GOAL = 1.7


def busy_seconds():
    """CPU seconds used on the whole machine, what the hypervisor took included."""
    with open("/proc/stat") as stat:
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(
            int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def process_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Bench:
    def __init__(self, options):
        self.options = options
        available = sorted(os.sched_getaffinity(0))
        self.server_core, self.load_core = available[0], available[-1]
        if len(available) == 1:
            print("one core only: server and load generator share it", file=sys.stderr)
        self.servers = []
        self.results = {}  # (case, server) -> list of the load generator's lines
        self.notes = []
        self.until = time.monotonic() + options.minutes * 60

    def note(self, text):
        self.notes.append(text)
        print(f"  note: {text}", file=sys.stderr)

    def prepare(self):
        for name in self.options.servers:
            try:
                SERVERS[name].build(self.options.binaries)
                self.servers.append(SERVERS[name])
            except Unavailable as why:
                self.note(f"{name} is left out: {why}")

    def load(self, command, pid=None):
        """Runs a measuring program; its JSON line, with the CPU share of strangers added."""
        own_before = sum(os.times()[:4])
        server_before = process_seconds(pid) if pid else 0
        busy_before, begin = busy_seconds(), time.monotonic()
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True,
                              timeout=RUN_SECONDS_MAX, preexec_fn=before_exec({self.load_core}))
        if done.returncode != 0:
            raise Unavailable(done.stderr.strip() or f"code {done.returncode}")
        wall = time.monotonic() - begin
        ours = sum(os.times()[:4]) - own_before
        ours += process_seconds(pid) - server_before if pid else 0
        line = json.loads(done.stdout)
        line["foreign_percent"] = max(0, (busy_seconds() - busy_before - ours) / wall * 100)
        return line

    def quietest(self, measure):
        """Measures again while others use the machine; keeps the run with the least of that."""
        best = measure()
        for _ in range(0 if self.options.quick else NOISY_RETRIES):
            if self.is_late(0.75):
                break  # the rest of the table matters more
            if best["foreign_percent"] <= NOISY_PERCENT:
                break
            best = min(best, measure(), key=lambda line: line["foreign_percent"])
        return best

    def is_late(self, share=1.0):
        """Whether this share of the time there is has gone by."""
        return time.monotonic() > self.until - (1 - share) * self.options.minutes * 60

    def measure(self, case, server):
        cores = {self.server_core, self.load_core} if case.both_cores else {self.server_core}
        with Running(server, cores) as running:
            command = [self.options.binaries / "natterjack_loadgen", *case.arguments,
                       "--url", f"ws://127.0.0.1:{running.port}{server.path}",
                       *server.load_options, "--server-pid", running.pid, "--seconds", self.options.seconds,
                       "--time-limit", RUN_SECONDS_MAX - 20]
            try:
                return self.load(command, running.pid)
            except (OSError, Unavailable) as why:
                end = f"; the server ended: {running.last_words()}" if running.has_ended() else ""
                raise Unavailable(f"{why}{end}") from None

    def measure_floor(self):
        # It pins its two processes by itself, so it must be free to use both cores.
        milliseconds = 300 if self.options.quick else 1000
        command = [self.options.binaries / "natterjack_floor", "--ms", milliseconds,
                   "--sender-cpu", self.server_core, "--reader-cpu", self.load_core]
        return self.load(command)

    def record(self, case, server, measure):
        try:
            line = self.quietest(measure)
        except (Unavailable, subprocess.TimeoutExpired) as why:
            self.note(f"{server} {case}: {why}")
            return
        self.results.setdefault((case, server), []).append(line)
        figures = " ".join(f"{key}={line[key]}" for key in line
                           if key.startswith(("server_cpu_us", "p99", "rss_bytes")) or
                           key.endswith(("_per_s", "_per_frame")))
        print(f"  {case:9} {server:11} {figures} foreign={line['foreign_percent']:.0f}%",
              file=sys.stderr)

    def run(self):
        for turn in range(self.options.repeats):
            print(f"turn {turn + 1} of {self.options.repeats}", file=sys.stderr)
            if self.options.only in (None, "floor", "fanout", "echo", "churn"):
                self.record("floor", "floor", self.measure_floor)
            for case in self.options.cases:
                if turn > 0 and case.once and not self.options.only:
                    continue
                for server in self.servers_of(case):
                    if self.is_late() and not self.options.quick:
                        self.note(f"{self.options.minutes:g} minutes have gone by: turn {turn + 1} "
                                  f"ends before {case.name} of {server.name}")
                        return
                    self.record(case.name, server.name,
                                lambda case=case, server=server: self.measure(case, server))

    def servers_of(self, case):
        return [s for s in self.servers if case.servers is None or s.name in case.servers]

    def figure(self, case, server, key):
        values = [line[key] for line in self.results.get((case, server), []) if key in line]
        return statistics.median(values) if values else None

    def is_noisy(self, case, server):
        lines = self.results.get((case, server), [])
        return any(line["foreign_percent"] > NOISY_PERCENT for line in lines)

    def table(self):
        """The comparison as Markdown."""
        floors = {unit: self.figure("floor", "floor", f"{unit}_us_per_frame")
                  for unit in ("single", "joined")}
        heads = ["", "floor", *(server.title for server in self.servers), "bare C++ *", "goal *"]
        lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
        for title, case, key, digits, unit in ROWS:
            if not any((case, server.name) in self.results for server in self.servers):
                continue
            cells = [title, number(floors[unit], digits) if unit else ""]
            for server in self.servers:
                mark = " ~" if self.is_noisy(case, server.name) else ""
                cells.append(number(self.figure(case, server.name, key), digits) + mark)
            cells += self.reference_cells(case, key, digits, unit, floors)
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def reference_cells(self, case, key, digits, unit, floors):
        """What bare C++ needs and what we aim at, for the rows that have either."""
        if case in ("cores1", "cores16") and key == "deliveries_per_s":
            one = self.figure("fan" + case[5:], "cpp", key)
            return ["", ">= C++ " + number(one * CORES_GOAL, digits) if one else ""]
        if case == "fan1" and key == "p99_us":
            ws = self.figure(case, "ws", key)
            bare = number(ws * BARE_P99_OF_WS, digits) if ws else ""
            return [bare, f"<= {bare}" if bare else ""]
        costs = key.startswith("server_cpu_us") or key == "rss_bytes_per_connection"
        scale = floors[unit] if unit else 1
        if not costs or case not in GOALS or scale is None:
            return ["", ""]
        goals = [f"{name} {number(value * scale, digits)}".strip()
                 for name, value in GOALS[case].items()]
        return [number(BARE_CPP[case] * scale, digits), "<= " + ", ".join(goals)]

    def floor_table(self):
        lines = self.results.get(("floor", "floor"))
        if not lines:
            return ""
        each = {unit: number(self.figure("floor", "floor", f"{unit}_us_per_frame"), 3)
                for unit in ("single", "joined", "gather")}
        uring = number(self.figure("floor", "floor", "uring_us_per_frame"), 3)
        return (f"Floor, CPU us a frame of {lines[0]['frame_bytes']} B to {lines[0]['receivers']} "
                f"sockets: one send each {each['single']}; {lines[0]['frames']} laid end to end "
                f"{each['joined']}, gathered {each['gather']}"
                + (f"; one send each by io_uring {uring}." if uring != "-" else "."))

    def text(self):
        quick = " (quick: short runs, fewer connections)" if self.options.quick else ""
        idle = next((line["connections"] for (case, _), lines in self.results.items()
                     if case == "idle" for line in lines), None)
        about = [
            f"{datetime.date.today()}, {cpu_model()}, {os.cpu_count()} cores, "
            f"Linux {platform.release()}{quick}.",
            f"Medians of up to {self.options.repeats} turn(s) of {self.options.seconds:g} s. N=1000 "
            "receivers, 64 B a delivered text, echo C=100"
            + (f", idle N={idle}" if idle else "") + ", unless said.",
            "CPU is the server's, user and kernel; server on one core, load generator on another.",
        ]
        marks = [
            f"`~` other processes used more than {NOISY_PERCENT} % of a core meanwhile.",
            "`*` where there is a floor, reckoned from this run's floor by a fixed ratio.",
        ]
        versions = [f"- {server.title}: {server.version()}" for server in self.servers]
        parts = ["\n".join(about), self.table(), "\n".join(marks), self.floor_table(),
                 "\n".join(versions), "\n".join(f"- note: {note}" for note in self.notes)]
        return "\n\n".join(part for part in parts if part)


def number(value, digits):
    return "-" if value is None else f"{value:,.{digits}f}"


def cpu_model():
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def add_common_options(parser, repeats, seconds):
    """What every `Bench` asks its options for."""
    parser.add_argument("--repeats", type=int, help=f"turns, {repeats} (quick: 1)")
    parser.add_argument("--seconds", type=float, help=f"measured time of a run, {seconds:g} (quick: 1)")
    parser.add_argument("--minutes", type=float, default=12,
                        help="measuring ends after so long, 12; not with --quick")
    parser.add_argument("--binaries", type=Path, default=BENCH.parent / "build" / "release",
                        help="folder of the built programs, build/release")


def set_lengths(options, repeats, seconds):
    options.repeats = options.repeats or (1 if options.quick else repeats)
    options.seconds = options.seconds or (1.0 if options.quick else seconds)


def parse_options():
    repeats, seconds = 2, 1.5
    groups = ["fanout", "echo", "idle", "churn", "slow", "growth", "cores", "floor"]
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short turn, below 2 minutes")
    parser.add_argument("--pow", action="store_true", help="process jobs instead (pow_bench.py)")
    parser.add_argument("--only", choices=groups, metavar="MODE", help=", ".join(groups))
    parser.add_argument("--servers", default=",".join(SERVERS), metavar="A,B",
                        help="some of " + ",".join(SERVERS))
    add_common_options(parser, repeats, seconds)
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md, as a whole run does")
    options = parser.parse_args()
    options.servers = [name for name in options.servers.split(",") if name]
    for name in options.servers:
        if name not in SERVERS:
            parser.error(f"unknown server '{name}': expected some of {', '.join(SERVERS)}")
    set_lengths(options, repeats, seconds)
    options.cases = [case for case in cases(options.quick) if options.only in (None, case.group)]
    if not options.cases and options.only != "floor":
        parser.error(f"--only {options.only} is not part of --quick")
    for program in ("natterjack_loadgen", "natterjack_floor"):
        if not (options.binaries / program).exists():
            parser.error(f"{options.binaries / program} is missing: ./dev bench builds it")
    return options


def main():
    if "--pow" in sys.argv:
        from pow_bench import main as measure_jobs
        return measure_jobs([a for a in sys.argv[1:] if a != "--pow"])
    bench = Bench(parse_options())
    bench.prepare()
    if not bench.servers and bench.options.only != "floor":
        sys.exit("nothing to measure: no server can run here")
    bench.run()
    text = bench.text()
    print(text)
    is_whole = not bench.options.quick and bench.options.only is None and \
        bench.options.servers == list(SERVERS)
    if bench.options.write or is_whole:
        command = "./dev bench " + " ".join(arg for arg in sys.argv[1:] if arg != "--write")
        (BENCH / "RESULTS.md").write_text(f"# Measured\n\nBy `{command.strip()}`.\n\n{text}\n")
    # A server that was asked for and could not be measured is a failure, but the table comes first.
    sys.exit(1 if any((case.name, server.name) not in bench.results
                      for case in bench.options.cases for server in bench.servers_of(case)) else 0)


if __name__ == "__main__":
    main()
