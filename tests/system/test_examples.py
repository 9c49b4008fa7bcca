"""The examples on the wire: what their pages and READMEs rely on."""

import re

import pytest

from natterjack import REPOSITORY
from raw_http import get
from raw_ws import BINARY, RawWebSocket


def page_of(server):
    """The page of an example, and that everything it names is served as well."""
    page = get(server.port, "/")
    assert page.status == 200 and page.headers["content-type"].startswith("text/html")
    text = page.body.decode()
    for file in re.findall(r'(?:src|href)="([\w./-]+)"', text):
        assert get(server.port, f"/{file}").status == 200, file
    return text


# -- echo ---------------------------------------------------------------------


@pytest.fixture
def echo(serve):
    return serve(REPOSITORY / "examples/echo")


def connect(server):
    return RawWebSocket(server.port, "/api/v1/ws/connect")


@pytest.mark.parametrize("text", ["hello", "", '{"a": [1, 2]}', "\u6e29\u304b\u3044", "x" * 100_000])
def test_every_message_comes_back_to_its_sender(echo, text):
    client, other = connect(echo), connect(echo)
    client.send_text(text)
    assert client.read_json() == {"topic": "echo", "data": text}
    other.send_text("undisturbed")
    assert other.read_json() == {"topic": "echo", "data": "undisturbed"}


def test_the_echo_keeps_the_order_of_a_thousand(echo):
    client = connect(echo)
    for number in range(1000):
        client.send_text(str(number))
    assert [client.read_topic("echo") for _ in range(1000)] == [str(n) for n in range(1000)]


def test_bytes_come_back_in_base64(echo):
    client = connect(echo)
    client.send_frame(BINARY, b"\x00\x01\xffx")
    assert client.read_topic("echo") == "AAH/eA=="


def test_the_page_of_the_echo_is_served(echo):
    assert "<title>Natterjack echo</title>" in page_of(echo)
