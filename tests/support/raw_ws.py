"""A websocket client on a plain socket: every octet is the test's own decision.

It answers pings and close frames unless told otherwise, and it only reads when asked to, so it can
play the slow reader, the silent peer and the rude one.
"""

import base64
import hashlib
import json
import os
import socket
import struct
import time
from dataclasses import dataclass, field

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
DEADLINE_S = 45.0  # why that long, natterjack.py says


class Refused(Exception):
    """The server answered the handshake with something else than 101."""

    def __init__(self, status, headers, body):
        super().__init__(f"{status}: {body[:200]!r}")
        self.status, self.headers, self.body = status, headers, body


class Closed(Exception):
    """The connection is over. `code` is None when there was no close frame (a browser's 1006)."""

    def __init__(self, code, reason):
        super().__init__(f"{code}: {reason!r}")
        self.code, self.reason = code, reason


@dataclass
class Frame:
    opcode: int
    payload: bytes
    final: bool = True


@dataclass
class Head:
    status: int
    headers: dict = field(default_factory=dict)  # names in lower case


def mask(payload, key):
    """XOR with the repeated 4-octet key, in one step: a big integer is quick in Python."""
    if not payload:
        return b""
    stretched = (key * (len(payload) // 4 + 1))[: len(payload)]
    number = int.from_bytes(payload, "big") ^ int.from_bytes(stretched, "big")
    return number.to_bytes(len(payload), "big")


def encode_frame(opcode, payload, final=True, key=None):
    """One frame as clients must send it: masked (RFC 6455 5.3)."""
    key = os.urandom(4) if key is None else key
    head = bytes([(0x80 if final else 0) | opcode])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    elif len(payload) < 1 << 16:
        head += bytes([0x80 | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([0x80 | 127]) + struct.pack(">Q", len(payload))
    return head + key + mask(payload, key)


class RawSocket:
    """Bytes with deadlines."""

    def __init__(self, port, host="127.0.0.1", receive_buffer=None, tls=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:  # an ssl.SSLContext
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = bytearray()

    def send_bytes(self, data):
        self.socket.sendall(data)

    def _fill(self, end):
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"nothing came in time; {len(self.buffer)} octets are buffered")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(1 << 18)
        finally:
            self.socket.settimeout(DEADLINE_S)
        if not data:
            raise EOFError
        self.buffer += data

    def read_exactly(self, count, end):
        while len(self.buffer) < count:
            self._fill(end)
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def read_until(self, mark, end):
        while (at := self.buffer.find(mark)) < 0:
            self._fill(end)
        return self.read_exactly(at + len(mark), end)

    def read_head(self, timeout=DEADLINE_S):
        """The head of an HTTP response."""
        octets = self.read_until(b"\r\n\r\n", time.monotonic() + timeout)
        lines = octets.decode("latin-1").split("\r\n")
        head = Head(int(lines[0].split(" ")[1]))
        for line in filter(None, lines[1:]):
            name, _, value = line.partition(":")
            head.headers[name.strip().lower()] = value.strip()
        return head

    def read_body(self, head, timeout=DEADLINE_S):
        end = time.monotonic() + timeout
        if "content-length" in head.headers:
            return self.read_exactly(int(head.headers["content-length"]), end)
        if head.headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while chunk := self.read_chunk(end - time.monotonic()):
                body += chunk
            return body
        if head.status in (101, 204, 304):
            return b""
        while not self.at_end(end - time.monotonic()):
            pass
        body = bytes(self.buffer)
        self.buffer.clear()
        return body

    def read_chunk(self, timeout=DEADLINE_S):
        """The next chunk of a chunked body; empty at its end."""
        end = time.monotonic() + timeout
        size = int(self.read_until(b"\r\n", end), 16)
        chunk = self.read_exactly(size + 2, end)
        assert chunk.endswith(b"\r\n"), chunk[-20:]
        return chunk[:-2]

    def at_end(self, timeout=DEADLINE_S):
        """Reads once; True when the server has ended the connection."""
        try:
            self._fill(time.monotonic() + timeout)
        except (EOFError, ConnectionError):
            return True
        return False

    def drop(self):
        """Ends the TCP connection at once, with a reset: the rudest way to leave."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def shut(self):
        """Ends the TCP connection politely, but without a websocket close frame."""
        self.socket.close()


class RawWebSocket(RawSocket):
    """Handshake on construction; raises Refused when the answer is not a proper 101."""

    def __init__(self, port, path="/api/v1/ws/connect", headers=None, pipelined=b"",
                 answer_pings=True, **options):
        super().__init__(port, **options)
        self.answer_pings = answer_pings
        self.pings = 0
        key = base64.b64encode(os.urandom(16))
        fields = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key.decode(),
            "Sec-WebSocket-Version": "13",
            **(headers or {}),
        }
        lines = [f"GET {path} HTTP/1.1"] + [f"{n}: {v}" for n, v in fields.items() if v is not None]
        self.send_bytes("\r\n".join(lines).encode() + b"\r\n\r\n" + pipelined)
        self.head = self.read_head()
        if self.head.status != 101:
            body = self.read_body(self.head)
            self.shut()
            raise Refused(self.head.status, self.head.headers, body)
        expected = base64.b64encode(hashlib.sha1(key + ACCEPT_GUID).digest()).decode()
        assert self.head.headers["sec-websocket-accept"] == expected

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.shut()

    # --- out ---

    def send_frame(self, opcode, payload=b"", final=True):
        self.send_bytes(encode_frame(opcode, payload, final))

    def send_text(self, text):
        self.send_frame(TEXT, text.encode())

    def send_json(self, value):
        self.send_text(json.dumps(value))

    def send_close(self, code=1000, reason=""):
        self.send_frame(CLOSE, struct.pack(">H", code) + reason.encode())

    # --- in ---

    def read_frame(self, timeout=DEADLINE_S):
        """The next frame as it stands on the wire, control frames included."""
        end = time.monotonic() + timeout
        first, second = self.read_exactly(2, end)
        assert not first & 0x70, f"reserved bits set: {first:#x}"
        assert not second & 0x80, "servers must not mask (RFC 6455 5.1)"
        length = second & 0x7F
        if length == 126:
            [length] = struct.unpack(">H", self.read_exactly(2, end))
        elif length == 127:
            [length] = struct.unpack(">Q", self.read_exactly(8, end))
        return Frame(first & 0x0F, self.read_exactly(length, end), bool(first & 0x80))

    def read_data(self, timeout=DEADLINE_S):
        """The next text or binary frame; answers pings; raises Closed at the end of it all."""
        end = time.monotonic() + timeout
        while True:
            try:
                frame = self.read_frame(end - time.monotonic())
            except (EOFError, ConnectionError):
                raise Closed(None, "") from None
            if frame.opcode == PING:
                self.pings += 1
                if self.answer_pings:
                    self.send_frame(PONG, frame.payload)
            elif frame.opcode == CLOSE:
                code = struct.unpack(">H", frame.payload[:2])[0] if frame.payload else 1005
                try:
                    self.send_frame(CLOSE, frame.payload)
                except OSError:
                    pass  # the server may be gone already
                raise Closed(code, frame.payload[2:].decode())
            elif frame.opcode in (TEXT, BINARY):
                return frame

    def read_json(self, timeout=DEADLINE_S):
        return json.loads(self.read_data(timeout).payload)

    def read_topic(self, topic, timeout=DEADLINE_S):
        """Data of the next frame of that topic; other topics before it are passed over."""
        end = time.monotonic() + timeout
        while True:
            message = self.read_json(end - time.monotonic())
            if message["topic"] == topic:
                return message["data"]

    def read_until_closed(self, timeout=DEADLINE_S):
        """Reads on until the connection is over; returns the Closed that tells how."""
        end = time.monotonic() + timeout
        try:
            while True:
                self.read_data(end - time.monotonic())
        except Closed as closed:
            return closed
