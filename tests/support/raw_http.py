"""Plain HTTP/1.1 on a raw socket, one exchange or many on the same connection."""

from dataclasses import dataclass

from raw_ws import DEADLINE_S, RawSocket


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes


class RawHttp(RawSocket):
    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.shut()

    def ask(self, method, target, headers=None, body=b"", version="HTTP/1.1"):
        """Sends one request; the answer is left on the socket for `answer`."""
        fields = {"Host": "127.0.0.1", **(headers or {})}
        if body and "Content-Length" not in fields and "Transfer-Encoding" not in fields:
            fields["Content-Length"] = str(len(body))
        lines = [f"{method} {target} {version}"] + [f"{n}: {v}" for n, v in fields.items()]
        self.send_bytes("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def answer(self, method="GET", timeout=DEADLINE_S):
        head = self.read_head(timeout)
        body = b"" if method == "HEAD" else self.read_body(head, timeout)
        return Answer(head.status, head.headers, body)


def request(port, method, target, headers=None, body=b""):
    """One request on a connection of its own."""
    with RawHttp(port) as connection:
        connection.ask(method, target, {"Connection": "close", **(headers or {})}, body)
        return connection.answer(method)


def get(port, target, headers=None):
    return request(port, "GET", target, headers)


def exchange(port, data):
    """Raw octets in, the first answer out."""
    with RawHttp(port) as connection:
        connection.send_bytes(data)
        return connection.answer()
