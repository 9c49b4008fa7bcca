"""The fast ends of the measurement: a publisher that writes ready-made AMQP frames, and websocket
readers that only count. Both run in processes of their own."""

import multiprocessing
import re
import selectors
import socket
import time
from pathlib import Path

from pamqp import body, commands, frame, header

EXCHANGE = "sdss_exchange"


class Publisher:
    """One connection without confirms, by hand: what is sent is bytes made once."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.socket.sendall(b"AMQP\x00\x00\x09\x01")
        self.wait("Connection.Start")
        self.send(0, commands.Connection.StartOk(
            client_properties={}, mechanism="PLAIN", response="\0guest\0guest", locale="en_US"))
        self.wait("Connection.Tune")
        self.send(0, commands.Connection.TuneOk(channel_max=10, frame_max=131072, heartbeat=0))
        self.send(0, commands.Connection.Open())
        self.wait("Connection.OpenOk")
        self.send(1, commands.Channel.Open())
        self.wait("Channel.OpenOk")
        self.send(1, commands.Exchange.Declare(exchange=EXCHANGE, exchange_type="topic", auto_delete=True))
        self.wait("Exchange.DeclareOk")

    def send(self, channel, what):
        self.socket.sendall(frame.marshal(what, channel))

    def wait(self, name):
        while True:
            self.buffer += self.socket.recv(65536)
            while self.buffer:
                used, _, got = frame.unmarshal(self.buffer)
                if not used:
                    break
                self.buffer = self.buffer[used:]
                if got.name == name:
                    return got

    @staticmethod
    def message(text, key="reply.broadcast"):
        """The bytes of one reply."""
        properties = commands.Basic.Properties(
            content_type="text/json", message_id="0" * 32,
            headers={"command_id": None, "commander_id": None, "internal": False, "message_code": "i", "sender": "bench"})
        data = text.encode()
        return b"".join((
            frame.marshal(commands.Basic.Publish(exchange=EXCHANGE, routing_key=key), 1),
            frame.marshal(header.ContentHeader(body_size=len(data), properties=properties), 1),
            frame.marshal(body.ContentBody(data), 1)))

    def flood(self, text, count, a_time=100):
        one = self.message(text)
        many = one * a_time
        for _ in range(count // a_time):
            self.socket.sendall(many)
        self.socket.sendall(one * (count % a_time))

    def paced(self, count, interval):
        """Replies that say when they were published, in nanoseconds."""
        next_at = time.monotonic()
        for _ in range(count):
            self.socket.sendall(self.message('{"t": %d}' % time.monotonic_ns()))
            next_at += interval
            time.sleep(max(next_at - time.monotonic(), 0))


def connect(port):
    one = socket.create_connection(("127.0.0.1", port))
    one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    head = b""
    while b"\r\n\r\n" not in head:
        head += one.recv(4096)
    assert b" 101 " in head.split(b"\r\n")[0], head
    return one, head.split(b"\r\n\r\n", 1)[1]


def split(buffer):
    """(opcode, payload) of each whole frame, and what is left."""
    at, found = 0, []
    while len(buffer) - at >= 2:
        size, start = buffer[at + 1] & 127, at + 2
        if size == 126:
            size, start = int.from_bytes(buffer[at + 2:at + 4], "big"), at + 4
        elif size == 127:
            size, start = int.from_bytes(buffer[at + 2:at + 10], "big"), at + 10
        if len(buffer) < start + size:
            break
        found.append((buffer[at] & 15, buffer[start:start + size]))
        at = start + size
    return found, buffer[at:]


def read(port, clients, count, results, is_timed):
    """Reads `count` frames at each client; puts "ready", then (seconds at the end, latencies in s)."""
    poll = selectors.DefaultSelector()
    left = {}
    for _ in range(clients):
        one, rest = connect(port)
        one.setblocking(False)
        left[one] = [count, rest]
        poll.register(one, selectors.EVENT_READ)
    results.put("ready")
    latencies, open_ones = [], clients
    while open_ones:
        for key, _ in poll.select(60) or exit("nothing came for 60 s"):
            state = left[key.fileobj]
            got = key.fileobj.recv(1 << 20)
            if not got:
                raise SystemExit("a client was closed")
            now = time.monotonic_ns()
            frames, state[1] = split(state[1] + got)
            for opcode, payload in frames:
                if opcode == 9:
                    key.fileobj.send(b"\x8a" + bytes([128 | len(payload)]) + b"\0\0\0\0" + payload)
                if opcode != 1:
                    continue
                state[0] -= 1
                if is_timed:
                    latencies.append((now - int(re.search(rb'"t": (\d+)', payload)[1])) / 1e9)
                if state[0] == 0:
                    open_ones -= 1
                    poll.unregister(key.fileobj)
    results.put((time.monotonic(), latencies))


def start_readers(port, clients, count, is_timed=False):
    """@returns a function that waits for the end: (seconds, latencies)"""
    results = multiprocessing.Queue()
    process = multiprocessing.Process(target=read, args=(port, clients, count, results, is_timed), daemon=True)
    process.start()
    assert results.get(timeout=60) == "ready"

    def finish(timeout=600):
        end = time.monotonic() + timeout
        while results.empty():
            if not process.is_alive() and results.empty():
                raise AssertionError("the readers ended before all had come")
            assert time.monotonic() < end, "too slow"
            time.sleep(0.01)
        got = results.get()
        process.join()
        return got

    return finish


def cpu_seconds(pid):
    """Of all threads that live, in nanoseconds' resolution: clock ticks are too coarse here."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident_bytes(pid):
    return int(re.search(r"VmRSS:\s+(\d+) kB", open(f"/proc/{pid}/status").read())[1]) * 1024
