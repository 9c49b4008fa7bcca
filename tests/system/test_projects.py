"""Applications laid out as projects: started from inside, sources in a folder of their own, files beside them."""

import subprocess

import pytest

from natterjack import Natterjack, binary, command
from raw_http import get

ENTRIES = """\
namespace: app
entries:
  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }
  - { name: other, kind: terminal.host, lifecycle: { auto_start: true } }
  - { name: settings, kind: env.storage.file, file_path: ./config.env }
  - { name: NAME, kind: env.variable, variable: NAME, storage: settings }
  - { name: pages, kind: fs.directory, directory: ./pages }
  - { name: db, kind: db.sql.sqlite, file: ./made.db }
  - { name: show, kind: process.lua, source: "file://show.lua", modules: [ io, env, fs, sql ],
      meta: { command: { name: show, short: says what is there } } }
  - { name: quiet, kind: process.lua, source: "return { main = function() end }",
      meta: { command: { name: quiet } } }
"""

SHOW = """\
local io, env, fs, sql = require("io"), require("env"), require("fs"), require("sql")

return { main = function()
    io.print(env.get("NAME"), fs.get("app:pages"):readfile("a.txt"))
    sql.get("app:db"):execute("CREATE TABLE t (x)")
    io.print(process.pid():match("@([^|]+)"))
end }
"""

PROJECT = {"wippy.lock": "directories:\n  modules: .wippy\n  src: ./src\n", "config.env": "NAME=toad\n",
           "pages/a.txt": "a page", "src/_index.yaml": ENTRIES, "src/show.lua": SHOW,
           "drafts/_index.yaml": ENTRIES}


def run(folder, *arguments):
    return subprocess.run([binary(), "run", *arguments], cwd=folder, capture_output=True, text=True,
                          timeout=60)


@pytest.mark.parametrize("arguments", [["-x", "app:show"], ["show"], [".", "show"], ["src", "show"],
                                       ["src", "-x", "app:show"]])
def test_a_project_runs_from_inside_and_its_files_are_found(application, arguments):
    folder = application(PROJECT)
    done = run(folder, *arguments)
    assert (done.stdout, done.returncode) == ("toad\ta page\napp:terminal\n", 0), done.stderr
    assert (folder / "made.db").exists()


def test_a_folder_called_src_has_its_project_above(application):
    folder = application({name: text for name, text in PROJECT.items() if name != "wippy.lock"})
    done = run(folder, "src", "show")
    assert (done.stdout, done.returncode) == ("toad\ta page\napp:terminal\n", 0), done.stderr


def test_a_host_may_stand_before_the_entry(application):
    done = run(application(PROJECT), "-x", "app:other/app:show")
    assert done.stdout.endswith("app:other\n"), done.stderr


def test_a_file_of_variables_that_is_missing_has_none(application):
    folder = application(PROJECT)
    (folder / "config.env").unlink()
    done = run(folder, "show")
    assert done.stdout.startswith("nil\ta page\n"), done.stderr


SERVER = """\
namespace: app
entries:
  - { name: gateway, kind: http.service, addr: "127.0.0.1:1", lifecycle: { auto_start: true } }
  - { name: who, kind: process.lua, source: "return function() print(process.pid()) end" }
  - { name: who.service, kind: process.service, process: who, lifecycle: { auto_start: true } }
"""
SETTINGS = """\
version: "1.0"
logger: { level: debug, encoding: json, mode: production }
logmanager: { propagate_downstream: true, min_level: 1 }
prometheus: { enabled: true, address: "127.0.0.1:0" }
relay: { node_name: toad }
shutdown: { timeout: 60s }
otel: { endpoint: "http://localhost:4318" }
registry: { enable_history: true, history_type: sqlite }
supervisor: { host: { buffer_size: 2048 } }
profiles: { test: {} }
override:
  "app:gateway:data.addr": "127.0.0.1:0"
  "app:gateway:limits.connections": 5
  "other:entry:field": [1, 2]
"""


def test_settings_of_the_project_stand_in_for_options(application):
    folder = application({"wippy.lock": PROJECT["wippy.lock"], ".wippy.yaml": SETTINGS, "src/_index.yaml": SERVER})
    for at in (".", "src", "src/", str(folder / "src")):
        done = run(folder, at, "-x", "app:who")
        assert (done.stdout[:6], done.returncode) == ("{toad@", 0), done
        assert done.stderr.startswith("{") and '"level":"info"' not in done.stderr, done.stderr
        assert "without effect here: logger.mode, registry.history_type, supervisor.host.buffer_size, " \
               "profiles" in done.stderr
        assert 'there is no entry \\"other:entry\\"' in done.stderr


def test_the_command_line_is_above_the_settings(application):
    folder = application({".wippy.yaml": SETTINGS, "_index.yaml": SERVER})
    with Natterjack(folder, "--node-name", "frog", "--log-level", "info", "--log-format", "text", "--metrics", "on",
                    "-o", "app:gateway:limits.connections=7") as server:
        server.stdout.wait_for(r"^{frog@")
        assert get(server.port, "/metrics").status == 200


def test_metrics_are_where_the_settings_say(application):
    settings = 'prometheus: { enabled: true, address: "127.0.0.1:0" }\n'
    with Natterjack(application({".wippy.yaml": settings, "_index.yaml": SERVER})) as server:
        ports = [int(match[1]) for _, match in server.wait_for(r"on http://127\.0\.0\.1:(\d+)", times=2)]
        assert sorted(get(port, "/metrics").status for port in ports) == [200, 404]


def test_check_says_what_is_wrong_with_the_settings(application):
    wrong = "logger: { level: loud }\nprometheus: { enabled: true, address: nowhere }\nrelay: { node_name: a b }\n" \
            "shutdown: { timeout: soon }\nlogmanager: { min_level: 9 }\noverride: [ x ]\n"
    folder = application({".wippy.yaml": wrong, "_index.yaml": SERVER})
    said = command("check", folder)
    assert said.returncode == 2
    for text in ('.wippy.yaml:1: logger.level: found text "loud"; expected debug', ".wippy.yaml:2: prometheus.address",
                 'relay.node_name: "a b"', ".wippy.yaml:4: shutdown.timeout", ".wippy.yaml:5: logmanager.min_level",
                 ".wippy.yaml:6: override: found a list", "6 mistakes"):
        assert text in said.stderr, said.stderr
    folder = application({".wippy.yaml": "logger: [", "_index.yaml": SERVER})
    assert command("check", folder).returncode == 2
    folder = application({".wippy.yaml": SETTINGS, "_index.yaml": SERVER})
    said = command("check", folder)
    assert said.returncode == 0 and ".wippy.yaml:2: without effect here: logger.mode, " in said.stderr, said.stderr
