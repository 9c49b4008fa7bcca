"""The programs under test: `natterjack clu`, the test console, and CLU's own where it is installed."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from natterjack import Lines, binary, end
from raw_ws import RawWebSocket

DEADLINE_S = 20.0


def clu_command():
    """NATTERJACK_CLU names another program that takes the same options."""
    return os.environ.get("NATTERJACK_CLU", "").split() or [binary(), "clu"]


class Clu:
    """A running `natterjack clu`."""

    def __init__(self, broker_port, *arguments, env=None, wait=True):
        self.process = subprocess.Popen(
            [*clu_command(), "-p", "0", "--listen", "127.0.0.1", "-P", str(broker_port),
             *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace", env={**os.environ, **(env or {})},
        )
        self.stdout = Lines("stdout", self.process.stdout)
        self.stderr = Lines("stderr", self.process.stderr)
        if wait:
            try:
                [(_, match), *_] = self.stderr.wait_for(
                    r"listening on http://[0-9.]+:(\d+), exchange (\S+) as (\S+)")
            except BaseException:
                self.kill()
                raise
            self.port, self.name = int(match[1]), match[3]

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        end(self.process)

    def connect(self, path="/", **options):
        return RawWebSocket(self.port, path, **options)

    def memory(self):
        """Resident bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def stop(self, timeout=DEADLINE_S):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        for lines in (self.stdout, self.stderr):
            lines.wait_for_end()
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Console:
    """The test console: a process of a node with a bridge, worked by JSON lines."""

    def __init__(self, broker_port, name="console-node"):
        program = os.environ["NATTERJACK_AMQP_CONSOLE"]
        self.process = subprocess.Popen(
            [program, f"amqp://127.0.0.1:{broker_port}", name], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        self.stderr = Lines("stderr", self.process.stderr)
        self.lines = queue.Queue()
        self.kept = []
        threading.Thread(target=self._read, daemon=True).start()
        self.wait_for(lambda line: line.get("ready"))

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the console did not end\n" + self.stderr.text()) from None
        assert self.process.returncode == 0, self.stderr.text()

    def do(self, op, **fields):
        self.process.stdin.write(json.dumps({"op": op, **fields}) + "\n")
        self.process.stdin.flush()

    def next(self, timeout=DEADLINE_S):
        if self.kept:
            return self.kept.pop(0)
        line = self.lines.get(timeout=timeout)
        assert line is not None, "the console ended\n" + self.stderr.text()
        return line

    def wait_for(self, wanted, timeout=DEADLINE_S):
        """The next line for which `wanted(line)` is true; the others are kept."""
        passed = []
        end = time.monotonic() + timeout
        try:
            while True:
                line = self.next(max(end - time.monotonic(), 0.001))
                if wanted(line):
                    return line
                passed.append(line)
        except queue.Empty:
            raise AssertionError(f"no such line within {timeout} s; came: {passed}\n"
                                 + self.stderr.text()) from None
        finally:
            self.kept = passed + self.kept

    def message(self, topic, timeout=DEADLINE_S):
        return self.wait_for(lambda line: line.get("topic") == topic, timeout)


def reference_program(name):
    """A program of sdss-clu beside this python, or None."""
    path = Path(sys.executable).parent / name
    return path if path.exists() else None
