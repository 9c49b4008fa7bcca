"""What a client may ask for beyond the pass-through."""

import pytest
from exchange import headers


def settle(client):
    client.send_frame(0x9, b"settle")
    assert client.read_frame().opcode == 0xA
    return client


def command(consumer, command_id):
    return {"consumer": consumer, "command_string": "ping", "command_id": command_id}


def test_without_asking_there_is_nothing_more(bridge, actor):
    actor()
    with bridge.connect() as client:
        client.send_text("nonsense")
        client.send_json(command("alpha", "a"))
        assert "headers" in client.read_json()


@pytest.mark.parametrize("by_message", [False, True])
def test_acks(bridge, actor, by_message):
    actor()
    with bridge.connect("/" if by_message else "/?acks=1") as client:
        if by_message:
            client.send_json({"options": {"acks": True}})
        client.send_json(command("alpha", "good"))
        said = [client.read_json() for _ in range(3)]
        assert {"ack": "good"} in said
        client.send_json(command("nobody", "bad"))
        said = [client.read_json() for _ in range(2)]
        assert {"error": "Failed routing message to consumer 'nobody'.", "command_id": "bad"} in said
        client.send_text("nonsense")
        assert "not JSON" in client.read_json()["error"]
        client.send_json({"consumer": "alpha"})
        assert client.read_json() == {"error": '"command_string" is missing'}


def test_acks_go_to_their_client_only(bridge, actor):
    actor()
    with bridge.connect("/?acks=1") as asker, settle(bridge.connect("/?acks=1")) as other:
        asker.send_json(command("alpha", "a"))
        assert {"ack": "a"} in [asker.read_json() for _ in range(3)]
        assert all("headers" in other.read_json() for _ in range(2))


def test_options_count_in_the_first_message_only(bridge, actor):
    actor()
    with bridge.connect() as client:
        client.send_json(command("alpha", "a"))
        client.send_json({"options": {"acks": True}})
        client.send_json(command("alpha", "b"))
        assert all("headers" in client.read_json() for _ in range(4))


def test_mistakes_in_options_are_told(bridge):
    with bridge.connect("/?history=many") as client:
        assert "history" in client.read_json()["error"]
    with bridge.connect() as client:
        client.send_json({"options": {"colour": "red", "sender": "x"}})
        assert "colour" in client.read_json()["error"]
        assert "sender" in client.read_json()["error"]


@pytest.mark.parametrize("query, wanted", [
    ("sender=a", [1, 3]), ("sender=a,b", [1, 2, 3]), ("code=:", [2, 3]), ("sender=a&code=:", [3]),
    ("keys=x", [1, 4]), ("keys=x,y", [1, 2, 4]),
])
def test_filters(bridge, exchange, query, wanted):
    with settle(bridge.connect("/?" + query)) as client, settle(bridge.connect()) as plain:
        for sender, code, body in [("a", "i", {"x": 1, "n": 1}), ("b", ":", {"y": 1, "n": 2}),
                                   ("a", ":", {"n": 3}), ("c", "i", {"x": {"y": 2}, "n": 4})]:
            exchange.reply(body, headers(sender=sender, message_code=code))
        assert [plain.read_json()["body"]["n"] for _ in range(4)] == [1, 2, 3, 4]
        assert [client.read_json()["body"]["n"] for _ in wanted] == wanted
        client.send_frame(0x9, b"end")
        assert client.read_frame().opcode == 0xA, "nothing else came"


def test_own_commands_only(bridge, actor):
    actor()
    with bridge.connect("/?own=1") as client, settle(bridge.connect()) as other:
        settle(client)
        other.send_json(command("alpha", "theirs"))
        [other.read_json() for _ in range(2)]
        client.send_json(command("alpha", "mine"))
        assert [client.read_json()["headers"]["command_id"] for _ in range(2)] == ["mine", "mine"]


def test_history(clu, exchange):
    bridge = clu("--history", "5")
    with settle(bridge.connect()) as plain:
        for n in range(8):
            exchange.reply({"n": n})
        frames = [plain.read_data().payload for _ in range(8)]
        with bridge.connect("/?history=3") as client:
            assert client.read_json() == {"history": 3}
            assert [client.read_data().payload for _ in range(3)] == frames[-3:]
            exchange.reply({"n": 8})
            assert client.read_json()["body"] == {"n": 8}
        with bridge.connect("/?history=100") as client:
            assert client.read_json() == {"history": 5}
            assert [client.read_json()["body"]["n"] for _ in range(5)] == [4, 5, 6, 7, 8]


def test_history_has_neither_gaps_nor_repeats(bridge, exchange):
    """Clients that come in the middle of a stream see every number once."""
    exchange.replies([{"n": n} for n in range(50)])
    clients = []
    for start in range(50, 250, 50):
        clients.append(bridge.connect("/?history=1000"))
        exchange.replies([{"n": n} for n in range(start, start + 50)])
    for client in clients:
        client.read_json()
        numbers = [client.read_json()["body"]["n"]]
        while numbers[-1] != 249:
            numbers.append(client.read_json()["body"]["n"])
        assert numbers == list(range(numbers[0], 250))
        client.shut()


def test_history_passes_the_filter(bridge, exchange):
    with settle(bridge.connect()) as plain:
        for sender in "abab":
            exchange.reply({}, headers(sender=sender))
            plain.read_data()
        with bridge.connect("/?history=10&sender=b") as client:
            assert client.read_json() == {"history": 4}
            assert [client.read_json()["headers"]["sender"] for _ in range(2)] == ["b", "b"]


def test_status(bridge):
    with bridge.connect("/?status=1") as client:
        assert client.read_json() == {"broker": "up"}
