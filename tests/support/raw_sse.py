"""A reader of server-sent events on a raw socket: heads, chunks and lines are looked at as they come."""

import json
import time

from raw_http import RawHttp
from raw_ws import DEADLINE_S


class SseClient(RawHttp):
    """Asks for a stream; `head` is what came back. Events are read one at a time."""

    def __init__(self, port, path, headers=None, version="HTTP/1.1", **options):
        super().__init__(port, **options)
        self.ask("GET", path, headers, version=version)
        self.head = self.read_head()
        self.chunked = self.head.headers.get("transfer-encoding") == "chunked"
        self.text = b""
        self.ended = False

    def _more(self, end):
        if not self.chunked:
            try:
                if not self.buffer:  # events may have come with the head
                    self._fill(end)
            except EOFError:
                self.ended = True
            self.text += self.buffer
            self.buffer.clear()
            return
        chunk = self.read_chunk(end - time.monotonic())
        self.text += chunk
        self.ended = not chunk

    def block(self, timeout=DEADLINE_S):
        """The lines up to the next empty one, or None at the end of the stream."""
        end = time.monotonic() + timeout
        while b"\n\n" not in self.text:
            if self.ended:
                assert not self.text, self.text
                return None
            self._more(end)
        block, self.text = self.text.split(b"\n\n", 1)
        return block.decode()

    def event(self, timeout=DEADLINE_S):
        """(name, data) of the next event; comments are passed over. None at the end."""
        end = time.monotonic() + timeout
        while True:
            block = self.block(end - time.monotonic())
            if block is None:
                return None
            if block.startswith(":"):
                continue
            lines = [line.split(": ", 1) for line in block.split("\n")]
            names = [value for field, value in lines if field == "event"]
            return names[0], "\n".join(value for field, value in lines if field == "data")

    def json(self, name, timeout=DEADLINE_S):
        """The data of the next event, which must have this name."""
        event = self.event(timeout)
        assert event and event[0] == name, event
        return json.loads(event[1])
