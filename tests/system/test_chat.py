"""examples/chat on the wire: what the README's first minute relies on."""

import os
from urllib.parse import urlencode

import pytest

from natterjack import REPOSITORY
from raw_http import get
from raw_ws import RawWebSocket, Refused


@pytest.fixture
def chat(serve):
    # examples/chat_cpp is the same chat by another program: ctest runs this file with both.
    return serve(REPOSITORY / os.environ.get("NATTERJACK_CHAT", "examples/chat"))


def connect(server, nick, **query):
    path = "/api/v1/ws/connect?" + urlencode({"nick": nick, **query})
    return RawWebSocket(server.port, path)


def enter(server, nick, **query):
    """A client that has been welcomed, and its welcome."""
    client = connect(server, nick, **query)
    return client, client.read_topic("welcome")


def test_the_page_and_all_it_needs_are_served(chat):
    page = get(chat.port, "/")
    assert page.status == 200 and b"<title>Natterjack chat</title>" in page.body
    for file, kind in {"chat.css": "text/css", "chat.js": "text/javascript",
                       "toad.svg": "image/svg+xml"}.items():
        answer = get(chat.port, f"/{file}")
        assert answer.status == 200 and answer.headers["content-type"].startswith(kind)


def test_a_newcomer_is_welcomed_and_announced(chat):
    ada, welcome = enter(chat, "ada")
    assert welcome == {"you": "ada", "room": "lobby", "members": ["ada"]}
    _, welcome = enter(chat, " bufo ")
    assert welcome == {"you": "bufo", "room": "lobby", "members": ["ada", "bufo"]}
    joined = ada.read_topic("joined")
    assert joined["nick"] == "bufo" and type(joined["at"]) is int


def test_what_is_said_reaches_everybody_with_the_right_name(chat):
    (ada, _), (bufo, _) = enter(chat, "ada"), enter(chat, "bufo")
    ada.send_json({"type": "say", "text": "<b>hello</b>", "from": "somebody else"})
    for client in (ada, bufo):
        said = client.read_topic("said")
        assert (said["from"], said["text"]) == ("ada", "<b>hello</b>")
        assert type(said["at"]) is int


def test_a_name_that_is_taken_gets_a_number(chat):
    keep = [enter(chat, "bufo") for _ in range(3)]
    assert [welcome["you"] for _, welcome in keep] == ["bufo", "bufo 2", "bufo 3"]


@pytest.mark.parametrize("how", ["send_close", "shut", "drop"])
def test_who_leaves_is_announced_once(chat, how):
    (ada, _), (bufo, _) = enter(chat, "ada"), enter(chat, "bufo")
    getattr(bufo, how)()
    assert ada.read_topic("left")["nick"] == "bufo"
    ada.send_json({"type": "say", "text": "alone"})
    assert ada.read_json()["topic"] == "said"


def test_entering_the_lounge_moves_the_same_connection(chat):
    (ada, _), (bufo, _) = enter(chat, "ada"), enter(chat, "bufo")
    cleo, _ = enter(chat, "cleo", room="lounge")
    ada.send_json({"type": "enter", "room": "lounge"})
    assert ada.read_topic("welcome") == {"you": "ada", "room": "lounge", "members": ["ada", "cleo"]}
    left = bufo.read_topic("left")
    assert (left["nick"], left["to"]) == ("ada", "lounge")
    assert cleo.read_topic("joined")["nick"] == "ada"

    ada.send_json({"type": "say", "text": "to the lounge"})
    bufo.send_json({"type": "say", "text": "to the lobby"})
    assert cleo.read_topic("said")["text"] == ada.read_topic("said")["text"] == "to the lounge"
    assert bufo.read_topic("said")["text"] == "to the lobby"


@pytest.mark.parametrize("message", [
    "{not json", "", "null", "5", '"text"', "[]", "{}", '{"type": 7}', '{"type": {"a": 1}}',
    '{"type": "shout", "text": "x"}', '{"type": "say"}', '{"type": "say", "text": 5}',
    '{"type": "say", "text": "  "}', '{"type": "enter"}', '{"type": "enter", "room": "cellar"}',
    '{"type": "enter", "room": "lobby"}', '{"type": "enter", "room": [1]}',
])
def test_what_makes_no_sense_is_answered_with_an_error_to_the_sender_alone(chat, message):
    (ada, _), (bufo, _) = enter(chat, "ada"), enter(chat, "bufo")
    ada.read_topic("joined")
    ada.send_text(message)
    answer = ada.read_json()
    assert answer["topic"] == "error" and answer["data"]["message"]
    bufo.send_json({"type": "say", "text": "undisturbed"})
    assert bufo.read_json()["topic"] == "said"


def test_a_text_may_have_6000_bytes_and_not_one_more(chat):
    ada, _ = enter(chat, "ada")
    ada.send_json({"type": "say", "text": "x" * 6000})
    assert len(ada.read_topic("said")["text"]) == 6000
    ada.send_json({"type": "say", "text": "x" * 6001})
    assert "6000" in ada.read_topic("error")["message"]


@pytest.mark.parametrize("nick", ["", "   ", "x" * 73, "a\nb", "\0"])
def test_a_bad_name_is_refused_before_the_upgrade(chat, nick):
    with pytest.raises(Refused) as refused:
        connect(chat, nick)
    assert refused.value.status == 400
    assert b"nick" in refused.value.body


def test_an_unknown_room_is_refused_before_the_upgrade(chat):
    with pytest.raises(Refused) as refused:
        connect(chat, "ada", room="cellar")
    assert refused.value.status == 404


def test_200_members_see_each_other_come(chat):
    clients = [enter(chat, f"toad {number}") for number in range(200)]
    assert len(clients[-1][1]["members"]) == 200
    first = clients[0][0]
    nicks = [first.read_topic("joined")["nick"] for _ in range(199)]
    assert nicks == [f"toad {number}" for number in range(1, 200)]
