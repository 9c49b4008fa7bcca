"""Files that entries keep data in: found to be wrong before anything starts, or told by /readyz."""

import sqlite3

import pytest

from natterjack import command
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
    (variables("none.env"), {}, "file_path: {}/none.env does not exist, and auto_create is false"),
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
