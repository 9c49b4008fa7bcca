"""A TCP proxy before the broker that a test can cut, in the middle of a frame if it likes."""

import socket
import threading
import time


class Proxy:
    def __init__(self, target_port):
        self.target_port = target_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pairs = []
        self.cut_after = None  # bytes towards the client, then the connection is cut
        self.cut_at = None  # bytes; a connection is cut where the broker says them
        self.accepted = []  # when: time.monotonic()
        self.is_open = True
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.is_open = False
        self.listener.close()
        self.cut()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if not self.is_open:
                client.close()
                continue
            self.accepted.append(time.monotonic())
            server = socket.create_connection(("127.0.0.1", self.target_port))
            with self.lock:
                self.pairs.append((client, server))
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source, sink, to_client):
        try:
            while data := source.recv(65536):
                if to_client and self.cut_at is not None and self.cut_at in data:
                    break
                if to_client and self.cut_after is not None:
                    data, left = data[: self.cut_after], self.cut_after - len(data)
                    sink.sendall(data)
                    self.cut_after = max(left, 0)
                    if left <= 0:
                        self.cut_after = None
                        self.cut()
                        return
                    continue
                sink.sendall(data)
        except OSError:
            pass
        self._shut(source)
        self._shut(sink)

    @staticmethod
    def _shut(one):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def cut(self):
        """Ends every connection that goes through."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for one in pair:
                self._shut(one)

    def refuse(self):
        self.is_open = False
        self.cut()

    def accept(self):
        self.is_open = True
