"""Many websocket clients that read, on one thread: they count frames and look for a mark in the last one."""

import selectors
import threading

from raw_ws import RawWebSocket


def frames_in(buffer):
    """Whole frames at the start of the buffer, as (opcode, from, to), and where the next one begins."""
    at, found = 0, []
    while len(buffer) - at >= 2:
        size, start = buffer[at + 1] & 127, at + 2
        if size == 126:
            size, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
        elif size == 127:
            size, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
        if len(buffer) < start + size:
            break
        found.append((buffer[at] & 15, start, start + size))
        at = start + size
    return found, at


class Crowd:
    """`count` clients; each reads until a text frame ends with the mark."""

    def __init__(self, connect, count, mark):
        self.mark = mark
        self.clients = [connect() for _ in range(count)]
        self.counts = dict.fromkeys(self.clients, 0)
        self.problems = []
        self.poll = selectors.DefaultSelector()
        for client in self.clients:
            client.socket.setblocking(False)
            self.poll.register(client.socket, selectors.EVENT_READ, client)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        left = len(self.clients)
        try:
            while left:
                for key, _ in self.poll.select():
                    if self._take(key.data):
                        self.poll.unregister(key.fileobj)
                        left -= 1
        except Exception as problem:  # reported by `wait`
            self.problems.append(problem)

    def _take(self, client):
        """True when the client has seen the mark."""
        data = client.socket.recv(1 << 20)
        if not data:
            raise EOFError("a client that reads was closed")
        client.buffer += data
        found, used = frames_in(client.buffer)
        is_done = False
        for opcode, start, end in found:
            if opcode == 1:
                self.counts[client] += 1
                is_done = is_done or self.mark in client.buffer[max(start, end - 200) : end]
            elif opcode == 8:
                raise EOFError("a client that reads got a close frame")
        del client.buffer[:used]
        return is_done

    def wait(self, timeout):
        """@returns how many frames each has got"""
        self.thread.join(timeout)
        assert not self.problems, self.problems
        assert not self.thread.is_alive(), f"not all have read to the end within {timeout} s"
        return set(self.counts.values())

    def shut(self):
        for client in self.clients:
            client.shut()


def ready(client: RawWebSocket):
    """The client, when it is surely one of those that get replies."""
    client.send_frame(0x9)
    while client.read_frame(60).opcode != 0xA:
        pass
    return client
