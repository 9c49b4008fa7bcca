#!/usr/bin/env python3
"""Measures our hubs and the peers side by side and prints one table; `./dev bench` calls this."""

import argparse
import datetime
import os
import platform
import sys

import pow_bench
from bench import (NOISY_PERCENT, Bench, Case, add_common_options, cpu_model, number, set_lengths)
from servers import BENCH, SERVERS

OURS = ("cpp", "lua_group")


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
        # A generator that needs little leaves two cores to a server that can use them.
        for name, both in (("late", False), ("latecores", True)):
            listed.append(fanout(f"{name}{window}", "cores", 1000, window, "--watched", 20,
                                 both_cores=both, servers=compared))
        listed.append(fanout(f"b512w{window}", "growth", 1000, window, "--payload", 512,
                             servers=compared, once=True))
        for n, servers in ((100, compared), (5000, compared), (10_000, OURS)):
            listed.append(fanout(f"n{n}w{window}", "growth", n, window, servers=servers, once=True))
    listed.append(Case("idle19000", "growth", "idle", "--connections", 19_000, servers=compared,
                       once=True))  # a process has 20,000 descriptors in many places
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
    ("most read late, one core, one at a time: deliveries/s", "late1", "deliveries_per_s", 0, None),
    ("most read late, both cores: deliveries/s", "latecores1", "deliveries_per_s", 0, None),
    ("most read late, one core, 16 in flight: deliveries/s", "late16", "deliveries_per_s", 0, None),
    ("most read late, both cores: deliveries/s", "latecores16", "deliveries_per_s", 0, None),
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
    ("N=19,000 idle: resident bytes per connection", "idle19000", "rss_bytes_per_connection", 0,
     None),
    ("N=19,000 idle: server CPU %", "idle19000", "server_cpu_percent", 2, None),
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
CORES = {"cores1": "fan1", "cores16": "fan16", "latecores1": "late1", "latecores16": "late16"}


class HubBench(Bench):
    """Hubs beside the floor of the kernel and what we aim at."""

    def measure_floor(self):
        # It pins its two processes by itself, so it must be free to use both cores.
        milliseconds = 300 if self.options.quick else 1000
        command = [self.options.binaries / "natterjack_floor", "--ms", milliseconds,
                   "--sender-cpu", self.server_core, "--reader-cpu", self.load_core]
        return self.load(command)

    def begin_turn(self):
        if self.options.only in (None, "floor", "fanout", "echo", "churn"):
            self.record("floor", "floor", self.measure_floor)

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
        if case in CORES and key == "deliveries_per_s":
            one = self.figure(CORES[case], "cpp", key)
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


def parse_options():
    repeats, seconds = 2, 1.5
    groups = ["fanout", "echo", "idle", "churn", "slow", "growth", "cores", "floor"]
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short turn, below 2 minutes")
    parser.add_argument("--pow", action="store_true", help="process jobs instead (pow_bench.py)")
    parser.add_argument("--only", choices=groups, metavar="MODE", help=", ".join(groups))
    parser.add_argument("--servers", default=",".join(SERVERS), metavar="A,B",
                        help="some of " + ",".join(SERVERS))
    add_common_options(parser, repeats, seconds)
    parser.add_argument("--write", action="store_true",
                        help="write bench/RESULTS.md, as a whole run does")
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
        return pow_bench.main([a for a in sys.argv[1:] if a != "--pow"])
    options = parse_options()
    bench = HubBench(options, [SERVERS[name] for name in options.servers])
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
