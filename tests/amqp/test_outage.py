"""The broker goes away, comes back, stops, fills up; the network breaks in the middle of a frame."""

import time
from pathlib import Path

import aiormq
import pytest
from broker import wait_until
from exchange import Exchange, FakeActor
from programs import Clu, Console
from proxy import Proxy


class Patient(Clu):
    """Does not drop a client that is not read while a broker takes its time to start."""

    def __init__(self, port, *arguments):
        super().__init__(port, "--ping-interval", "0s", *arguments)


def command(command_id, consumer="alpha"):
    return {"consumer": consumer, "command_string": "ping", "command_id": command_id}


def wait_for_status(client, state):
    while (frame := client.read_json(60)).get("broker") != state:
        pass
    return frame


def final_of(client, command_id, timeout=40):
    end = time.monotonic() + timeout
    while True:
        frame = client.read_json(end - time.monotonic())
        head = frame.get("headers", {})
        if head.get("command_id") == command_id and head["message_code"] in ":f":
            return frame


def test_kill_and_return(own_broker):
    with Patient(own_broker.port, "--hold-time", "1s") as clu:
        with clu.connect("/?status=1") as watcher, clu.connect() as plain:
            wait_for_status(watcher, "up")
            own_broker.kill()
            wait_for_status(watcher, "down")

            # A command meanwhile fails in bounded time, in the usual shape; nobody is closed.
            start = time.monotonic()
            plain.send_json(command("meanwhile"))
            frame = final_of(plain, "meanwhile")
            assert 0.8 < time.monotonic() - start < 10
            assert frame["body"] == {"error": "Failed routing message to consumer 'alpha'."}
            assert frame["routing_key"] == f"reply.{clu.name}"
            assert list(frame["headers"]) == ["command_id", "commander_id", "internal", "message_code", "sender", "write_to_log"]

            # New clients are let in.
            late = clu.connect()

            own_broker.start()
            assert wait_for_status(watcher, "up") == {"broker": "up", "gap": True}
            with Exchange(own_broker.port) as exchange:
                FakeActor(exchange, "alpha")
                late.send_json(command("after"))
                for client in (late, plain, watcher):
                    assert final_of(client, "after")["body"] == {"text": "Pong."}
                # Under the same name as before.
                assert f"{clu.name}_replies" in own_broker.control("list_queues", "name")
            late.shut()


def test_a_held_command_is_sent_when_the_broker_and_the_actor_are_back(own_broker):
    """CLU's actors come back some seconds after the broker; a held command waits for them too."""
    with Patient(own_broker.port, "--hold-time", "120s") as clu, clu.connect("/?status=1") as client:
        wait_for_status(client, "up")
        own_broker.kill()
        wait_for_status(client, "down")
        client.send_json(command("held"))
        own_broker.start()
        wait_for_status(client, "up")
        with Exchange(own_broker.port) as exchange:
            FakeActor(exchange, "alpha")
            assert final_of(client, "held")["body"] == {"text": "Pong."}


def test_paused(own_broker):
    """SIGSTOP: nothing is refused, nothing is answered."""
    with Exchange(own_broker.port) as exchange, Patient(own_broker.port, "--hold-time", "1s") as clu:
        FakeActor(exchange, "alpha")
        with clu.connect() as client, clu.connect() as other:
            client.send_json(command("before"))
            final_of(client, "before")
            own_broker.pause()
            try:
                client.send_json(command("paused"))
                assert final_of(client, "paused")["headers"]["message_code"] == "f"
                # The others are served on: pings are answered at once.
                start = time.monotonic()
                other.send_frame(0x9, b"alive")
                while other.read_frame().opcode != 0xA:
                    pass
                assert time.monotonic() - start < 10  # the broker stays paused meanwhile
            finally:
                own_broker.resume()
            client.send_json(command("resumed"))
            assert final_of(client, "resumed")["body"] == {"text": "Pong."}


def test_a_paused_broker_is_noticed_by_its_missing_heartbeat(own_broker):
    with Patient(own_broker.port, "--heartbeat", "2s") as clu, clu.connect("/?status=1") as client:
        wait_for_status(client, "up")
        own_broker.pause()
        try:
            start = time.monotonic()
            wait_for_status(client, "down")
            assert time.monotonic() - start < 10
        finally:
            own_broker.resume()
        wait_for_status(client, "up")


def test_an_idle_connection_lives_by_its_heartbeats(broker):
    with Clu(broker.port, "--heartbeat", "4s") as clu, clu.connect("/?status=1") as client:
        wait_for_status(client, "up")
        with pytest.raises(TimeoutError):
            client.read_json(18)  # without heartbeats a connection is over after two of them


def test_blocked_by_the_memory_alarm(own_broker):
    with Exchange(own_broker.port) as exchange, Patient(own_broker.port, "--hold-time", "60s") as clu:
        FakeActor(exchange, "alpha")
        with clu.connect("/?status=1&acks=1") as client:
            wait_for_status(client, "up")
            own_broker.control("set_vm_memory_high_watermark", "0.00001")
            # The broker says that it blocks when something is published first.
            client.send_json(command("first"))
            wait_for_status(client, "blocked")
            client.send_json(command("second"))
            own_broker.control("set_vm_memory_high_watermark", "0.4")
            wait_for_status(client, "up")
            assert final_of(client, "second")["body"] == {"text": "Pong."}


def test_cut_in_the_middle_of_a_frame(broker, exchange):
    with Proxy(broker.port) as proxy, Patient(proxy.port) as clu:
        FakeActor(exchange, "alpha")
        with clu.connect("/?status=1") as client:
            wait_for_status(client, "up")
            for offset in (1, 7, 40, 200, 5000):
                proxy.cut_after = offset
                exchange.reply({"text": "x" * 20_000})
                frame = wait_for_status(client, "up")
                assert frame["gap"] is True
                client.send_json(command(f"after {offset}"))
                assert final_of(client, f"after {offset}")["body"] == {"text": "Pong."}


def test_many_cuts_leave_nothing_behind(broker, exchange):
    with Proxy(broker.port) as proxy, Patient(proxy.port) as clu, clu.connect("/?status=1") as client:
        wait_for_status(client, "up")
        descriptors = len(list_descriptors(clu))
        for _ in range(10):
            proxy.cut()
            wait_for_status(client, "up")
        assert len(list_descriptors(clu)) <= descriptors + 1


def test_what_fails_behind_the_login_is_tried_less_and_less_often(broker):
    with Proxy(broker.port) as proxy, Patient(proxy.port):
        proxy.cut_at = b"\x00\x14\x00\x0b"  # channel.open-ok
        proxy.cut()
        wait_until(lambda: len(proxy.accepted) >= 7, "it goes on trying")
        # Between them lie at least half of 0.5, 1, 2, 4 and 5 s; always 0.125 s would be 0.6 s.
        assert proxy.accepted[6] - proxy.accepted[1] > 6


def test_a_consumer_that_was_refused_is_no_trouble_for_the_next_connection(broker, exchange):
    exchange.declare_queue("taken", durable=True)
    with Proxy(broker.port) as proxy, Console(proxy.port, "refused-node") as console:
        console.do("feed", queue="taken", topic="x")
        assert "406" in console.wait_for(lambda line: line.get("feed") == "taken")["problem"]
        proxy.cut()

        def connects():
            console.do("stats")
            return console.wait_for(lambda line: "stats" in line)["stats"]["connects"]

        wait_until(lambda: connects() == 2, "it is back")
        assert "504" not in console.stderr.text()
    exchange.run(exchange.channel.queue_delete("taken"))


def test_a_client_that_is_held_back_for_its_bytes_misses_no_pong(broker):
    options = ["--hold-time", "15s", "--ping-interval", "3s", "--ping-timeout", "8s", "--message-bytes", 4 << 20]
    with Proxy(broker.port) as proxy, Clu(proxy.port, *options) as clu, clu.connect() as client:
        proxy.refuse()
        for i in range(2):
            client.send_json({**command(f"b{i}"), "command_string": "x" * (1 << 20)})
        assert [client.read_json(60)["headers"]["command_id"] for _ in range(2)] == ["b0", "b1"]


def list_descriptors(clu):
    return list(Path(f"/proc/{clu.process.pid}/fd").iterdir())


def test_too_many_held_commands(broker):
    """Each client has a bounded number of commands waiting; more stay in its socket."""
    with Proxy(broker.port) as proxy, Patient(proxy.port, "--hold-time", "1s") as clu:
        with clu.connect() as client:
            proxy.refuse()
            for i in range(200):
                client.send_json(command(f"h{i}"))
            finals = [client.read_json(30)["headers"]["command_id"] for _ in range(200)]
            assert finals == [f"h{i}" for i in range(200)]


def test_somebody_deletes_the_exchange(own_broker):
    """No broker tells; the next command finds out, and exchange and binding are restored."""
    with Exchange(own_broker.port) as exchange, Patient(own_broker.port) as clu, clu.connect() as client:
        exchange.run(exchange.channel.exchange_delete("sdss_exchange"))
        client.send_json(command("finds out"))
        assert final_of(client, "finds out")["headers"]["message_code"] == "f"

        def is_heard():
            try:
                exchange.reply({"again": 1})
            except aiormq.exceptions.ChannelNotFoundEntity:  # not restored yet, and the channel is closed
                exchange.channel = exchange.run(exchange.connection.channel())
                return None
            try:
                return client.read_json(0.3)
            except TimeoutError:
                return None

        assert wait_until(is_heard, "replies are heard again", 30)["body"] == {"again": 1}


# --- publications of hub authors ---


def test_nothing_confirmed_is_lost_over_a_restart(own_broker):
    """Persistent messages to a durable queue: what was confirmed is there, the rest was sent again."""
    with Console(own_broker.port) as console:
        console.do("feed", queue="work", topic="work", durable=True, exchange="jobs", key="#")
        console.wait_for(lambda line: line.get("feed") == "work")
        total = 300
        for i in range(total):
            console.do("publish", id=i, resend=True,
                       message={"exchange": "jobs", "routing_key": "k", "persistent": True, "body": f"n{i}"})
            if i == 100:
                own_broker.kill()
            if i == 150:
                own_broker.start()
        for _ in range(total):
            done = console.wait_for(lambda line: "published" in line, 60)
            assert done["result"] == "confirmed", done
        seen = set()
        while len(seen) < total:
            seen.add(console.message("work", 60)["value"]["body"])
        assert seen == {f"n{i}" for i in range(total)}


def test_what_is_not_sent_again_is_reported(own_broker):
    with Console(own_broker.port) as console:
        own_broker.pause()
        try:
            console.do("publish", id="p", message={"exchange": "amq.topic", "routing_key": "k", "body": "x"}, time=500)
            assert console.wait_for(lambda line: "published" in line)["result"] == "unconfirmed"
        finally:
            own_broker.resume()


def test_a_command_whose_end_an_outage_swallowed_still_ends(own_broker):
    with Console(own_broker.port) as console:
        with Exchange(own_broker.port) as exchange:
            FakeActor(exchange, "alpha", lambda text, i: [(">", {})])
            console.do("send", to="amqp:alpha", topic="command", value={"command": "x", "command_id": "lost"})
            assert console.message("amqp.reply")["value"]["code"] == ">"
            own_broker.kill()
        own_broker.start()
        value = console.message("amqp.reply", 60)["value"]
        assert value["final"] and value["code"] == "f"


def test_our_actor_comes_back(own_broker):
    with Console(own_broker.port) as console:
        console.do("actor", name="hub")
        console.wait_for(lambda line: line.get("actor") == "hub")
        own_broker.kill()
        own_broker.start()

        def answers():
            with Exchange(own_broker.port) as exchange:
                tap = exchange.listen("reply.#")
                exchange.command("hub", "ping")
                try:
                    tap.get(timeout=1)
                    return True
                except Exception:  # not yet
                    return False

        wait_until(answers, "the actor answers", 30)
