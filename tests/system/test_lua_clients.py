"""Scripts that speak to servers: `http_client`, `websocket`, and forms that arrive in parts.

The application of lua_clients/ asks itself: one endpoint runs the test that its query names.
"""

import re
import socket
import ssl
import threading
from pathlib import Path

import pytest

from certificates import Authority
from natterjack import Natterjack, command
from raw_http import get

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
