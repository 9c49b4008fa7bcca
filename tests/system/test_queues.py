"""Messages of queues meet functions that have no room for them, and functions that change."""

import re

import pytest

from natterjack import command

YAML = """\
version: "1.0"
namespace: app
entries:
  - {{ name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: {{ auto_start: true }} }}
  - {{ name: driver, kind: queue.driver.memory }}
  - {{ name: tasks, kind: queue.queue, driver: driver, driver_options: {{ max_length: 50000 }} }}
  - name: work
    kind: function.lua
    source: file://work.lua
    modules: [ queue ]
    pool: {{ type: static, workers: {workers}, buffer: {buffer} }}
  - {{ name: consumer, kind: queue.consumer, queue: tasks, func: work, concurrency: {concurrency} }}
  - {{ name: main, kind: process.lua, source: "file://main.lua", method: run, modules: [ queue ] }}
  - name: main.service
    kind: process.service
    process: main
    host: system:processes
    lifecycle: {{ auto_start: true }}
"""

# Publishes before it first waits, so before there are consumers; then counts what is done.
MAIN = """\
local queue = require("queue")
return {{ run = function()
    process.registry.register("main")
    local inbox = process.inbox()
    for i = 1, {count} do assert(queue.publish("app:tasks", {{ number = i }})) end
    local seen, done = {{}}, 0
    while done < {count} do
        local number, attempts = inbox:receive():payload():data()
        if not seen[number] then
            seen[number], done = true, done + 1
        end
    end
    print("all are done")
    process.registry.register("over")
    channel.new():receive()
end }}
"""

WORK = """\
local queue = require("queue")
return function(task)
    process.send("main", "done", task.number)
    if queue.message():attempts() > 1 then print("again: " .. task.number) end
end
"""


@pytest.fixture
def run(serve, application):
    def start(count, *arguments, **pool):
        return serve(application({
            "_index.yaml": YAML.format(**pool),
            "main.lua": MAIN.format(count=count),
            "work.lua": WORK,
        }), *arguments)

    return start


def check_all_done(server):
    server.stdout.wait_for("all are done", timeout=120)
    assert "dropped" not in server.stderr.text()
    assert "again" not in server.stdout.text()
    assert server.stop() == 0


def test_a_consumer_of_more_than_its_function_can_take_loses_nothing(run):
    check_all_done(run(40, workers=2, buffer=2, concurrency=10))


def test_thousands_that_wait_at_the_start_are_a_loop_and_no_recursion(run):
    check_all_done(run(20_000, workers=1, buffer=1, concurrency=1000))


WORD = 'return function(task) print("{} takes " .. task) end\n'

TELLS = """\
local queue = require("queue")
return { run = function()
    process.registry.register("main")
    local inbox = process.inbox()
    while true do
        assert(queue.publish("app:tasks", inbox:receive():payload():data()))
    end
end }
"""


def test_consumers_call_the_function_that_a_reload_has_brought(serve, application, tmp_path):
    socket = tmp_path / "admin.sock"
    folder = application({
        "_index.yaml": YAML.format(workers=2, buffer=10, concurrency=2),
        "main.lua": TELLS,
        "work.lua": WORD.format("first"),
    })
    server = serve(folder, "--admin-socket", socket)

    def tell(text):
        done = command("send", "main", "task", f'"{text}"', "--admin-socket", socket)
        assert done.returncode == 0, done

    tell("one")
    server.stdout.wait_for("first takes one")
    for word in ("second", "third"):
        (folder / "work.lua").write_text(WORD.format(word))
        done = command("reload", "--admin-socket", socket)
        assert done.returncode == 0 and re.search(r"app:work replaced", done.stdout + done.stderr)
        tell(word)
        server.stdout.wait_for(f"{word} takes {word}")
    assert server.stop() == 0
