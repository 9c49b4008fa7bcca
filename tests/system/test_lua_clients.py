"""Scripts that speak to servers: `http_client`, `websocket`, and forms that arrive in parts.

The application of lua_clients/ asks itself: one endpoint runs the test that its query names.
"""

import base64
import hashlib
import re
import select
import socket
import ssl
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from certificates import Authority
from natterjack import DEADLINE_S, Natterjack, command
from raw_http import get
from waiting_handlers import go_on

FOLDER = Path(__file__).parent / "lua_clients"
NAMES = re.findall(r"(?m)^        (\w+) = function\(\)", (FOLDER / "tests.lua").read_text())


@pytest.fixture(scope="module")
def server():
    with Natterjack(FOLDER) as running:
        yield running


@pytest.mark.parametrize("name", NAMES)
def test_it_holds(server, name):
    answer = get(server.port, f"/tests?name={name}&port={server.port}")
    assert (answer.status, answer.body) == (200, b"held"), server.stderr.text()[-3000:]


ASKS = """
return function()
    local answer = require("http_client").get("http://127.0.0.1:%d/", { timeout = 20 })
    print(answer.status_code, answer.body, answer.headers["X-Last"])
end
"""


def test_interim_answers_are_not_the_answer(application):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def answer():
            client, _ = listener.accept()
            with client:
                client.recv(4096)
                client.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                               b"HTTP/1.1 200 OK\r\nX-Last: yes\r\nContent-Length: 2\r\n\r\nok")

        threading.Thread(target=answer, daemon=True).start()
        folder = application({
            "_index.yaml": "namespace: app\nentries:\n  - { name: asks, kind: process.lua, "
                           "source: \"file://asks.lua\", modules: [ http_client ] }\n",
            "asks.lua": ASKS % listener.getsockname()[1],
        })
        done = command("run", folder, "-x", "app:asks")
    assert (done.returncode, done.stdout) == (0, "200 ok yes\n"), done


SENT_ON = """
return function()
    local answer, err = require("http_client").get("https://127.0.0.1:%d/start", { tls = { insecure_skip_verify = true },
        headers = { Authorization = "Bearer secret", Cookie = "secret=1", ["X-Other"] = "kept" } })
    print(answer and answer.status_code, err)
end
"""


def test_credentials_do_not_follow_a_redirect_out_of_tls(application, tmp_path):
    authority = Authority(tmp_path)
    authority.issue("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    heads = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer():
            for where in (f"Location: http://127.0.0.1:{port}/end\r\n", ""):
                client, _ = listener.accept()
                secure = client.recv(1, socket.MSG_PEEK) == b"\x16"
                with context.wrap_socket(client, server_side=True) if secure else client as client:
                    heads.append((secure, client.recv(4096)))
                    client.sendall(f"HTTP/1.1 {302 if where else 200} X\r\n{where}Content-Length: 0\r\n\r\n".encode())

        threading.Thread(target=answer, daemon=True).start()
        folder = application({
            "_index.yaml": "namespace: app\nentries:\n  - { name: asks, kind: process.lua, "
                           "source: \"file://asks.lua\", modules: [ http_client ] }\n",
            "asks.lua": SENT_ON % port,
        })
        done = command("run", folder, "-x", "app:asks")
    assert (done.returncode, done.stdout) == (0, "200 nil\n"), done
    (first_is_secure, first), (second_is_secure, second) = heads
    assert first_is_secure and b"Bearer secret" in first and b"secret=1" in first
    assert not second_is_secure and b"secret" not in second and b"X-Other: kept" in second


LISTENS = """
local websocket = require("websocket")
return {{ run = function()
    process.registry.register("listens")
    local inbox = process.inbox()
    local connection = assert(websocket.connect("ws://127.0.0.1:{port}/"))
    inbox:receive() -- nobody takes messages of the connection meanwhile
    {then_do}
    local count = 0
    while true do
        local message, ok = connection:channel():receive()
        if not ok then break end
        assert(message.data:match("^%d+") == tostring(count), message.data:sub(1, 9))
        count = count + 1
    end
    print("in order, to the end: " .. count)
    process.events():receive() -- CANCEL
end }}
"""

LISTENING = """\
namespace: app
entries:
  - { name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
  - { name: listens, kind: process.lua, source: "file://listens.lua", method: run,
      modules: [ websocket ], limits: { mailbox: 50 } }
  - { name: service, kind: process.service, process: listens, host: system:processes,
      lifecycle: { auto_start: true, startup: optional, start_timeout: 100ms } }
"""


def accept_websocket(listener):
    client, _ = listener.accept()
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(4096)
    key = re.search(rb"(?i)Sec-WebSocket-Key: *(\S+)", head)[1]
    token = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + token + b"\r\n\r\n")
    return client


def text_frames(count, size):
    head = b"\x81" + (bytes([size]) if size < 126 else b"\x7f" + size.to_bytes(8, "big"))
    return b"".join(head + str(number).encode().ljust(size) for number in range(count))


@contextmanager
def held_back(serve, application, folder, frames, then_do=""):
    """A server's socket to a process that takes none of these frames yet, and what is unsent of them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE_S)
        server = serve(application({
            "_index.yaml": LISTENING,
            "listens.lua": LISTENS.format(port=listener.getsockname()[1], then_do=then_do),
        }), "--admin-socket", folder / "admin.sock")
        server.admin = folder / "admin.sock"
        with accept_websocket(listener) as client:
            client.setblocking(False)
            sent = 0
            while select.select([], [client], [], 1)[1]:
                sent += client.send(memoryview(frames)[sent:])
            client.settimeout(DEADLINE_S)
            assert 0 < sent < len(frames)
            yield server, client, memoryview(frames)[sent:]
    assert server.stop() == 0


@pytest.mark.parametrize("count, size", [(1_000_000, 8), (400, 100_000)])
def test_a_server_waits_while_nobody_takes_its_messages(serve, application, tmp_path, count, size):
    frames = text_frames(count, size) + b"\x88\x02\x03\xe8"
    with held_back(serve, application, tmp_path, frames) as (server, client, unsent):
        client.settimeout(120)  # a million messages
        go_on(server, "listens")  # the process hears others meanwhile
        client.sendall(unsent)
        client.shutdown(socket.SHUT_WR)
        server.stdout.wait_for(rf"in order, to the end: {count}$", timeout=120)


def test_a_connection_that_waits_can_be_closed(serve, application, tmp_path):
    frames = text_frames(400, 100_000)
    with held_back(serve, application, tmp_path, frames, "connection:close(1001)") as (server, client, unsent):
        go_on(server, "listens")
        client.sendall(unsent)
        head = client.recv(8, socket.MSG_WAITALL)
        assert (head[0], bytes(a ^ b for a, b in zip(head[6:], head[2:]))) == (0x88, b"\x03\xe9")
        client.sendall(b"\x88\x02\x03\xe9")
        client.shutdown(socket.SHUT_WR)
        server.stdout.wait_for(r"in order, to the end: \d+$")
