"""The servers that are measured: how each is built, started, found ready and stopped.

A server runs in a session of its own, on the cores it is given, and is stopped by its process id.
What is fetched for the peers stays in their folders and is never committed.
"""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

BENCH = Path(__file__).resolve().parent
PEERS = BENCH / "peers"
READY_SECONDS = 20
BUILD_SECONDS = 900
STOP_SECONDS = 15


class Unavailable(Exception):
    """A server that cannot be built or started here; the text says why."""


def run_quietly(command, folder):
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True,
                              timeout=BUILD_SECONDS)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{' '.join(map(str, command))}: took longer than "
                          f"{BUILD_SECONDS} s") from None
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise Unavailable(f"{' '.join(map(str, command))}: " + " | ".join(last))


def require_tool(name):
    path = shutil.which(name)
    if not path:
        raise Unavailable(f"{name} is not installed")
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Natterjack:
    """A program of ours with one of the hubs of bench/hubs."""

    path = "/api/v1/ws/connect"
    load_options = ()

    def __init__(self, name, title, hub, program="natterjack"):
        self.name, self.title, self.hub, self.program = name, title, hub, program

    def build(self, binaries):
        self.binary = binaries / self.program
        if not self.binary.exists():
            raise Unavailable(f"{self.binary} is missing: build it, or call ./dev bench")

    def version(self):
        done = subprocess.run([self.binary, "version"], capture_output=True, text=True)
        return done.stdout.strip() or "?"

    def command(self, port):
        return [self.binary, "run", BENCH / "hubs" / self.hub, "--listen", f"127.0.0.1:{port}",
                "--log-level", "warn", "--drain-window", "0s", "--drain-timeout", "2s"]

    def is_ready(self, port, _output):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
                return answer.status == 200
        except OSError:
            return False


class Peer:
    """A program that takes a port and prints `listening`."""

    path = "/"
    load_options = ()  # what the load generator needs to know of it

    def __init__(self, name, title, build, program, version):
        self.name, self.title = name, title
        self._build, self._program, self._version = build, program, version

    def build(self, _binaries):
        self._build()

    def version(self):
        done = subprocess.run(self._version, cwd=PEERS, capture_output=True, text=True)
        return " ".join(done.stdout.split()) or "?"

    def command(self, port):
        return [*self._program, str(port)]

    def is_ready(self, _port, output):
        return "listening" in output


def is_older(made, source):
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime


def build_ws():
    folder = PEERS / "ws"
    require_tool("node")
    if is_older(folder / "node_modules", folder / "package-lock.json"):
        run_quietly([require_tool("npm"), "ci", "--no-fund", "--no-audit"], folder)
        os.utime(folder / "node_modules")


def build_websockets():
    folder = PEERS / "websockets"
    stamp = folder / "venv" / "installed"
    if is_older(stamp, folder / "requirements.txt"):
        run_quietly([sys.executable, "-m", "venv", "venv"], folder)
        run_quietly(["venv/bin/pip", "install", "-q", "-r", "requirements.txt"], folder)
        stamp.touch()


class GoPeer(Peer):
    """A module in peers/NAME, built there by the go of this machine."""

    def __init__(self, name, title, module, load_options=()):
        folder = PEERS / name
        program = folder / f"{name}_peer"

        def build():
            if any(is_older(program, folder / source) for source in ("main.go", "go.sum")):
                run_quietly([require_tool("go"), "build", "-o", program.name, "."], folder)

        super().__init__(name, title, build, [program], ["go", "list", "-C", name, "-m", module])
        self.load_options = load_options


PYTHON = PEERS / "websockets" / "venv" / "bin" / "python"

SERVERS = {server.name: server for server in (
    Natterjack("cpp", "natterjack, C++ hub", "cpp", "natterjack_bench_hub"),
    Natterjack("lua_group", "natterjack, Lua, group broadcast", "lua_group"),
    Natterjack("lua_list", "natterjack, Lua, one send to a list", "lua_list"),
    Natterjack("lua_loop", "natterjack, Lua, loop of sends", "lua_loop"),
    GoPeer("gorilla", "Go gorilla/websocket", "github.com/gorilla/websocket"),
    GoPeer("coder", "Go coder/websocket", "github.com/coder/websocket"),
    GoPeer("centrifuge", "Go centrifuge", "github.com/centrifugal/centrifuge", ["--centrifuge"]),
    Peer("ws", "Node ws", build_ws, ["node", PEERS / "ws" / "server.js"],
         ["node", "-p", "'ws ' + require('./ws/node_modules/ws/package.json').version + "
                        "', node ' + process.version"]),
    Peer("websockets", "Python websockets", build_websockets,
         [PYTHON, PEERS / "websockets" / "server.py"],
         [PYTHON, "-c", "import sys, websockets.version as v;"
                        "print('websockets', v.version + ', python', sys.version.split()[0])"]),
)}


def before_exec(cores):
    """What a child does before it becomes the program: takes its cores and all descriptors."""
    def prepare():
        os.sched_setaffinity(0, cores)
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return prepare


class Running:
    """A started server; use as a context manager."""

    def __init__(self, server, cores):
        self.server, self.cores = server, cores

    def __enter__(self):
        self.port = free_port()
        self._output = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [str(part) for part in self.server.command(self.port)], stdin=subprocess.DEVNULL,
            stdout=self._output, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=before_exec(self.cores))
        self.pid = self._process.pid
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def output(self):
        return os.pread(self._output.fileno(), 65536, 0).decode(errors="replace")

    def last_words(self):
        lines = self.output().strip().splitlines()[-3:]
        return " | ".join(lines) or "it said nothing"

    def has_ended(self):
        return self._process.poll() is not None

    def _wait_until_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while not self.server.is_ready(self.port, self.output()):
            if self.has_ended():
                raise Unavailable(f"ended with code {self._process.returncode} at its start: "
                                  + self.last_words())
            if time.monotonic() > deadline:
                raise Unavailable(f"not ready after {READY_SECONDS} s: " + self.last_words())
            time.sleep(0.02)

    def stop(self):
        if not self.has_ended():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._output.close()
