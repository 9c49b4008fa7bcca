"""Files that entries keep data in: found to be wrong before anything starts, or told by /readyz."""

import json
import resource
import signal
import sqlite3
import subprocess

import pytest

from natterjack import binary, command
from raw_http import get

ENTRIES = """\
namespace: app
entries:
  - {{ name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: {{ auto_start: true }} }}
  - name: kept
    kind: {kind}
    {field}: {file}
"""


def database(file):
    return ENTRIES.format(kind="db.sql.sqlite", field="file", file=file)


def variables(file):
    return ENTRIES.format(kind="env.storage.file", field="file_path", file=file)


@pytest.mark.parametrize("text, files, said", [
    (database("folder"), {"folder/x": ""}, "file: {}/folder is a folder"),
    (database("notes.txt"), {"notes.txt": "no database at all"},
     "file: {}/notes.txt is no SQLite database"),
    (database("notes.txt/data.db"), {"notes.txt": "x"},
     "file: {}/notes.txt/data.db cannot be made: {}/notes.txt is no folder"),
    (variables("folder"), {"folder/x": ""}, "file_path: {}/folder is a folder"),
])
def test_what_cannot_be_used_refuses_the_start_with_its_line(application, text, files, said):
    folder = application({"_index.yaml": text, **files})
    for how in ("check", "run"):
        done = command(how, folder)
        assert done.returncode == 2
        assert "_index.yaml:6: app:kept: " + said.replace("{}", str(folder)) in done.stderr


def test_a_check_makes_nothing(application):
    folder = application({"_index.yaml": database("data/made.db")})
    done = command("check", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in folder.iterdir()] == ["_index.yaml"]


def test_an_empty_file_and_a_database_are_fine(application):
    folder = application({"_index.yaml": database("data.db"), "data.db": ""})
    assert command("check", folder).returncode == 0
    (folder / "data.db").unlink()
    sqlite3.connect(folder / "data.db").executescript("CREATE TABLE t (n)")
    assert command("check", folder).returncode == 0


def test_a_database_is_there_from_the_start(serve, application):
    folder = application({"_index.yaml": database("data/made.db")})
    server = serve(folder)
    assert (folder / "data/made.db").exists()
    assert get(server.port, "/readyz").status == 200


def test_a_file_of_variables_is_made_at_the_start(serve, application):
    folder = application({"_index.yaml": variables("kept/here.env") + "    auto_create: true\n"
                                         "    file_mode: 0600\n"})
    assert command("check", folder).returncode == 0
    assert not (folder / "kept").exists()
    serve(folder)
    made = folder / "kept/here.env"
    assert (made.read_text(), made.stat().st_mode & 0o777) == ("", 0o600)


SET = """\
return function()
    local env = require("env")
    print(env.set("NOTE", "short"))
    local done, err = env.set("NOTE", ("x"):rep(5000))
    print(done, err:kind(), err)
    print(env.get("NOTE"))
end
"""


def small_files():
    """For a process to come: a file that would be larger than 1 KiB cannot be written, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))


def test_a_variable_that_cannot_be_written_keeps_its_value_and_says_why(application):
    folder = application({"set.lua": SET, "_index.yaml": """\
namespace: app
entries:
  - { name: kept, kind: env.storage.file, file_path: kept.env, auto_create: true }
  - { name: note, kind: env.variable, variable: NOTE, storage: kept }
  - { name: set, kind: process.lua, source: "file://set.lua", modules: [ env ] }
"""})
    done = subprocess.run([binary(), "run", folder, "-x", "app:set"], capture_output=True, text=True,
                          timeout=60, preexec_fn=small_files)
    assert done.stdout.splitlines() == [
        "true", f"nil Internal cannot write {folder}/kept.env: File too large", "short"]
    assert (folder / "kept.env").read_text() == 'NOTE="short"\n'
    assert sorted(path.name for path in folder.iterdir()) == ["_index.yaml", "kept.env", "set.lua"]


# Its header is right and its pages are not: only opening it tells.
def broken(folder):
    with sqlite3.connect(folder / "data.db") as made:
        made.executescript("CREATE TABLE t (n)")
    made.close()
    whole = bytearray((folder / "data.db").read_bytes())
    whole[16:100] = b"\xff" * 84
    (folder / "data.db").write_bytes(whole)


@pytest.mark.parametrize("startup, status", [("required", 503), ("optional", 200)])
def test_one_that_does_not_open_is_told_with_its_place(serve, application, startup, status):
    folder = application({
        "_index.yaml": database("data.db") + f"    lifecycle: {{ startup: {startup} }}\n"})
    broken(folder)
    server = serve(folder)
    server.wait_for(r"error .*_index\.yaml:4: app:kept: cannot open .*/data\.db: file is not a database")
    assert get(server.port, "/readyz").status == status


def test_a_file_beside_the_yaml_wins_over_one_of_the_application(serve, application):
    index = """\
namespace: app
entries:
  - { name: kept, kind: env.storage.file, file_path: ./config.env }
  - { name: colour, kind: env.variable, variable: COLOUR, storage: kept }
  - { name: ask, kind: process.lua, source: "return function() print(require('env').get('COLOUR')) end",
      modules: [ env ] }
"""
    files = {"src/_index.yaml": index, "config.env": "COLOUR=red\n"}
    assert command("run", application(files), "-x", "app:ask").stdout == "red\n"
    files["src/config.env"] = "COLOUR=blue\n"
    assert command("run", application(files), "-x", "app:ask").stdout == "blue\n"


def test_variables_of_the_application_stand_for_themselves_in_entries(application, monkeypatch):
    monkeypatch.setenv("OF_SYSTEM", "from system")
    monkeypatch.setenv("DECLARED", "not this one")
    folder = application({"kept.env": "IN_FILE='from file'\n", "_index.yaml": """\
namespace: app
entries:
  - { name: os, kind: env.storage.os }
  - { name: memory, kind: env.storage.memory }
  - { name: file, kind: env.storage.file, file_path: kept.env }
  - { name: fixed, kind: env.storage.static, values: { DECLARED: fixed, COUNT: 7 } }
  - { name: several, kind: env.storage.router, storages: [ memory, file, fixed ] }
  - { name: v1, kind: env.variable, variable: DECLARED, storage: fixed }
  - { name: v2, kind: env.variable, variable: IN_FILE, storage: several }
  - { name: v3, kind: env.variable, variable: WITH_DEFAULT, storage: memory, default: "by default" }
  - { name: v4, kind: env.variable, variable: OF_SYSTEM, storage: os }
  - { name: v5, kind: env.variable, variable: COUNT, storage: several }
  - name: data
    kind: registry.entry
    list: [ "${env:DECLARED}", "${env:IN_FILE}", "${WITH_DEFAULT|no}", "${env:OF_SYSTEM}", "${env:NONE|none}" ]
    count: ${env:COUNT}
  - name: ask
    kind: process.lua
    source: |
      return function()
        local data = require("registry").get("app:data").data
        print(table.concat(data.list, ", "), math.type(data.count), data.count)
      end
    modules: [ registry ]
"""})
    done = command("run", folder, "-x", "app:ask")
    assert done.stdout == "fixed, from file, by default, from system, none integer 7\n"


FORGOTTEN = """\
namespace: app
entries:
  - { name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
  - { name: api, kind: http.router, meta: { server: gate } }
  - { name: data, kind: db.sql.sqlite, file: data.db }
  - name: act
    kind: function.lua
    source: file://act.lua
    method: handler
    modules: [ http, sql ]
    pool: { size: 2 }
  - { name: act.get, kind: http.endpoint, meta: { router: api }, path: "/{what}", func: act }
"""

ACT = """
local http, sql = require("http"), require("sql")
local acts = {}
function acts.make(db) return db:execute("CREATE TABLE t (n)") end
function acts.raises(db)
  kept = assert(db:begin())
  assert(kept:execute("INSERT INTO t VALUES (1)"))
  error("on purpose")
end
function acts.returns(db)
  kept = assert(db:begin())
  return kept:execute("INSERT INTO t VALUES (1)")
end
function acts.commits(db)
  local tx = assert(db:begin())
  assert(tx:execute("INSERT INTO t VALUES (1)"))
  return tx:commit()
end
function acts.count(db) return db:query("SELECT count(*) AS n FROM t")[1].n end
return { handler = function()
  local done, err = acts[http.request():param("what")](assert(sql.get("app:data")))
  http.response():write_json({ done = done, err = err and err:message() })
end }
"""


@pytest.mark.parametrize("how, status", [("raises", 500), ("returns", 200)])
def test_a_transaction_that_a_function_forgets_is_undone_with_its_call(serve, application, how, status):
    server = serve(application({"_index.yaml": FORGOTTEN, "act.lua": ACT}))
    assert get(server.port, "/make").status == 200
    for _ in range(3):  # states that go back to the pool, and collect no garbage there
        assert get(server.port, "/" + how).status == status
        assert json.loads(get(server.port, "/count").body) == {"done": 0}
    assert json.loads(get(server.port, "/commits").body) == {"done": True}
    assert json.loads(get(server.port, "/count").body) == {"done": 1}
