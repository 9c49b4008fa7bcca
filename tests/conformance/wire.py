"""What a case is made of: octets for the server, and what it must answer, in order."""

import base64
import json
import struct
from dataclasses import dataclass

from raw_ws import (
    BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawWebSocket, encode_frame, mask,
)

KEY = b"\x37\xfa\x21\x3d"


def text(body, final=True):
    return encode_frame(TEXT, body.encode() if isinstance(body, str) else body, final, KEY)


def binary(body, final=True):
    return encode_frame(BINARY, body, final, KEY)


def more(body, final=False):
    return encode_frame(CONTINUATION, body.encode() if isinstance(body, str) else body, final, KEY)


def last(body):
    return more(body, True)


def ping(body=b""):
    return encode_frame(PING, body, True, KEY)


def pong(body=b""):
    return encode_frame(PONG, body, True, KEY)


def close(payload=struct.pack(">H", 1000)):
    return encode_frame(CLOSE, payload, True, KEY)


def raw(first, second, extended=b"", body=b"", key=KEY):
    """A frame whose first two octets and length are the case's own."""
    return bytes([first, second]) + extended + (key + mask(body, key) if second & 0x80 else body)


@dataclass
class Echo:
    """A data frame: the hub's answer to a message. What came as binary comes back in base64.

    One that is not certain may be missing: a close frame in its place is held against what follows.
    """

    body: str
    is_binary: bool = False
    is_certain: bool = True

    def check(self, frame):
        assert frame.opcode == TEXT and frame.final, frame
        assert json.loads(frame.payload) == {"topic": "echo", "data": self.data()}

    def data(self):
        return base64.b64encode(self.body.encode()).decode() if self.is_binary else self.body


@dataclass
class Pong:
    body: bytes = b""

    def check(self, frame):
        assert (frame.opcode, frame.payload) == (PONG, self.body)


@dataclass
class Close:
    """A close frame, and then the end of the TCP connection."""

    code: int | None = 1000  # None: without a code

    def check(self, frame):
        assert frame.opcode == CLOSE, frame
        code = struct.unpack(">H", frame.payload[:2])[0] if frame.payload else None
        assert code == self.code, frame
        frame.payload[2:].decode()  # a reason is UTF-8


def run(server, sent, expected, chop=None):
    """Sends the octets, in pieces of `chop` if given; then reads what must come and nothing else."""
    with RawWebSocket(server.port) as client:
        octets = b"".join(sent)
        step = chop or max(1, len(octets))
        try:
            for at in range(0, len(octets), step):
                client.send_bytes(octets[at:at + step])
        except ConnectionError:
            pass  # it may have heard enough already: what it answered is there to be read
        frame = None
        for answer in expected:
            frame = frame or client.read_frame()
            if frame.opcode == CLOSE and not getattr(answer, "is_certain", True):
                continue
            answer.check(frame)
            frame = None
        if not isinstance(expected[-1], Close):
            client.send_bytes(close())
            Close(1000).check(client.read_frame())
        elif expected[-1].code == 1009:
            client.send_bytes(close())  # a server waits a little for the client's answer
        assert client.at_end(), f"more came: {bytes(client.buffer)[:80]!r}"
