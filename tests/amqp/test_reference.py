"""Beside the original: CLU's websocket server, CLU's actors and CLU's client from sdss-clu."""

import json
import os
import random
import re
import struct
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from broker import free_port, wait_until
from exchange import Exchange, headers
from natterjack import Lines
from programs import Clu, Console, reference_program
from raw_ws import RawWebSocket

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def reference(broker):
    """Port of a running `clu websocket`."""
    port = free_port()
    process = subprocess.Popen([reference_program("clu"), "websocket", "-p", str(port), "-P", str(broker.port)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def serves():
        assert process.poll() is None, "clu websocket ended"
        try:
            RawWebSocket(port).shut()
            return True
        except OSError:
            return False

    wait_until(serves, "clu websocket serves", 30)
    yield port
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def ours(broker):
    with Clu(broker.port, "--byte-exact") as clu:
        yield clu


@pytest.fixture
def real_actor(broker):
    running = []

    def start(name):
        running.append(subprocess.Popen([sys.executable, HERE / "reference_actor.py", name, str(broker.port)],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
        Lines("stdout", running[-1].stdout).wait_for("ready")

    yield start
    for one in running:
        one.kill()
        one.wait()


@pytest.fixture
def both(ours, reference):
    """One client at each of the two."""
    clients = [ours.connect(), RawWebSocket(reference)]
    for client in clients:
        client.send_frame(0x9, b"x")
        client.read_frame()
    yield clients
    for client in clients:
        client.shut()


def frames_until(client, mark):
    got = []
    while not got or mark not in got[-1]:
        got.append(client.read_data(30).payload)
    return got[:-1]


def doubles(generator, count):
    made = (struct.unpack("d", struct.pack("Q", generator.getrandbits(64)))[0] for _ in range(count))
    return [x for x in made if abs(x) < float("inf")]


def some_value(generator, depth=0):
    kind = generator.randint(0, 7 if depth < 4 else 5)
    if kind == 0:
        return None
    if kind == 1:
        return generator.random() < 0.5
    if kind == 2:
        return generator.randint(-(10 ** generator.randint(0, 30)), 10 ** generator.randint(0, 30))
    if kind == 3:
        return generator.gauss(0, 1) * 10 ** generator.randint(-20, 20)
    if kind in (4, 5):
        ranges = [(0, 127), (128, 0x2FFF), (0x10000, 0x10FFFF), (0xD800, 0xDFFF)]
        return "".join(chr(generator.randint(*generator.choice(ranges))) for _ in range(generator.randint(0, 12)))
    if kind == 6:
        return [some_value(generator, depth + 1) for _ in range(generator.randint(0, 5))]
    return {str(some_value(generator, 9)): some_value(generator, depth + 1) for _ in range(generator.randint(0, 20))}


def bodies(seed):
    generator = random.Random(seed)
    for _ in range(40):
        yield json.dumps(doubles(generator, 20)).encode()
        yield json.dumps([generator.uniform(-10, 10) * 10 ** generator.randint(-25, 25) for _ in range(20)]).encode()
    for _ in range(120):
        value = some_value(generator)
        yield json.dumps(value).encode()
        yield json.dumps(value, ensure_ascii=False, indent=generator.choice([None, 1])).encode("utf-8", "surrogatepass")
    yield b"[" * 500 + b"]" * 500
    yield json.dumps({f"k{i}": i for i in range(3000)}).encode()
    yield ("{" + ",".join(f'"k{i % 37}": {i}' for i in range(500)) + "}").encode()
    for number in ("1e400", "-1e400", "1e-400", "-0", "-0.0", "1E5", "9007199254740993.0", "1e21", "1e22", "1e16"):
        yield f"[{number}, NaN, Infinity, -Infinity]".encode()


def test_frames_are_the_same_byte_for_byte(both, exchange):
    seed = int(os.environ.get("NATTERJACK_TEST_SEED", 1))  # another one on demand
    print("seed", seed)  # shown when it fails
    count = 0
    for body in bodies(seed):
        exchange.reply(body, message_id=f"m{count}")
        count += 1
    for stamp in (0, 1, 2**32 - 1, 2**32, 1684000000123, 253402300799999, 99999999999999):
        exchange.reply({}, timestamp=stamp, message_id=f"t{stamp}")
    for head in (headers(message_code="zz"), headers(message_code=None), headers(message_code=7), headers(command_id=0),
                 {"message_code": ":"}, headers(n=-129, big=2**63 - 1, f=0.25, t={"z": [1, None], "a": {"é": True}})):
        exchange.reply({}, head, message_id="h")
    exchange.reply("the end")
    mine, theirs = (frames_until(client, b"the end") for client in both)
    assert len(mine) == len(theirs) >= count
    for a, b in zip(mine, theirs):
        assert a == b


def normalised(frame):
    frame = re.sub(rb"amqp-client-[0-9a-f]{12}", b"NAME", frame)
    return re.sub(rb'"message_id": "[0-9a-f]{32}"', b'"message_id": ID', frame)


@pytest.mark.parametrize("consumer", ["nobody", "it's", 'say "x"', "both ' and \"", "a\\b", "l\n\t\r", "é日😀",
                                      "\u200b\xa0\x7f\x00\u2028\ue000\U000e0001", None, True, 5, 1.5, [1, "a'b", None],
                                      {"a": [True]}, "", [], {}, "a.b"])
def test_failures_are_the_same(ours, reference, consumer):
    frames = []
    for port in (ours.port, reference):
        command_id = str(uuid.uuid4())  # both servers pass on the failures of both
        with RawWebSocket(port) as client:
            client.send_json({"consumer": consumer, "command_string": "x", "command_id": command_id})
            while command_id.encode() not in (frame := client.read_data().payload):
                pass
            frames.append(normalised(frame.replace(command_id.encode(), b"ID")))
    assert frames[0] == frames[1]


def summary(client, last):
    """(command id, sender, code, body) of the replies up to the last one of that command."""
    said = []
    while not said or said[-1][:3] != last:
        frame = client.read_json()
        head = frame["headers"]
        said.append((head["command_id"], head["sender"], head["message_code"], frame["body"]))
    return said


def test_real_actors_behind_the_bridge(ours, real_actor):
    real_actor("alpha")
    with ours.connect() as client:
        client.send_json({"consumer": "alpha", "command_string": "lines 3", "command_id": "a"})
        assert summary(client, ("a", "alpha", ":")) == [
            ("a", "alpha", ">", {}), *[("a", "alpha", "i", {"text": f"line {i}"}) for i in range(3)],
            ("a", "alpha", ":", {"text": "done"})]
        client.send_json({"consumer": "alpha", "command_string": "fails", "command_id": "b"})
        assert summary(client, ("b", "alpha", "f"))[-1][3] == {"error": "on purpose"}
        client.send_json({"consumer": "alpha", "command_string": "shout", "command_id": "c"})
        said = summary(client, ("c", "alpha", ":"))
        assert (None, "alpha", "i", {"text": "to everyone"}) in said


def test_a_chain_of_real_actors(ours, real_actor):
    real_actor("alpha")
    real_actor("other")
    with ours.connect() as client:
        client.send_json({"consumer": "alpha", "command_string": "relay other", "command_id": "mm"})
        said = summary(client, ("mm", "alpha", ":"))
        assert [(s, c) for i, s, c, _ in said if i == "mm"] == [
            ("alpha", ">"), ("other", ">"), ("other", ":"), ("alpha", "i"), ("alpha", "i"), ("alpha", ":")]


def test_a_real_actor_as_an_address(broker, real_actor):
    real_actor("alpha")
    with Console(broker.port) as console:
        console.do("monitor", to="amqp:alpha")
        console.do("send", to="amqp:alpha", topic="command", value="lines 2")
        values = [console.message("amqp.reply")["value"] for _ in range(4)]
        assert [v["code"] for v in values] == [">", "i", "i", ":"]
        assert values[-1]["final"] and values[-1]["body"] == {"text": "done"}


def test_our_actor_for_the_original_client(broker):
    """Commands, statuses and a followed model, by CLU's own client."""
    with Console(broker.port) as console:
        console.do("actor", name="hub", schema={"temperature": {"type": "number"}},
                   commands=[{"name": "heat", "parameters": [{"name": "degrees", "type": "number"}]}])
        console.wait_for(lambda line: line.get("actor") == "hub")
        client = subprocess.Popen(
            [sys.executable, HERE / "reference_client.py", str(broker.port), "hub", "ping", "version", "heat 21.5", "nope"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        asked = console.message("amqp.command")
        token = asked["value"]["token"]
        console.do("send", to=asked["from"], topic="reply",
                   value={"token": token, "code": "i", "body": {"temperature": 21.5}})
        console.do("send", to=asked["from"], topic="reply", value={"token": token, "code": ":"})
        out, err = client.communicate(timeout=30)
        lines = [json.loads(line) for line in out.splitlines()]
        assert [line.get("status") for line in lines] == ["DONE", "DONE", "DONE", "FAILED", None], err
        assert lines[-1]["model"]["temperature"] == 21.5
        assert lines[-1]["model"]["version"] == "1.2.3"


def test_our_actor_for_a_real_one(broker, real_actor, exchange):
    """A real actor commands ours as part of its command, and by a command of its own."""
    real_actor("alpha")
    with Console(broker.port) as console, Exchange(broker.port) as other:
        console.do("actor", name="hub")
        console.wait_for(lambda line: line.get("actor") == "hub")
        tap = other.listen("reply.#")
        exchange.command("alpha", "relay hub", "mm")
        texts = []
        while len(texts) < 2:
            _, properties, body = tap.get(timeout=10)
            if properties.headers["sender"] == "alpha" and properties.headers["message_code"] == "i":
                texts.append(json.loads(body)["text"])
        assert texts == ["part: DONE", "own: DONE"]
