"""Queues of any AMQP system as messages of a process, and publications of processes."""

import json

import pytest
from broker import wait_until


def start_feed(console, queue, **options):
    console.do("feed", queue=queue, **options)
    pid = console.wait_for(lambda line: "feed_pid" in line)["feed_pid"]
    started = console.wait_for(lambda line: line.get("feed") == queue)
    assert started["problem"] == "", started
    return pid


def depth(broker, queue):
    """(ready, unacknowledged)"""
    for line in broker.control("list_queues", "name", "messages_ready", "messages_unacknowledged").splitlines():
        name, ready, unacked = line.split("\t")
        if name == queue:
            return int(ready), int(unacked)
    return None


def test_a_message_as_a_process_sees_it(console, exchange):
    start_feed(console, "q1", topic="job", exchange="jobs1", key="job.#")
    exchange.run(exchange.send({"x": 1.0}, {"h": "v"}, "job.a", exchange="jobs1", correlation_id="c",
                               content_type="application/json", message_id="m", timestamp=1700000000))
    value = console.message("job")["value"]
    assert value == {"exchange": "jobs1", "routing_key": "job.a", "headers": {"h": "v"},
                     "content_type": "application/json", "message_id": "m", "correlation_id": "c",
                     "timestamp": 1700000000, "redelivered": False, "body": {"x": 1.0}}


@pytest.mark.parametrize("body, content_type, seen", [
    (b"plain", "text/plain", {"body": "plain"}),
    (b"{broken", "application/json", {"body": "{broken"}),
    (b"\xff\x00", "application/octet-stream", {"body": "/wA=", "encoding": "base64"}),
    (b"", "text/plain", {"body": ""}),
])
def test_bodies(console, exchange, body, content_type, seen):
    start_feed(console, "q2", topic="job", exchange="jobs2", key="#")
    exchange.run(exchange.send(body, {}, "k", exchange="jobs2", content_type=content_type))
    value = console.message("job")["value"]
    assert {key: value.get(key) for key in seen} == seen


def test_acknowledged_when_taken(console, exchange, broker):
    start_feed(console, "q3", topic="job", exchange="jobs3", key="#")
    console.do("hold")
    console.wait_for(lambda line: line.get("holds"))
    for n in range(5):
        exchange.run(exchange.send({"n": n}, {}, "k", exchange="jobs3"))
    for n in range(5):
        assert console.message("job")["value"]["body"] == {"n": n}
    assert depth(broker, "q3") == (0, 5), "nobody has taken them"
    console.do("release")
    wait_until(lambda: depth(broker, "q3") == (0, 0), "acknowledged")


def test_manual_acks(console, exchange, broker):
    pid = start_feed(console, "q4", topic="job", exchange="jobs4", key="#", manual=True)
    for n in range(3):
        exchange.run(exchange.send({"n": n}, {}, "k", exchange="jobs4"))
    tokens = [console.message("job")["value"]["token"] for _ in range(3)]
    console.do("send", to=pid, topic="ack", value={"token": tokens[0]})
    console.do("send", to=pid, topic="reject", value={"token": tokens[1], "requeue": True})
    again = console.message("job")["value"]
    assert again["body"] == {"n": 1} and again["redelivered"] is True
    console.do("send", to=pid, topic="reject", value={"token": tokens[2]})
    console.do("send", to=pid, topic="ack", value={"token": again["token"]})
    console.do("send", to=pid, topic="ack", value={"token": "never was"})
    wait_until(lambda: depth(broker, "q4") == (0, 0), "settled")


def test_prefetch_bounds_what_is_handed_out(console, exchange, broker):
    start_feed(console, "q5", topic="job", exchange="jobs5", key="#", manual=True)
    exchange.run(exchange.send({}, {}, "k", exchange="jobs5"))
    for n in range(150):
        exchange.run(exchange.send({"n": n}, {}, "k", exchange="jobs5"))
    wait_until(lambda: depth(broker, "q5") == (51, 100), "100 are out")


def test_a_queue_with_other_flags_is_an_error_in_the_brokers_words(console, exchange):
    exchange.declare_queue("q6", durable=True)
    console.do("feed", queue="q6", topic="job")
    problem = console.wait_for(lambda line: line.get("feed") == "q6")["problem"]
    assert "406" in problem and "PRECONDITION_FAILED" in problem and "q6" in problem
    exchange.run(exchange.channel.queue_delete("q6"))


# --- publishing ---


def publish(console, message, **more):
    console.do("publish", id="p", message=message, **more)
    return console.wait_for(lambda line: "published" in line)


def test_publish(console, exchange):
    tap = exchange.listen("k.#", exchange="amq.topic")
    done = publish(console, {
        "exchange": "amq.topic", "routing_key": "k.a", "body": {"x": [1, 2.0, "é"]}, "headers": {"h": 1},
        "correlation_id": "c", "reply_to": "r", "message_id": "m", "type": "t", "app_id": "a", "priority": 3,
        "timestamp": 1700000000, "persistent": True, "expiration": "60000"})
    assert done["result"] == "confirmed"
    key, p, body = tap.get(timeout=30)
    assert key == "k.a" and json.loads(body) == {"x": [1, 2.0, "é"]}
    assert p.content_type == "application/json" and p.headers == {"h": 1} and p.delivery_mode == 2
    assert (p.correlation_id, p.reply_to, p.message_id, p.message_type, p.app_id, p.priority, p.expiration) == (
        "c", "r", "m", "t", "a", 3, "60000")


def test_a_text_body_goes_as_it_is(console, exchange):
    tap = exchange.listen("#", exchange="amq.topic")
    publish(console, {"exchange": "amq.topic", "routing_key": "k", "body": "é", "content_type": "text/plain"})
    assert tap.get(timeout=30)[2] == "é".encode()


@pytest.mark.parametrize("size", [0, 1, 32_768, 32_769, 131_072, 5_000_000])
def test_bodies_of_every_size(console, exchange, size):
    tap = exchange.listen("#", exchange="amq.topic")
    done = publish(console, {"exchange": "amq.topic", "routing_key": "k", "body": "x" * size})
    assert done["result"] == "confirmed"
    assert len(tap.get(timeout=10)[2]) == size


def test_unroutable(console):
    assert publish(console, {"exchange": "amq.topic", "routing_key": "nobody", "body": ""})["result"] == "unroutable"
    done = publish(console, {"exchange": "amq.topic", "routing_key": "nobody", "body": "", "mandatory": False})
    assert done["result"] == "confirmed"


def test_an_exchange_that_is_not_there(console):
    """The broker closes the channel over it; other publications go on."""
    done = publish(console, {"exchange": "no.such", "routing_key": "k", "body": ""})
    assert done["result"] == "refused"
    assert "404" in done["text"] and "no.such" in done["text"]
    done = publish(console, {"exchange": "amq.topic", "routing_key": "k", "body": "", "mandatory": False})
    assert done["result"] == "confirmed"


def test_innocent_publications_survive_a_closed_channel(console):
    for i in range(40):
        console.do("publish", id=i, resend=True, message={
            "exchange": "no.such" if i == 20 else "amq.topic", "routing_key": "k", "body": "", "mandatory": False})
    results = {}
    while len(results) < 40:
        done = console.wait_for(lambda line: "published" in line)
        results[done["published"]] = done["result"]
    assert results.pop("20") == "refused"
    assert set(results.values()) == {"confirmed"}


@pytest.mark.parametrize("message, problem", [
    ({}, "missing"), ({"exchange": 5}, "exchange"), ({"exchange": "e", "colour": 1}, "colour"),
    ({"exchange": "e", "priority": 300}, "priority"), ({"exchange": "e", "headers": "x"}, "headers"),
])
def test_mistakes_are_told(console, message, problem):
    assert problem in publish(console, message)["problem"]


def test_what_amqp_cannot_carry(console):
    done = publish(console, {"exchange": "amq.topic", "routing_key": "x" * 256, "body": ""})
    assert done["result"] == "invalid" and "256" in done["text"]
    done = publish(console, {"exchange": "amq.topic", "routing_key": "k", "body": "", "headers": {"n": 10**30}})
    assert done["result"] == "invalid"


def test_many_at_once(console, exchange):
    tap = exchange.listen("#", exchange="amq.topic")
    for i in range(3000):
        console.do("publish", id=i, message={"exchange": "amq.topic", "routing_key": "k", "body": str(i)})
    for _ in range(3000):
        assert console.wait_for(lambda line: "published" in line)["result"] == "confirmed"
    assert [int(tap.get(timeout=10)[2]) for _ in range(3000)] == list(range(3000))
