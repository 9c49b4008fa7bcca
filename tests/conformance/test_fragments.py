"""RFC 6455 5.4: messages in several frames."""

import pytest

from wire import Close, Echo, Pong, binary, last, more, ping, run, text

CHOPS = [None, 1, 5]


@pytest.mark.parametrize("first", [text, binary], ids=["text", "binary"])
@pytest.mark.parametrize("parts", [2, 3, 10, 100])
@pytest.mark.parametrize("chop", CHOPS, ids=str)
def test_fragments_are_joined(echo_server, first, parts, chop):
    bodies = [f"part {n}. " for n in range(parts)]
    sent = [first(bodies[0].encode(), False), *map(more, bodies[1:-1]), last(bodies[-1])]
    run(echo_server, sent, [Echo("".join(bodies), first is binary)], chop)


@pytest.mark.parametrize("bodies", [
    ["", ""], ["", "", ""], ["a", ""], ["", "a"], ["", "a", ""], ["a", "", "b"],
], ids=str)
def test_empty_fragments_count_for_nothing(echo_server, bodies):
    sent = [text(bodies[0], False), *map(more, bodies[1:-1]), last(bodies[-1])]
    run(echo_server, sent, [Echo("".join(bodies))])


@pytest.mark.parametrize("sent", {
    "last without a first": [last("x")],
    "middle without a first": [more("x")],
    "last after a whole message": [text("a"), last("x")],
    "middle after a joined message": [text("a", False), last("b"), more("x")],
    "empty last without a first": [last("")],
}.items(), ids=lambda case: case[0])
@pytest.mark.parametrize("chop", CHOPS, ids=str)
def test_a_continuation_of_nothing_is_illegal(echo_server, sent, chop):
    name, frames = sent
    # The hub's answer to the message before may leave first or be cut off by the close frame.
    answers = {"last after a whole message": [Echo("a", is_certain=False)],
               "middle after a joined message": [Echo("ab", is_certain=False)]}.get(name, [])
    run(echo_server, frames, [*answers, Close(1002)], chop)


@pytest.mark.parametrize("sent", {
    "text inside text": [text("a", False), text("b")],
    "binary inside text": [text("a", False), binary(b"b")],
    "text inside binary": [binary(b"a", False), text("b")],
    "first inside a first": [text("a", False), text("b", False), last("c")],
    "text after a middle": [text("a", False), more("b"), text("c")],
    "empty text inside text": [text("", False), text("")],
}.items(), ids=lambda case: case[0])
@pytest.mark.parametrize("chop", CHOPS, ids=str)
def test_a_new_message_inside_another_is_illegal(echo_server, sent, chop):
    run(echo_server, sent[1], [Close(1002)], chop)


@pytest.mark.parametrize("chop", CHOPS, ids=str)
def test_messages_after_a_joined_one_are_their_own(echo_server, chop):
    sent = [text("a", False), last("b"), text("c"), text("d", False), ping(b"p"), last("e")]
    from raw_ws import RawWebSocket
    import json
    with RawWebSocket(echo_server.port) as client:
        octets = b"".join(sent)
        for at in range(0, len(octets), chop or len(octets)):
            client.send_bytes(octets[at:at + (chop or len(octets))])
        frames = [client.read_frame() for _ in range(4)]
        data = [json.loads(f.payload)["data"] for f in frames if f.opcode == 1]
        pongs = [f.payload for f in frames if f.opcode == 0xa]
        assert (data, pongs) == (["ab", "c", "de"], [b"p"])


def test_fragments_that_exceed_the_limit_together_are_refused(echo_server):
    part = b"*" * (400 << 10)
    run(echo_server, [text(part, False), more(part), more(part)], [Close(1009)])


@pytest.mark.parametrize("size", [1, 64, 1000, 16384])
def test_a_large_message_in_small_fragments(echo_server, size):
    whole = "".join(chr(97 + n % 26) for n in range(size * 16))
    parts = [whole[at:at + size] for at in range(0, len(whole), size)]
    sent = [text(parts[0], False), *map(more, parts[1:-1]), last(parts[-1])]
    run(echo_server, sent, [Echo(whole)])
