"""`natterjack pow` as a process, and its clients on raw sockets."""

import json
import os
import resource
import signal
import subprocess

from natterjack import DEADLINE_S, Lines, binary, end
from raw_http import request
from raw_ws import BINARY, TEXT, Closed, RawWebSocket

CLOSE_SIGNAL = b'{"signal":"close"}'
CANCEL_SIGNAL = b'{"signal":"cancel"}'
CANCELLED = "process returned error: client requested cancellation"


def few_descriptors():
    """The soft limit most systems begin with, which the server may raise by itself."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))


class PowServer:
    """Started as a user does; leaving the `with` block ends it, however the test went."""

    def __init__(self, *options, listen="127.0.0.1:0", call_timeout="20s"):
        # A test that is held up for a second has not failed to call; None leaves the server's own time.
        patience = ["--call-timeout", call_timeout] if call_timeout else []
        self.process = subprocess.Popen(
            [binary(), "pow", "--listen", listen, *patience, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            preexec_fn=few_descriptors,
        )
        self.stdout = Lines("stdout", self.process.stdout)
        self.stderr = Lines("stderr", self.process.stderr)
        try:
            [(_, match), *_] = self.stderr.wait_for(r"listening on http://[^:]+:(\d+)(/\S*)")
        except BaseException:
            self.kill()
            raise
        self.port, self.base = int(match[1]), match[2]

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        end(self.process)

    def is_alive(self):
        return self.process.poll() is None

    def send_signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, timeout=DEADLINE_S):
        return self.process.wait(timeout)

    def kill(self):
        if self.is_alive():
            self.process.kill()
        self.process.wait()

    # -- clients

    def connect(self, path=None, headers=None, **options):
        """A websocket that has not called yet."""
        return PowSocket(
            self.port,
            path=path or self.base,
            headers={"Sec-WebSocket-Protocol": "pow-1", **(headers or {})},
            **options,
        )

    def call(self, name="echo", params=None, **options):
        """A websocket whose process runs."""
        ws = self.connect(**options)
        ws.send_call(name, params)
        return ws

    def call_raw(self, message):
        """A websocket whose first binary message is `message`."""
        ws = self.connect()
        ws.send_frame(BINARY, message)
        return ws

    def request(self, method, path, body=b"", headers=None):
        return request(self.port, method, self.base + path, headers, body)

    def post(self, path, body=b""):
        return self.request("POST", path, body)

    def new(self, name="echo", params=None):
        """Starts a REST process; returns its id."""
        answer = self.post("new", json.dumps({"call": name, "params": params}).encode())
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def status(self, process):
        answer = self.request("GET", f"status/{process}")
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def children(self):
        """Process ids of the commands the server runs, zombies included."""
        found = []
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            try:
                with open(f"/proc/{self.process.pid}/task/{task}/children") as file:
                    found += map(int, file.read().split())
            except OSError:
                continue  # that thread has just ended
        return found

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class PowSocket(RawWebSocket):
    def send_call(self, name="echo", params=None):
        self.send_frame(BINARY, json.dumps({"call": name, "params": params}).encode())

    def send_signal(self, message):
        self.send_frame(BINARY, message)

    def read_text(self, **options):
        frame = self.read_data(**options)
        assert frame.opcode == TEXT and frame.final, frame
        return frame.payload.decode()

    def read_result_bytes(self, **options):
        """The result as it stands on the wire; output before it is an error."""
        frame = self.read_data(**options)
        assert frame.opcode == BINARY and frame.final, frame
        return frame.payload

    def read_result(self, **options):
        return json.loads(self.read_result_bytes(**options))

    def read_reason(self, **options):
        result = self.read_result(**options)
        assert list(result) == ["status", "reason"] and result["status"] == "rejected", result
        return result["reason"]

    def read_output_and_result(self, timeout=DEADLINE_S):
        """All text until the result, joined, and the result."""
        output = b""
        while (frame := self.read_data(timeout)).opcode == TEXT:
            output += frame.payload
        return output, json.loads(frame.payload)

    def assert_clean_end(self):
        """Close 1000 with an empty reason, then, when we have answered, the end of TCP."""
        frame = self.read_frame()
        assert (frame.opcode, frame.payload) == (8, b"\x03\xe8"), frame
        self.send_frame(8, frame.payload)
        assert self.at_end()

    def read_close(self, timeout=DEADLINE_S):
        """Reads on to the end; returns the server's close code, None for none."""
        return self.read_until_closed(timeout).code


__all__ = ["BINARY", "TEXT", "Closed", "PowServer", "PowSocket"]
