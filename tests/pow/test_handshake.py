"""Who may open a POW websocket, and what the others are told."""

import base64
import os

import pytest
from raw_http import RawHttp
from raw_ws import Refused, encode_frame


def handshake(server, path="/", method="GET", drop=(), behind=b"", **changes):
    """Sends an upgrade request with changed fields; returns the answer, or None for none at all."""
    fields = [
        ("Host", f"127.0.0.1:{server.port}"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Protocol", "pow-1"),
    ]
    changes = {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{method} {path} HTTP/1.1"]
    for name, value in fields:
        if name not in drop:
            value = changes.pop(name, value)
            lines += [f"{name}: {v}" for v in (value if isinstance(value, list) else [value])]
    lines += [f"{name}: {value}" for name, value in changes.items()]
    with RawHttp(server.port) as connection:
        connection.send_bytes("\r\n".join(lines).encode() + b"\r\n\r\n" + behind)
        try:
            return connection.answer()
        except EOFError:
            return None


@pytest.mark.parametrize("offer", ["pow-1", "soap, pow-1", "pow-1,soap", " soap ,\tpow-1 , x"])
def test_the_subprotocol_is_selected(server, offer):
    answer = handshake(server, Sec_WebSocket_Protocol=offer)
    assert answer.status == 101
    assert answer.headers["sec-websocket-protocol"] == "pow-1"
    assert answer.headers["upgrade"] == "websocket"
    assert answer.headers["connection"] == "Upgrade"
    assert "sec-websocket-extensions" not in answer.headers


def test_compression_is_not_negotiated(server):
    answer = handshake(server, Sec_WebSocket_Extensions="permessage-deflate")
    assert answer.status == 101 and "sec-websocket-extensions" not in answer.headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_paths_of_probes_upgrade_as_well(server, serve, path):
    probed = serve("--probes")
    assert probed.request("GET", path[1:]).status == 200
    assert handshake(probed, path).status == 101
    assert handshake(server, path).status == 101
    elsewhere = serve("--base-path", "/pow")
    assert handshake(elsewhere, path).status == 404


def test_every_path_upgrades(server):
    for path in ["/", "/new", "/docs/", "/a/b?x=1", "//x/../y", "/status/1", "/%2F"]:
        assert handshake(server, path).status == 101, path


@pytest.mark.parametrize("connection", ["upgrade", "keep-alive, UPGRADE", ["keep-alive", "upgrade"]])
def test_the_upgrade_is_asked_for_in_any_case(server, connection):
    assert handshake(server, Connection=connection, Upgrade="WebSocket").status == 101


@pytest.mark.parametrize("offer", ["POW-1", "pow-2", "", "pow-1x", "pow", ["soap", "pow-1"]])
def test_without_the_subprotocol_it_is_403(server, offer):
    answer = handshake(server, Sec_WebSocket_Protocol=offer)
    assert answer.status == 403
    assert answer.body == b"client does not support required pow-1 subprotocol\n"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_subprotocol_is_checked_before_all_else(server):
    answer = handshake(server, method="POST", drop=["Sec-WebSocket-Protocol", "Sec-WebSocket-Key"])
    assert answer.status == 403


def test_a_refused_client_may_ask_again_on_the_same_connection(server):
    with RawHttp(server.port) as connection:
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
        connection.ask("GET", "/", upgrade)
        assert connection.answer().status == 403
        connection.ask("GET", "/status/x")
        assert connection.answer().body == b"process not found\n"


@pytest.mark.parametrize(
    "change",
    [
        {"drop": ["Sec-WebSocket-Version"]},
        {"Sec_WebSocket_Version": "12"},
        {"drop": ["Sec-WebSocket-Key"]},
        {"Sec_WebSocket_Key": "short"},
        {"Sec_WebSocket_Key": base64.b64encode(b"x" * 15).decode()},
        {"Sec_WebSocket_Key": "!" * 22 + "=="},
    ],
)
def test_version_and_key_are_checked(server, change):
    answer = handshake(server, **change)
    assert (answer.status, answer.body) == (400, b"Bad Request\n")
    assert answer.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD"])
def test_a_handshake_is_a_get(server, method):
    answer = handshake(server, method=method) if method != "HEAD" else None
    if answer:
        assert (answer.status, answer.body) == (405, b"Method Not Allowed\n")
        assert answer.headers["sec-websocket-version"] == "13"
        assert "allow" not in answer.headers


def test_pages_may_connect_to_their_own_host_only(server):
    own = f"127.0.0.1:{server.port}"
    for origin in [f"http://{own}", f"https://{own}", f"HTTP://{own}/page?x"]:
        assert handshake(server, Origin=origin).status == 101, origin
    for origin in ["http://127.0.0.1", "http://evil.example", "null", f"http://{own}1", ""]:
        answer = handshake(server, Origin=origin)
        assert (answer.status, answer.body) == (403, b"Forbidden\n"), origin
        assert answer.headers["sec-websocket-version"] == "13"


def test_frames_before_the_answer_end_the_connection(server):
    assert handshake(server, behind=encode_frame(2, b'{"call":"echo"}')) is None
    with_body = {"behind": b'{"call":"echo"}', "Content-Length": "15"}
    assert handshake(server, **with_body) is None


def test_below_a_base_path(serve):
    server = serve("--base-path", "pow")
    assert server.base == "/pow/"
    for path in ["/pow", "/pow/", "/pow/x"]:
        assert handshake(server, path).status == 101, path
    for path in ["/", "/powx", "/po"]:
        answer = handshake(server, path)
        assert (answer.status, answer.body) == (404, b"404 page not found\n"), path


def test_websockets_can_be_turned_off(serve):
    server = serve("--no-websocket")
    answer = handshake(server)
    assert (answer.status, answer.body) == (404, b"Not Found\n")
    assert server.request("GET", "openapi.json").status == 200


def test_plain_requests_are_told_to_upgrade_when_rest_is_off(serve):
    server = serve("--no-rest")
    answer = server.post("new", b'{"call":"echo"}')
    assert answer.status == 426 and answer.headers["upgrade"] == "websocket"
    assert handshake(server).status == 101


def test_nothing_is_there_when_both_are_off(serve):
    server = serve("--no-rest", "--no-websocket")
    assert handshake(server).body == b"Not found\n"
    answer = server.request("GET", "openapi.json")
    assert (answer.status, answer.body) == (404, b"Not found\n")


def test_the_client_class_agrees(server):
    with pytest.raises(Refused):
        server.connect(headers={"Sec-WebSocket-Protocol": "other"})
