"""What a monitoring system sees: /metrics, read with Prometheus' own parser, /healthz and /readyz."""

import json
import re
import signal

import pytest

from metrics import Metrics, await_metrics, scrape
from natterjack import REPOSITORY
from probe import Probe
from raw_http import RawHttp, get


def test_every_family_has_help_a_type_and_well_formed_names(serve_probe):
    server = serve_probe()
    client = Probe(server)
    client.echo("hello")
    found = scrape(server.port)
    assert len(found.families) > 30
    for name, family in found.families.items():
        assert family.documentation and family.type in ("counter", "gauge", "histogram"), name
        assert re.fullmatch(r"(natterjack|process)_[a-z0-9_]+", name)


def test_connections_messages_and_bytes_are_counted_both_ways(serve_probe):
    server = serve_probe()
    before = scrape(server.port)
    client = Probe(server)
    client.echo("x" * 500)
    after = scrape(server.port)

    def more(name):
        return after.total(name) - before.total(name)

    assert after.value("natterjack_websocket_connections", gateway="system:gateway") == 1
    assert more("natterjack_websocket_opened_total") == 1
    assert more("natterjack_websocket_received_messages_total") == 1
    assert more("natterjack_websocket_sent_messages_total") == 1
    assert 500 < more("natterjack_websocket_received_bytes_total") < 600
    assert 500 < more("natterjack_websocket_sent_bytes_total") < 600
    client.send_close(4001)
    client.read_until_closed()
    closed = await_metrics(server.port, lambda m: m.total("natterjack_websocket_connections") == 0)
    assert closed.value("natterjack_websocket_closed_total", cause="client", code="4001") == 1


def test_closes_are_told_apart_by_cause_and_code(serve_probe):
    server = serve_probe("--set", "system:gateway.limits.strict_close_codes=true",
                         "--set", "system:gateway.limits.message_bytes=100")
    closed = [Probe(server) for _ in range(2)]
    closed[0].send_text("x" * 101)
    closed[1].ask("close", body={"code": 4000, "reason": "enough"})
    for client in closed:
        client.read_until_closed()
    cut = Probe(server)
    cut.pid()
    cut.socket.close()
    name = "natterjack_websocket_closed_total"
    await_metrics(server.port, lambda m:
                  m.value(name, cause="message_too_big", code="1009") == 1
                  and m.value(name, cause="by_hub", code="4000") == 1
                  and m.value(name, cause="lost", code="1006") == 1)


def test_processes_are_shown_by_kind_and_entry_with_memory(serve_probe):
    server = serve_probe()
    client = Probe(server)
    for number in range(20):
        client.echo(number)
    hub = {"kind": "lua", "entry": "probe:hub"}
    # A turn is counted when it has ended, which its reply may be ahead of.
    found = await_metrics(server.port, lambda m: (
        m.value("natterjack_process_messages_total", entry="probe:hub") >= 21
        and m.value("natterjack_hub_handling_seconds_count") >= 21))
    assert found.value("natterjack_processes", **hub) == 2
    assert found.value("natterjack_process_memory_bytes", **hub) > 10_000
    assert found.value("natterjack_mailbox_messages", **hub) == 0
    assert found.value("natterjack_process_busy_seconds_total", entry="probe:hub") > 0
    assert found.value("natterjack_processes", kind="function", entry="probe:relay") >= 1
    buckets = [value for (name, _), value in found.samples.items()
               if name == "natterjack_hub_handling_seconds_bucket"]
    assert buckets == sorted(buckets)


def test_a_service_that_fails_is_not_ready_and_counted(serve_probe):
    server = serve_probe("--set", "probe:first.lifecycle.restart.initial_delay=60s",
                         "--set", "probe:second.lifecycle.startup=optional")
    assert get(server.port, "/readyz").status == 200
    Probe(server).ask("raise")
    found = await_metrics(server.port, lambda m: m.total("natterjack_service_failures_total") == 1)
    assert found.value("natterjack_service_up", service="probe:first", startup="required") == 0
    assert found.value("natterjack_service_up", service="probe:second", startup="optional") == 1
    assert found.value("natterjack_processes_ended_total", entry="probe:hub", outcome="failed") == 1
    assert get(server.port, "/readyz").status == 503
    assert get(server.port, "/healthz").status == 200
    assert found.value("natterjack_ready") == 0


def test_an_optional_service_that_is_down_leaves_the_node_ready(serve_probe):
    server = serve_probe("--set", "probe:first.lifecycle.restart.initial_delay=60s",
                         "--set", "probe:first.lifecycle.startup=optional")
    Probe(server).ask("raise")
    await_metrics(server.port, lambda m: m.total("natterjack_service_failures_total") == 1)
    assert get(server.port, "/readyz").status == 200


def test_draining_is_not_ready_and_metrics_stay_on_their_own_address(serve_probe):
    server = serve_probe("--metrics", "127.0.0.1:0", "--drain-window", "5s")
    [(_, match)] = server.wait_for(r"metrics on http://127\.0\.0\.1:(\d+)/metrics")
    own = int(match[1])
    assert get(server.port, "/metrics").status == 404
    assert get(own, "/readyz").status == 200
    clients = [Probe(server) for _ in range(3)]
    kept = RawHttp(server.port)
    kept.ask("GET", "/readyz")
    assert kept.answer().status == 200
    server.process.send_signal(signal.SIGTERM)
    server.wait_for("draining")
    answer = get(own, "/readyz")
    assert answer.status == 503
    assert scrape(own).value("natterjack_draining") == 1
    for client in clients:
        client.read_until_closed()


def test_metrics_can_be_turned_off(serve_probe):
    assert get(serve_probe("--metrics", "off").port, "/metrics").status == 404


def test_scrapes_while_many_talk_do_not_disturb_anybody(serve_probe):
    server = serve_probe()
    clients = [Probe(server) for _ in range(30)]
    for number in range(10):
        for client in clients:
            client.ask("echo", data=number)
        scrape(server.port)
    for client in clients:
        assert [client.read_topic("echo") for _ in range(10)] == list(range(10))


@pytest.fixture(scope="module")
def dashboard():
    return json.loads((REPOSITORY / "docs/grafana/natterjack.json").read_text())


def test_the_dashboard_asks_for_metrics_that_exist(dashboard, serve_probe):
    server = serve_probe()
    client = Probe(server)
    client.echo(1)
    known = {name for name, _ in scrape(server.port).samples}
    asked = set()
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            asked |= set(re.findall(r"\b(?:natterjack|process)_[a-z_]+", target["expr"]))
    assert len(asked) > 15
    # Closes appear with the first close.
    assert asked - known - {"natterjack_websocket_closed_total"} == set()


def test_values_with_quotes_and_newlines_are_escaped():
    text = 'a{entry="x\\"y\\\\z\\nw"} 1\n'
    assert list(Metrics(text).samples) == [("a", frozenset({("entry", 'x"y\\z\nw')}))]
