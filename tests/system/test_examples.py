"""The examples on the wire: what their pages and READMEs rely on."""

import json
import re
import time

import pytest

from natterjack import REPOSITORY
from raw_http import get
from raw_ws import BINARY, TEXT, RawWebSocket, encode_frame


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


# -- rooms --------------------------------------------------------------------


@pytest.fixture
def rooms(serve):
    return serve(REPOSITORY / "examples/rooms")


def enter(server, nick, room):
    client = RawWebSocket(server.port, f"/api/v1/ws/connect?nick={nick}")
    client.send_json({"enter": room})
    return client, client.read_topic("welcome")


def test_a_room_is_made_for_the_first_who_enters_and_ends_with_the_last(rooms):
    watcher = RawWebSocket(rooms.port, "/api/v1/ws/connect?nick=watcher")
    assert watcher.read_topic("rooms") == []
    ada, welcome = enter(rooms, "ada", "pond")
    assert welcome == {"room": "pond", "you": "ada",
                       "members": [{"nick": "ada", "state": "here"}]}
    while watcher.read_topic("rooms") != [{"name": "pond", "members": 1}]:
        pass
    ada.drop()
    while watcher.read_topic("rooms") != [{"name": "pond", "members": 0}]:
        pass
    assert watcher.read_topic("rooms") == []  # some seconds later


def test_presence_is_told_to_those_in_the_room_alone(rooms):
    (ada, _), (bufo, welcome) = enter(rooms, "ada", "pond"), enter(rooms, "ada", "pond")
    assert welcome["you"] == "ada 2"
    cleo, _ = enter(rooms, "cleo", "meadow")
    assert ada.read_topic("presence") == {"nick": "ada 2", "state": "here"}
    bufo.send_json({"state": "typing"})
    assert ada.read_topic("presence") == {"nick": "ada 2", "state": "typing"}
    bufo.send_json({"say": "hello"})
    assert ada.read_topic("presence") == {"nick": "ada 2", "state": "here"}
    assert ada.read_topic("said") == {"from": "ada 2", "text": "hello"}
    bufo.send_json({"enter": "meadow"})
    assert ada.read_topic("presence") == {"nick": "ada 2", "state": "gone"}
    assert cleo.read_topic("presence") == {"nick": "ada 2", "state": "here"}
    assert bufo.read_topic("welcome")["room"] == "meadow"


@pytest.mark.parametrize("message", ["", "5", "[]", "{}", '{"say": 1}', '{"state": "flying"}',
                                     '{"enter": 7}', '{"enter": "../x"}', "{not json"])
def test_a_room_answers_what_makes_no_sense(rooms, message):
    ada, _ = enter(rooms, "ada", "pond")
    ada.send_text(message)
    assert ada.read_topic("problem")


# -- game ---------------------------------------------------------------------


@pytest.fixture
def game(serve):
    return serve(REPOSITORY / "examples/game")


def play(server, name):
    client = RawWebSocket(server.port, f"/api/v1/ws/connect?name={name}")
    return client, client.read_topic("welcome")["you"]


def place_of(client, toad):
    state = client.read_topic("tick")
    return next(list(t[1:3]) for t in state["toads"] if t[0] == toad)


def test_a_toad_swims_and_everybody_sees_the_same(game):
    (ada, toad), (bufo, _) = play(game, "ada"), play(game, "bufo")
    for direction in ({"x": 9e99, "y": 0}, {"x": -1, "y": "up"}):
        ada.send_json(direction)
        limit = 1600 if direction["x"] > 0 else 0
        while place_of(ada, toad)[0] != limit:  # at most 1600 / 22 ticks
            pass
    state = ada.read_topic("tick")
    while (other := bufo.read_topic("tick"))["n"] < state["n"]:
        pass
    assert other["n"] > state["n"] or other == state


def test_the_game_ticks_no_more_than_20_times_a_second(game):
    began = time.monotonic()
    ada, _ = play(game, "ada")
    first = ada.read_topic("tick")["n"]
    while ada.read_topic("tick")["n"] < first + 40:
        pass
    took = time.monotonic() - began
    assert took > 1.8, took  # a loaded machine may be late, never early


@pytest.mark.parametrize("message", ["", "null", "{}", '{"x": "a"}', '{"x": 1e400}', "[1]"])
def test_the_game_goes_on_whatever_a_client_says(game, message):
    ada, _ = play(game, "ada")
    ada.send_text(message)
    ticks = [ada.read_topic("tick")["n"] for _ in range(5)]
    assert ticks == list(range(ticks[0], ticks[0] + 5))


# -- worker pool --------------------------------------------------------------


@pytest.fixture
def pool(serve):
    return serve(REPOSITORY / "examples/worker_pool")


def frames(message, times=1):
    """To be sent at once, so that no job ends before the last one has come."""
    return encode_frame(TEXT, json.dumps(message).encode()) * times


def test_every_job_is_done_once_also_when_workers_fail(pool):
    client = connect(pool)
    client.send_bytes(frames({"count": 20_000}, times=8))
    accepted, done, failing = set(), [], b"".join(frames({"fail": worker}) for worker in (1, 3))
    while len(done) < 8:
        message = client.read_json()
        if message["topic"] == "accepted":
            accepted.add(message["data"]["id"])
        elif message["topic"] == "progress":
            client.send_bytes(failing)
            failing = b""
        elif message["topic"] == "done":
            done.append(message["data"])
    assert not failing and {job["id"] for job in done} == accepted
    assert {job["result"] for job in done} == {2262}
    assert {job["worker"] for job in done} <= {1, 2, 3, 4}


def test_a_client_has_twenty_jobs_at_most(pool):
    client = connect(pool)
    client.send_bytes(frames({"count": 400_000}, times=21))
    assert client.read_topic("problem") == "you have 20 jobs here already"


@pytest.mark.parametrize("message", ["{}", "[]", '{"count": "x"}', '{"count": 1.5}',
                                     '{"count": 0}', '{"count": 1000000000}', '{"fail": 9}'])
def test_the_pool_says_what_it_wants(pool, message):
    client = connect(pool)
    client.send_text(message)
    assert client.read_topic("problem")


# -- supervision --------------------------------------------------------------


@pytest.fixture
def toads(serve):
    return serve(REPOSITORY / "examples/supervision")


@pytest.mark.parametrize("what, error", [("raise", "attempt to index a nil value"),
                                         ("loop", "budget"), ("eat", "memory")])
def test_a_toad_fails_alone_and_comes_back(toads, what, error):
    client = connect(toads)
    before = {toad["name"]: toad for toad in client.read_topic("toads")}
    assert set(before) == {"ada", "bufo", "cleo"}
    client.send_json({"toad": "bufo", "what": what})
    ended = client.read_topic("ended")
    assert ended["name"] == "bufo" and error in ended["error"]
    again = client.read_topic("toad")
    assert (again["name"], again["alive"], again["lives"]) == ("bufo", True, 2)
    after = {toad["name"]: toad for toad in connect(toads).read_topic("toads")}
    assert after["ada"]["pid"] == before["ada"]["pid"]
    assert after["bufo"]["pid"] != before["bufo"]["pid"]


def test_a_toad_that_returns_is_done(toads):
    client = connect(toads)
    client.send_json({"toad": "ada", "what": "return"})
    ended = client.read_topic("ended")
    assert ended["name"] == "ada" and not ended.get("error")
    toads.wait_for(r"app.supervision:ada: .* has ended by itself; not started again")


@pytest.mark.parametrize("example, title", [("rooms", "rooms"), ("game", "game"),
                                            ("worker_pool", "worker pool"),
                                            ("supervision", "supervision")])
def test_the_page_of_each_is_served(serve, example, title):
    assert f"<title>Natterjack {title}</title>" in page_of(serve(REPOSITORY / "examples" / example))


def test_what_the_examples_share_is_the_same_in_each():
    for file in ("base.css", "link.js", "toad.svg"):
        [first, *others] = sorted((REPOSITORY / "examples").glob(f"*/public/{file}"))
        assert [str(o) for o in others if o.read_bytes() != first.read_bytes()] == []
