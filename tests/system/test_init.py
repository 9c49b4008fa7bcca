"""`natterjack init`, and what `natterjack check` has to say about code."""

import re

import pytest

from natterjack import REPOSITORY, command
from raw_http import get
from raw_ws import RawWebSocket


def test_init_writes_a_chat_that_runs(serve, tmp_path):
    folder = tmp_path / "new" / "chat"
    done = command("init", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"natterjack run {folder}" in done.stdout
    checked = command("check", folder)
    assert (checked.returncode, checked.stderr) == (0, "")
    server = serve(folder)
    assert b"<html" in get(server.port, "/").body
    ada = RawWebSocket(server.port, "/api/v1/ws/connect?nick=ada")
    ada.read_topic("welcome")
    ada.send_json({"type": "say", "text": "hello"})
    assert ada.read_topic("said")["text"] == "hello"


def test_init_writes_the_files_of_the_example(tmp_path):
    command("init", tmp_path / "chat")
    example = REPOSITORY / "examples/chat"
    names = sorted(path.relative_to(example) for path in example.rglob("*") if path.is_file())
    made = sorted(path.relative_to(tmp_path / "chat")
                  for path in (tmp_path / "chat").rglob("*") if path.is_file())
    assert made == names
    assert (tmp_path / "chat/room.lua").read_text() == (example / "room.lua").read_text()


@pytest.mark.parametrize("name", ["room.lua", "notes.txt", "folder/file"])
def test_init_writes_nothing_into_a_folder_that_is_not_empty(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    done = command("init", tmp_path)
    assert done.returncode == 2
    assert name.split("/")[0] in done.stderr and "Nothing was written" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name.split("/")[0]]
    assert (tmp_path / name).read_text() == "mine"


def test_init_minds_no_hidden_files(tmp_path):
    (tmp_path / ".git").mkdir()
    done = command("init", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_init_into_what_is_a_file_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    done = command("init", tmp_path / "file")
    assert done.returncode == 2 and "is a file" in done.stderr


# --- check ---------------------------------------------------------------------------------------

YAML = """
namespace: app
entries:
  - { name: hub, kind: process.lua, source: "file://hub.lua", method: run, modules: [ json ],
      imports: { helper: lib } }
  - { name: lib, kind: library.lua, source: "file://lib.lua" }
"""


def warnings(application, hub, lib="shared = 1\nreturn {}\n", yaml=YAML, *options):
    done = command("check", application({"_index.yaml": yaml, "hub.lua": hub, "lib.lua": lib}),
                   *options)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("code, line, name", [
    ("local x = undefined_thing", 1, "undefined_thing"),
    ("local function f()\n  return jsn.encode({})\nend", 2, "jsn"),
    ("local t = {}\nfor i = 1, 3 do\n  t[i] = function()\n    return outer(i)\n  end\nend", 4, "outer"),
    ("pritn('x')", 1, "pritn"),
])
def test_an_unknown_global_is_a_warning_with_its_line(application, code, line, name):
    text = warnings(application, code + "\nfunction run() end\nreturn { run = run }\n")
    assert re.search(rf'hub\.lua:{line}: app:hub: unknown global "{name}"', text), text


def test_what_is_known_is_no_warning(application):
    assert warnings(application, """
local json = require("json")
local helper = require("helper")
counter = 0
local function show(...) print(counter, shared, json, helper, select("#", ...)) end
function run()
    for key, value in pairs(_G) do show(key, value, string.len, table.insert, math.pi, os.time()) end
    process.send(process.pid(), "x", channel.new(1), errors, payload, utf8)
end
return { run = run }
""") == ""


@pytest.mark.parametrize("module, why", [
    ("time", "not granted"), ("nowhere", "no module and no import of that name"),
])
def test_a_module_that_is_not_there_is_a_warning_with_its_line(application, module, why):
    text = warnings(application, f'\nlocal m = require("{module}")\nreturn {{ run = function() end }}\n')
    assert re.search(rf'hub\.lua:2: app:hub: require\("{module}"\).*{why}', text), text


def test_an_endpoint_nobody_can_reach_is_a_warning(application):
    text = warnings(application, "return { run = function() end }\n", "return {}", YAML + """
  - { name: gate, kind: http.service, addr: "127.0.0.1:0" }
  - { name: router, kind: http.router, meta: { server: gate } }
  - { name: f, kind: function.lua, source: "file://lib.lua", method: x }
  - { name: lost, kind: http.endpoint, meta: { router: router }, path: /x, func: f }
""")
    assert re.search("app:lost: nobody can reach it.*app:gate is not started", text), text


def test_allow_origins_without_the_implicit_router_is_told(serve, application):
    server = serve(application({"_index.yaml": """
namespace: app
entries:
  - { name: gate, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
"""}), "--allow-origins", "*")
    assert "--allow-origins: changes nothing" in server.stderr.text()
