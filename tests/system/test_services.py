"""Services: the order they start in, what a slow or failing one means for others, restarts."""

import signal
import time

import pytest

from metrics import await_metrics, scrape
from natterjack import DEADLINE_S
from pauses import announced_and_kept
from raw_http import get

HEAD = """
namespace: app
entries:
  - { name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
"""

SERVICE = """
  - {{ name: {name}.process, kind: process.lua, source: "file://{name}.lua", method: run,
      modules: [ time ] }}
  - name: {name}
    kind: process.service
    process: {name}.process
    host: system:processes
    lifecycle: {{ auto_start: true, {lifecycle} }}
"""

WAITS = "print(NAME .. ' runs') process.events():receive() print(NAME .. ' ends')"
LOOPS = "print(NAME .. ' loops') while true do end"
FAILS = "print(NAME .. ' fails') error('no luck')"
# Runs on for a while before it waits for the first time.
SLOW = "local ends = os.clock() + 0.5 while os.clock() < ends do end " + WAITS


@pytest.fixture
def start(serve, application):
    """start({name: (code, lifecycle)}) -> a server with these services, in this order."""

    def make(services, *options):
        files = {"_index.yaml": HEAD}
        for name, (code, lifecycle) in services.items():
            files["_index.yaml"] += SERVICE.format(name=name, lifecycle=lifecycle)
            files[f"{name}.lua"] = (f"local NAME = '{name}'\nfunction run()\n{code}\nend\n"
                                    "return { run = run }\n")
        return serve(application(files), *options)

    return make


def up(server, name, startup="required"):
    return scrape(server.port).value("natterjack_service_up", service=f"app:{name}", startup=startup)


def moment(server, pattern):
    [(when, _), *_] = server.stdout.wait_for(pattern)
    return when


def await_ready(server):
    """A service counts as started once it waits, a moment after its first words."""
    end = time.monotonic() + DEADLINE_S
    while (answer := get(server.port, "/readyz")).status != 200:
        assert time.monotonic() < end, answer
        time.sleep(0.01)


def test_what_is_required_has_started_first(start):
    server = start({"last": (WAITS, "requires: [ middle ]"), "middle": (WAITS, "requires: [ first ]"),
                    "first": (SLOW, "")})
    assert moment(server, "first runs") <= moment(server, "middle runs") <= moment(server, "last runs")
    await_ready(server)
    server.stop()
    ends = [moment(server, f"{name} ends") for name in ("last", "middle", "first")]
    assert ends == sorted(ends)


def test_who_requires_a_service_that_fails_waits_until_it_is_back(start):
    # Fails until somebody has the name that its first attempt gives to a helper.
    server = start({
        "needed": ("if not process.registry.lookup('tried') then\n"
                   "  process.spawn('app:keeper.process', 'system:processes') error('not yet')\n"
                   "end\n" + WAITS, "restart: { initial_delay: 300ms, jitter: 0 }"),
        "needs": (WAITS, "requires: [ needed ]"),
        "keeper": ("process.registry.register('tried') " + WAITS, "startup: optional"),
    }, "--set", "app:keeper.lifecycle.auto_start=false")
    server.wait_for("app:needed: could not be started at once: .*not yet; going on while it is tried again")
    assert len(server.stderr.matching("stack traceback:")) == 1
    assert moment(server, "needed runs") <= moment(server, "needs runs")
    await_metrics(server.port, lambda m: m.value(
        "natterjack_service_up", service="app:needs", startup="required") == 1)


def test_a_service_that_never_waits_does_not_delay_the_others_clients(start):
    began = time.monotonic()
    server = start({"busy": (LOOPS, "start_timeout: 60s"), "other": (WAITS, "")},
                   "--set", "app:busy.process.limits.budget=60s")
    assert time.monotonic() - began < 20
    server.stdout.wait_for("other runs")
    assert get(server.port, "/healthz").status == 200
    assert get(server.port, "/readyz").status == 503  # it is required
    assert (up(server, "busy"), up(server, "other")) == (0, 1)
    server.wait_for("app:busy: has not waited for anything yet; going on without it")


def test_an_optional_service_that_never_waits_leaves_the_node_ready(start):
    server = start({"busy": (LOOPS, "startup: optional"), "other": (WAITS, "requires: [ busy ]")},
                   "--set", "app:busy.process.limits.budget=60s",
                   "--set", "app:busy.lifecycle.start_timeout=300ms")
    server.stdout.wait_for("other runs")  # once the time of the optional one is up
    await_ready(server)


def test_a_start_that_takes_longer_than_its_time_is_a_failure(start):
    server = start({"busy": (LOOPS, "start_timeout: 200ms, restart: { initial_delay: 100ms }")},
                   "--set", "app:busy.process.limits.budget=60s")
    server.wait_for(r"app:busy: failed: has not waited for anything within start_timeout \(0\.2")
    server.stdout.wait_for("busy loops", times=2)


def test_pauses_grow_and_end_with_max_attempts(start):
    server = start({"broken": (FAILS, "restart: { initial_delay: 100ms, backoff_factor: 2.0, "
                                      "jitter: 0, max_attempts: 4 }")})
    server.wait_for(r"app:broken: failed 4 times in a row .*no luck.*not started again")
    assert announced_and_kept(server, "app:broken", times=4) == [0.1, 0.2, 0.4]
    server.stdout.wait_for("broken fails", times=4)
    assert len(server.stdout.matching("broken fails")) == 4
    found = scrape(server.port)
    assert found.value("natterjack_service_starts_total", service="app:broken") == 4
    assert found.value("natterjack_service_failures_total", service="app:broken") == 4


@pytest.mark.parametrize("text", ["return { go = function() end }", "return 5", ""])
def test_a_file_without_the_method_is_tried_once(serve, application, text):
    folder = application({
        "_index.yaml": HEAD + SERVICE.format(name="empty", lifecycle="restart: { initial_delay: 1ms }"),
        "empty.lua": text})
    server = serve(folder)
    server.wait_for(r"app:empty: failed once .*method 'run' not found: the file must return a table.*not started again")
    found = scrape(server.port)
    assert found.value("natterjack_service_starts_total", service="app:empty") == 1
    assert up(server, "empty") == 0
    (folder / "empty.lua").write_text(WAITS.join(["local NAME = 'empty' return function() ", " end"]))
    server.process.send_signal(signal.SIGHUP)
    server.stdout.wait_for("empty runs")


def test_running_for_a_while_forgets_earlier_failures(start):
    server = start({"flaky": ("local time = require('time') print('flaky runs') "
                              "time.sleep('300ms') error('again')",
                              "stable_threshold: 100ms, restart: { initial_delay: 50ms, "
                              "jitter: 0, max_attempts: 2 }")})
    server.stdout.wait_for("flaky runs", times=4)
    assert not server.stderr.matching("in a row")


def test_a_service_that_does_not_end_in_its_time_is_killed(start):
    stubborn = "print(NAME .. ' runs') while true do process.inbox():receive() end"
    server = start({"stubborn": (stubborn, "stop_timeout: 300ms")})
    server.stdout.wait_for("stubborn runs")
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 5
    server.wait_for("app:stubborn: did not end in time, killed")


def test_one_that_has_done_its_work_does_not_count_as_down(start):
    server = start({"done": ("print(NAME .. ' is done')", "")})
    server.wait_for("app:done: .* has ended by itself; not started again")
    assert get(server.port, "/readyz").status == 200


ENDLESS = """
namespace: app
entries:
  - { name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
  - { name: db, kind: db.sql.sqlite }
  - { name: asks, kind: process.lua, source: "file://asks.lua", modules: [ sql ] }
  - name: asks.service
    kind: process.service
    process: asks
    lifecycle: { auto_start: true, stop_timeout: 100ms }
"""

ASKS = """
return { run = function()
    print("asks")
    require("sql").get("app:db"):query([[
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c]])
end }
"""


def test_a_statement_without_end_does_not_hold_up_the_end(serve, application):
    server = serve(application({"_index.yaml": ENDLESS, "asks.lua": ASKS}))
    server.stdout.wait_for("asks")
    assert server.stop(60) == 0
