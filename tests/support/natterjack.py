"""Starts the shipped binary the way a user does, and gives tests conditions to wait for.

    with Natterjack(folder) as server:
        server.port                      the real port, read from the log
        server.wait_for(r"restart")      blocks until a line of stderr matches, or fails
        server.stop()                    SIGTERM, then the exit code
"""

import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# For anything that should take milliseconds: a loaded machine is slow, not wrong. Still less than the time after
# which a server gives a silent client up by itself, so that this is never taken for what a test waits for.
DEADLINE_S = 45.0


def binary():
    return os.environ.get("NATTERJACK_BIN") or str(REPOSITORY / "build/release/natterjack")


def command(*arguments, timeout=30.0):
    """Runs `natterjack ARGUMENTS...` to its end; returns the CompletedProcess with text output."""
    return subprocess.run(
        [binary(), *map(str, arguments)], capture_output=True, text=True, timeout=timeout
    )


def end(process):
    """Ends a server that a test is done with. By force: nothing is waited for. With NATTERJACK_GENTLE set it
    may end by itself first, which is when sanitizers look for leaks."""
    if process.poll() is None and os.environ.get("NATTERJACK_GENTLE"):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            pass
    if process.poll() is None:
        process.kill()
    process.wait()


class Lines:
    """The lines of one output stream, each with the moment it arrived."""

    def __init__(self, name, stream):
        self.name = name
        self.seen = []  # (monotonic seconds, text)
        self._arrival = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        for line in stream:
            with self._arrival:
                self.seen.append((time.monotonic(), line.rstrip("\n")))
                self._arrival.notify_all()
        with self._arrival:
            self._ended = True
            self._arrival.notify_all()
        stream.close()

    def wait_for_end(self, timeout=DEADLINE_S):
        """Blocks until all has been read that a process wrote before it ended."""
        self._thread.join(timeout)

    def text(self):
        return "\n".join(line for _, line in self.seen)

    def matching(self, pattern):
        """[(moment, match)] of every line so far."""
        found = ((moment, re.search(pattern, line)) for moment, line in list(self.seen))
        return [(moment, match) for moment, match in found if match]

    def wait_for(self, pattern, times=1, timeout=DEADLINE_S):
        """Blocks until `times` lines match; returns the matches, or fails showing all lines."""
        end = time.monotonic() + timeout
        with self._arrival:
            while True:
                found = self.matching(pattern)
                if len(found) >= times:
                    return found
                left = end - time.monotonic()
                if self._ended or left <= 0:
                    why = "stream ended" if self._ended else f"{timeout} s went by"
                    raise AssertionError(
                        f"{why}, {len(found)} of {times} lines of {self.name} match {pattern!r}:\n"
                        + self.text()
                    )
                self._arrival.wait(left)


class Natterjack:
    """One running server. Leaving the `with` block ends it, however the test went."""

    def __init__(self, folder, *arguments, listen="127.0.0.1:0"):
        self.folder = Path(folder)
        self.process = subprocess.Popen(
            [binary(), "run", str(folder), "--listen", listen, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self.stdout = Lines("stdout", self.process.stdout)
        self.stderr = Lines("stderr", self.process.stderr)
        try:
            [(_, match), *_] = self.stderr.wait_for(r"listening on https?://([0-9.]+|\[.*\]):(\d+)")
        except BaseException:
            self.kill()
            raise
        self.host, self.port = match[1], int(match[2])

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        end(self.process)

    def wait_for(self, pattern, times=1, timeout=DEADLINE_S):
        """Waits for lines of the log (stderr)."""
        return self.stderr.wait_for(pattern, times, timeout)

    def is_alive(self):
        return self.process.poll() is None

    def stop(self, timeout=DEADLINE_S):
        """SIGTERM, as an init system would; returns the exit code, and the log is complete then."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        for lines in (self.stdout, self.stderr):
            lines.wait_for_end()
        return code

    def kill(self):
        if self.is_alive():
            self.process.kill()
        self.process.wait()
