"""Both ways: CLU actors as addresses of our processes, and our processes as CLU actors."""

import json
import time

import pytest
from broker import wait_until
from exchange import Exchange, FakeActor, headers


def replies_of(console, count):
    return [console.message("amqp.reply")["value"] for _ in range(count)]


def assert_silent(console, exchange, topic="amqp.reply"):
    """Nothing more came: what is said now comes next."""
    console.do("send", to="amqp:marker-not-there", topic="command", value={"command": "x", "command_id": "marker"})
    line = console.message(topic)
    assert line["value"]["command_id"] == "marker"


# --- addresses ---


def test_a_command_is_answered_by_messages(console, actor):
    alpha = actor(answer=lambda text, i: [(">", {}), ("i", {"text": "working"}), (":", {"done": 1})])
    console.do("send", to="amqp:alpha", topic="command", value="go there")
    values = replies_of(console, 3)
    assert [(v["code"], v["status"], v["final"], v["body"]) for v in values] == [
        (">", "running", False, {}), ("i", "running", False, {"text": "working"}), (":", "done", True, {"done": 1})]
    assert len({v["command_id"] for v in values}) == 1
    assert {v["actor"] for v in values} == {"alpha"}
    key, properties, body = alpha.commands.get(timeout=30)
    assert key == "command.alpha"
    assert json.loads(body) == {"command_string": "go there"}
    assert properties.headers["commander_id"] == "console-node.alpha"


def test_fields_of_a_command(console, actor):
    alpha = actor()
    console.do("send", to="amqp:alpha", topic="command",
               value={"command": "ping", "command_id": "mine", "internal": True, "commander": "far.hub"})
    assert [v["command_id"] for v in replies_of(console, 2)] == ["mine", "mine"]
    _, properties, _ = alpha.commands.get(timeout=30)
    assert properties.headers["internal"] is True
    assert properties.headers["commander_id"] == "far.hub.alpha"
    assert properties.correlation_id == "mine"


def test_exactly_one_final(console, actor, exchange):
    """What an actor says after its final reply is not this process's business any more."""
    actor(answer=lambda text, i: [(">", {}), (":", {"n": 1}), ("i", {"n": 2}), ("f", {"n": 3})])
    console.do("send", to="amqp:alpha", topic="command", value={"command": "x", "command_id": "once"})
    assert [v["code"] for v in replies_of(console, 2)] == [">", ":"]
    assert_silent(console, exchange)


def test_an_absent_actor_fails(console):
    console.do("send", to="amqp:nobody", topic="command", value={"command": "x", "command_id": "n1"})
    [value] = replies_of(console, 1)
    assert (value["code"], value["final"], value["status"]) == ("f", True, "failed")
    assert value["body"] == {"error": "Failed routing message to consumer 'nobody'."}


@pytest.mark.parametrize("value", [None, {"x": 1}, {"command": "x", "timeout": -1}])
def test_a_command_that_cannot_be_read_fails(console, value):
    fields = {} if value is None else {"value": value}
    console.do("send", to="amqp:alpha", topic="command", **fields)
    [reply] = replies_of(console, 1)
    assert reply["final"] and reply["code"] == "f"


def test_an_unknown_topic_is_told(console):
    console.do("send", to="amqp:alpha", topic="comand", value="x")
    [reply] = replies_of(console, 1)
    assert "comand" in reply["body"]["error"]


def test_a_silent_actor_times_out(console, actor):
    actor(answer=lambda text, i: [(">", {})])
    console.do("send", to="amqp:alpha", topic="command",
               value={"command": "x", "command_id": "slow", "timeout": 3})
    values = replies_of(console, 2)
    assert values[0]["code"] == ">"
    assert values[1]["final"] and "within 3.0 s" in values[1]["body"]["error"]


def test_an_actor_that_leaves_ends_its_commands_and_is_reported(console, actor):
    alpha = actor(answer=lambda text, i: [(">", {})])
    console.do("monitor", to="amqp:alpha")
    console.do("send", to="amqp:alpha", topic="command", value={"command": "x", "command_id": "orphan"})
    assert replies_of(console, 1)[0]["code"] == ">"
    alpha.leave()
    [value] = replies_of(console, 1)
    assert value["final"] and value["command_id"] == "orphan"
    assert "alpha" in value["body"]["error"]
    down = console.wait_for(lambda line: "down" in line)
    assert down["down"] == "amqp:alpha"
    assert "not on the exchange" in down["error"]


def test_an_address_nobody_watches_any_more_is_forgotten(console, actor):
    actor()

    def addresses():
        console.do("addresses")
        return console.wait_for(lambda line: "addresses" in line)["addresses"]

    console.do("monitor", to="amqp:alpha")
    wait_until(lambda: addresses() == 1, "it is watched")
    console.do("demonitor", to="amqp:alpha")
    wait_until(lambda: addresses() == 0, "it is forgotten", interval=0.2)


def test_monitoring_an_actor_that_is_not_there(console):
    console.do("monitor", to="amqp:ghost")
    assert console.wait_for(lambda line: "down" in line)["down"] == "amqp:ghost"


def test_an_actor_that_stays_is_not_reported(console, actor, exchange):
    """The question whether it is there is one that actors do not notice."""
    alpha = actor()
    tap = exchange.listen("#")
    console.do("monitor", to="amqp:alpha")
    time.sleep(1.5)  # several looks
    assert alpha.commands.empty()
    assert tap.empty(), "presence is asked beside the exchange"
    assert not any("down" in line for line in console.kept)
    console.do("send", to="amqp:alpha", topic="command", value="ping")
    assert [v["code"] for v in replies_of(console, 2)] == [">", ":"]


def test_following_an_actor(console, actor, exchange):
    console.do("send", to="amqp:raw", topic="follow")
    wait_until(lambda: exchange.reply({"temperature": 20}) and not console.lines.empty(), "the broadcast")
    value = console.message("amqp.reply")["value"]
    assert value["actor"] == "raw" and value["body"] == {"temperature": 20}
    assert value["command_id"] is None


def test_chained_replies_do_not_end_the_outer_command(console, exchange, actor):
    """In a chain the inner actor's final comes first, under the same command id."""
    outer = actor("outer", lambda text, i: [(">", {})])
    console.do("send", to="amqp:outer", topic="command", value={"command": "x", "command_id": "chain"})
    assert replies_of(console, 1)[0]["code"] == ">"
    outer.commands.get(timeout=30)
    inner = headers(command_id="chain", commander_id="console-node.outer.inner", message_code=":", sender="inner")
    exchange.reply({"inner": True}, inner, "reply.console-node.outer.inner", correlation_id="chain")
    final = headers(command_id="chain", commander_id="console-node.outer", message_code=":", sender="outer")
    exchange.reply({"outer": True}, final, "reply.console-node.outer", correlation_id="chain")
    assert replies_of(console, 1)[0]["body"] == {"outer": True}


def test_many_commands_leave_nothing_behind(console, actor):
    actor()
    for i in range(300):
        console.do("send", to="amqp:alpha", topic="command", value={"command": "ping", "command_id": f"m{i}"})
    finals = 0
    while finals < 300:
        finals += console.message("amqp.reply")["value"]["final"]
    console.do("send", to="amqp:alpha", topic="command", value={"command": "ping", "command_id": "m0"})
    assert [v["command_id"] for v in replies_of(console, 2)] == ["m0", "m0"], "the id is free again"


# --- our processes as actors ---


@pytest.fixture
def hub(console):
    """The console as the actor `hub`."""
    console.do("actor", name="hub", schema={"temperature": {"type": "number"}, "items": {"type": "array"}},
               commands=[{"name": "heat", "help": "Heats the thing. Slowly.", "parameters": [
                             {"name": "degrees", "type": "number"},
                             {"name": "fast", "option": True, "flag": True, "help": "At once."}]},
                         {"name": "shout", "raw": True}])
    assert console.wait_for(lambda line: line.get("actor") == "hub")["problem"] == ""
    return console


class Caller:
    """Commands `hub` over the exchange, and collects what it says."""

    def __init__(self, exchange):
        self.exchange = exchange
        self.tap = exchange.listen("reply.#")
        self.count = 0

    def ask(self, text, **more):
        self.count += 1
        command_id = f"c{self.count}"
        self.exchange.command("hub", text, command_id, **more)
        return command_id

    def until_final(self):
        said = []
        while not said or said[-1][0] not in (":", "f"):
            key, properties, body = self.tap.get(timeout=10)
            said.append((properties.headers["message_code"], json.loads(body), properties, key))
        return said

    def call(self, text, **more):
        self.ask(text, **more)
        return [(code, body) for code, body, _, _ in self.until_final()]


@pytest.fixture
def caller(exchange):
    return Caller(exchange)


def test_ping_and_version(hub, caller):
    assert caller.call("ping") == [(">", {}), (":", {"text": "Pong."})]
    assert caller.call("version") == [(">", {}), (":", {"version": "1.2.3"})]


def test_properties_of_a_reply(hub, caller):
    command_id = caller.ask("ping")
    first, last = caller.until_final()
    for code, _, properties, key in (first, last):
        assert key == "reply.tester.hub"
        assert properties.content_type == "text/json"
        assert properties.correlation_id == command_id
        assert properties.delivery_mode == 1
        assert len(properties.message_id) == 32
        assert properties.timestamp is not None
        assert list(properties.headers) == ["command_id", "commander_id", "internal", "message_code", "sender"]
        assert properties.headers["command_id"] == command_id
        assert properties.headers["commander_id"] == "tester.hub"
        assert properties.headers["sender"] == "hub"
    assert first[2].headers["internal"] is True
    assert last[2].headers["internal"] is False


def test_schema(hub, caller):
    schema = json.loads(caller.call("get_schema")[-1][1]["schema"])
    assert schema["additionalProperties"] is False
    assert schema["properties"]["temperature"] == {"type": "number"}
    for common in ("text", "schema", "version", "help", "error", "yourUserID", "UserInfo", "num_users",
                   "exception", "exception_info", "command_model"):
        assert common in schema["properties"]


def test_help(hub, caller):
    lines = caller.call("help")[-1][1]["help"]
    assert lines[0] == "Usage: hub [OPTIONS] COMMAND [ARGS]..."
    assert "  heat               Heats the thing." in lines
    assert "  ping               Pings the actor." in lines
    assert caller.call("--help")[-1][1]["help"] == lines
    assert caller.call("heat --help")[-1][1]["help"] == [
        "Usage: hub heat [OPTIONS] DEGREES", "", "  Heats the thing. Slowly.", "", "Options:",
        "  --fast  At once.", "  --help  Show this message and exit."]
    assert caller.call("help nope")[-1] == ("f", {"error": "command nope not found."})


def test_keyword_and_model(hub, caller):
    assert caller.call("keyword temperature")[1:] == [
        ("i", {"text": "temperature = {"}), ("i", {"text": "  type: number"}), ("i", {"text": "}"}), (":", {})]
    assert caller.call("keyword nope")[-1] == ("f", {"error": "Keyword 'nope' is not part of the data model."})
    model = caller.call("get-command-model heat")[-1][1]["command_model"]
    assert model["name"] == "heat"
    assert [p["name"] for p in model["params"]] == ["degrees", "fast", "help"]
    assert set(caller.call("get-command-model")[-1][1]["command_model"]["commands"]) >= {"heat", "ping"}


@pytest.mark.parametrize("text, problem", [
    ("nope", "NoSuchCommand: No such command 'nope'."),
    ("heat", "MissingParameter: Missing argument 'DEGREES'."),
    ("heat x", "BadParameter: Invalid value for 'DEGREES': 'x' is not a valid float."),
    ("heat 1 2", "UsageError: Got unexpected extra argument (2)"),
    ("heat 'x", "UsageError: No closing quotation"),
    ("", "UsageError: Missing command."),
])
def test_commands_that_cannot_be_parsed(hub, caller, text, problem):
    quoted = f'"{text}"' if "'" in text else f"'{text}'"
    assert caller.call(text) == [
        (">", {}), ("w", {"help": [problem]}),
        ("f", {"error": f"Command {quoted} does not exist or cannot be parsed."})]


def test_an_own_command(hub, caller):
    caller.ask("heat -5.5 --fast")
    asked = hub.message("amqp.command")
    value = asked["value"]
    assert value["verb"] == "heat"
    assert value["params"] == {"fast": True, "degrees": -5.5}
    assert value["commander_id"] == "tester.hub"
    token = value["token"]
    hub.do("send", to=asked["from"], topic="reply", value={"token": token, "code": "i", "body": {"temperature": 3}})
    hub.do("send", to=asked["from"], topic="reply", value={"token": token, "code": ":"})
    assert [(c, b) for c, b, _, _ in caller.until_final()] == [(">", {}), ("i", {"temperature": 3}), (":", {})]


def test_commands_run_side_by_side(hub, caller):
    tokens = []
    for text in ("heat 1", "heat 2"):
        caller.ask(text)
        asked = hub.message("amqp.command")
        tokens.append(asked["value"]["token"])
    for token in reversed(tokens):
        hub.do("send", to=asked["from"], topic="reply", value={"token": token, "code": ":"})
    finals = [caller.until_final()[-1][2].headers["command_id"] for _ in range(2)]
    assert finals == ["c2", "c1"]


def test_a_reply_that_breaks_the_schema(hub, caller):
    caller.ask("shout 'a b' c")
    asked = hub.message("amqp.command")
    assert asked["value"]["params"] == {"words": ["a b", "c"]}
    reply = {"token": asked["value"]["token"], "code": "i", "body": {"colour": "red"}}
    hub.do("send", to=asked["from"], topic="reply", value=reply)
    hub.do("send", to=asked["from"], topic="reply", value={**reply, "code": ":"})
    said = [(c, b) for c, b, _, _ in caller.until_final()]
    invalid = ("e", {"error": "Failed validating the reply: message {'colour': 'red'} does not match the schema."})
    assert said == [(">", {}), invalid, invalid, ("f", {"error": "The final reply does not match the schema."})]


def test_broadcasts(hub, exchange, caller):
    caller.call("ping")
    caller.ask("heat 1")
    pid = hub.message("amqp.command")["from"]
    hub.do("send", to=pid, topic="broadcast", value={"code": "i", "body": {"temperature": 4}})
    while (got := caller.tap.get(timeout=10))[0] != "reply.broadcast":
        pass
    key, properties, body = got
    assert properties.headers["command_id"] is None and properties.headers["commander_id"] is None
    assert properties.correlation_id in (None, "")
    assert json.loads(body) == {"temperature": 4}


def test_ids_come_back_as_they_came(hub, caller, exchange):
    exchange.command("hub", "ping", 5)
    (_, _, properties, _), _ = caller.until_final()
    assert properties.headers["command_id"] == 5 and properties.correlation_id == "5"
    exchange.run(exchange.send({"command_string": "ping"}, {}, "command.hub.sub"))
    (_, _, properties, key), _ = caller.until_final()
    assert key == "reply.None" and properties.headers["command_id"] is None


def test_internal_commands_get_internal_replies(hub, caller):
    caller.ask("ping", head={"internal": True})
    assert all(p.headers["internal"] for _, _, p, _ in caller.until_final())


def test_what_is_no_json_is_rejected_and_the_next_command_runs(hub, caller, exchange):
    exchange.run(exchange.send(b"no json", {"command_id": "bad"}, "command.hub"))
    assert caller.call("ping")[-1] == (":", {"text": "Pong."})


def test_a_task_is_handed_over_and_the_flow_goes_on(hub, caller, exchange):
    exchange.run(exchange.send({"task": "tidy", "n": 1}, {"commander_id": "x", "task": True}, "command.hub"))
    assert hub.message("amqp.task")["value"] == {"task": "tidy", "n": 1}
    assert caller.call("ping")[-1] == (":", {"text": "Pong."})


def test_a_process_that_is_not_there_fails_its_commands(console, exchange):
    console.do("actor", name="empty", process="nobody-here", commands=[{"name": "go"}])
    console.wait_for(lambda line: line.get("actor") == "empty")
    tap = exchange.listen("reply.#")
    exchange.command("empty", "go")
    codes = []
    while not codes or codes[-1][0] != "f":
        _, properties, body = tap.get(timeout=10)
        codes.append((properties.headers["message_code"], json.loads(body)))
    assert "not there" in codes[-1][1]["error"]


def test_a_name_that_is_taken_is_an_error_in_the_brokers_words(console, broker):
    with Exchange(broker.port) as other:
        FakeActor(other, "taken")
        console.do("actor", name="taken")
        problem = console.wait_for(lambda line: line.get("actor") == "taken")["problem"]
        assert "405" in problem and "RESOURCE_LOCKED" in problem and "taken_" in problem


@pytest.mark.parametrize("name", ["", "a.b", "a#", "x" * 201])
def test_a_bad_name_is_refused(console, name):
    console.do("actor", name=name)
    assert "actor name" in console.wait_for(lambda line: line.get("actor") == name)["problem"]


def test_a_bad_schema_is_refused(console):
    console.do("actor", name="bad", schema={"x": {"type": "string", "pattern": "("}})
    assert "pattern" in console.wait_for(lambda line: line.get("actor") == "bad")["problem"]


def test_an_actor_that_stops_gives_its_name_back(hub, exchange, caller):
    caller.ask("heat 1")
    hub.message("amqp.command")
    hub.do("stop_actor", name="hub")
    assert caller.until_final()[-1][:2] == ("f", {"error": "the actor is shutting down"})

    def can_be_had():
        with Exchange(int(exchange.url.split(":")[-1].strip("/"))) as other:
            try:
                FakeActor(other, "hub")
                return True
            except Exception:  # still locked
                return False

    wait_until(can_be_had, "the name is free")
