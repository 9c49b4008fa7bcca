"""Applications laid out as projects: started from inside, sources in a folder of their own, files beside them."""

import subprocess

import pytest

from natterjack import binary

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
