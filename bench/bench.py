"""What the benches share: cases, turns with fresh servers, figures and who disturbed them.

Every figure comes from a fresh server on one core and the load generator on another. Servers take
turns within a case and the whole is repeated, so that a mood of the machine meets all of them; CPU
used by anybody else is noted, and a run with too much of it is done again.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from servers import BENCH, Running, Unavailable, before_exec

NOISY_PERCENT = 8  # of one core, used by processes that are not ours
NOISY_RETRIES = 2
RUN_SECONDS_MAX = 150


class Case:
    """One way to call the load generator."""

    def __init__(self, name, group, mode, *options, both_cores=False, servers=None, once=False):
        self.name, self.group = name, group
        self.arguments = [mode, *map(str, options)]
        self.both_cores = both_cores
        self.servers = servers  # None: all
        self.once = once  # in the first turn only


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
    """Takes its turns through `options.cases` with every server that can run here."""

    def __init__(self, options, candidates):
        self.options, self.candidates = options, candidates
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
        for server in self.candidates:
            try:
                server.build(self.options.binaries)
                self.servers.append(server)
            except Unavailable as why:
                self.note(f"{server.name} is left out: {why}")

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
                       *server.load_options, "--server-pid", running.pid,
                       "--seconds", self.options.seconds, "--time-limit", RUN_SECONDS_MAX - 20]
            try:
                return self.load(command, running.pid)
            except (OSError, Unavailable) as why:
                end = f"; the server ended: {running.last_words()}" if running.has_ended() else ""
                raise Unavailable(f"{why}{end}") from None

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
            self.begin_turn()
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

    def begin_turn(self):
        """For what a turn measures besides its cases."""

    def servers_of(self, case):
        return [s for s in self.servers if case.servers is None or s.name in case.servers]

    def figure(self, case, server, key):
        values = [line[key] for line in self.results.get((case, server), []) if key in line]
        return statistics.median(values) if values else None

    def is_noisy(self, case, server):
        lines = self.results.get((case, server), [])
        return any(line["foreign_percent"] > NOISY_PERCENT for line in lines)


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
    parser.add_argument("--seconds", type=float,
                        help=f"measured time of a run, {seconds:g} (quick: 1)")
    parser.add_argument("--minutes", type=float, default=12,
                        help="measuring ends after so long, 12; not with --quick")
    parser.add_argument("--binaries", type=Path, default=BENCH.parent / "build" / "release",
                        help="folder of the built programs, build/release")


def set_lengths(options, repeats, seconds):
    options.repeats = options.repeats or (1 if options.quick else repeats)
    options.seconds = options.seconds or (1.0 if options.quick else seconds)
