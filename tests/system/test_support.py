"""The ruler is measured first: our raw client against an independent websocket server."""

import threading

import pytest
from websockets.sync.server import serve

from raw_ws import BINARY, CONTINUATION, PING, PONG, TEXT, Closed, RawWebSocket, Refused, mask


@pytest.fixture(scope="module")
def port():
    """An echo server of the `websockets` package; "bye" makes it close with 4001."""

    def handle(connection):
        for message in connection:
            if message == "bye":
                connection.close(4001, "as you wish")
            else:
                connection.send(message)

    def only_ws(connection, request):
        if request.path != "/ws":
            return connection.respond(404, "no such page")
        return None

    server = serve(handle, "127.0.0.1", 0, process_request=only_ws, max_size=None)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.socket.getsockname()[1]
    server.shutdown()
    thread.join()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_frames_of_every_length_form_come_back(port, size):
    with RawWebSocket(port, "/ws") as client:
        client.send_frame(BINARY, b"\xa5" * size)
        frame = client.read_data()
        assert (frame.opcode, frame.payload) == (BINARY, b"\xa5" * size)


def test_fragments_are_one_message_with_a_ping_between(port):
    with RawWebSocket(port, "/ws") as client:
        client.send_frame(TEXT, b"toa", final=False)
        client.send_frame(PING, b"?")
        client.send_frame(CONTINUATION, b"d")
        assert client.read_frame().opcode == PONG
        assert client.read_data().payload == b"toad"


def test_code_and_reason_of_a_close_are_read(port):
    with RawWebSocket(port, "/ws") as client:
        client.send_text("bye")
        with pytest.raises(Closed) as closed:
            client.read_data()
        assert (closed.value.code, closed.value.reason) == (4001, "as you wish")


def test_a_refused_handshake_carries_status_and_body(port):
    with pytest.raises(Refused) as refused:
        RawWebSocket(port, "/elsewhere")
    assert (refused.value.status, refused.value.body) == (404, b"no such page")


def test_masking_matches_the_octet_by_octet_definition():
    key, payload = b"\x01\xfe\x80\x7f", bytes(range(256)) * 3 + b"xyz"
    assert mask(payload, key) == bytes(b ^ key[i % 4] for i, b in enumerate(payload))
