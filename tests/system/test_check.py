"""A broken application is told everything that is wrong with it, in one run, and starts nothing."""

import re
import socket

import pytest

import probe
from natterjack import REPOSITORY, command

HUB = 'function run()\n  print("started")\n  process.inbox():receive()\nend\nreturn { run = run }\n'
BROKEN = "function run()\n  local x = = 1\nend\nreturn { run = run }\n"
HANDLER = "return { handler = function() end }\n"

# Each line that is wrong says so behind `#!`, with what the message has to mention.
YAML = """version: "1.0"
namespace: app

entries:
  - name: hub
    kind: process.lua
    source: file://hub.lua
    method: run

  - name: unknown_key
    kind: process.lua
    source: file://hub.lua
    methd: run                     #! methd.*method
    method: run

  - name: wrong_type
    kind: process.lua
    source: file://hub.lua
    method: [ run ]                #! method.*(string|text)

  - name: missing_file
    kind: process.lua
    source: file://nowhere.lua     #! nowhere\\.lua
    method: run

  - name: bad_syntax
    kind: process.lua
    source: file://broken.lua
    method: run

  - name: service
    kind: process.service
    process: hub
    host: system:processes
    lifecycle:
      auto_start: true

  - name: unknown_process
    kind: process.service
    process: hubb                  #! app:hubb.*hub
    host: system:processes

  - name: hub                      #! hub.*(twice|duplicate|already)
    kind: process.lua
    source: file://hub.lua
    method: run

  - name: unknown_kind             #! proces\\.lua.*process\\.lua
    kind: proces.lua

  - name: bad_duration
    kind: process.service
    process: hub
    host: system:processes
    lifecycle:
      start_timeout: soon          #! start_timeout.*soon

  - name: bad_number
    kind: process.lua
    source: file://hub.lua
    method: run
    limits:
      memory: lots                 #! memory.*lots

  - name: handler
    kind: function.lua
    source: file://handler.lua
    method: handler

  - name: unknown_func
    kind: http.endpoint
    method: GET
    path: /there
    func: handlr                   #! app:handlr.*handler

  - name: bad_path
    kind: http.endpoint
    method: GET
    path: there                    #! path.*/
    func: handler

  - name: bad_method
    kind: http.endpoint
    method: FETCH                  #! FETCH.*GET
    path: /there
    func: handler
"""

WRONG_LINES = [
    (number, line.split("#! ")[1])
    for number, line in enumerate(YAML.splitlines(), start=1)
    if "#! " in line
]


FILES = {"_index.yaml": YAML, "hub.lua": HUB, "broken.lua": BROKEN, "handler.lua": HANDLER}


@pytest.fixture
def broken(application):
    return application(FILES)


@pytest.fixture
def good(application):
    return application({
        "_index.yaml": YAML.split("  - name: unknown_key")[0]
        + "  - name: service\n    kind: process.service\n    process: hub\n"
        + "    host: system:processes\n    lifecycle: { auto_start: true }\n",
        "hub.lua": HUB,
    })


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return command("check", folder)


@pytest.mark.parametrize("number, mention", WRONG_LINES)
def test_each_mistake_is_reported_with_file_and_line(report, number, mention):
    lines = [line for line in report.stderr.splitlines() if f"_index.yaml:{number}" in line]
    assert lines, f"nothing about _index.yaml:{number} in:\n{report.stderr}"
    assert any(re.search(mention, line) for line in lines), lines


def test_bad_lua_syntax_is_reported_with_the_lua_file_and_line(report):
    assert re.search(r"broken\.lua:2\b", report.stderr)


def test_nothing_is_reported_about_entries_without_a_mistake(report):
    reported = {int(n) for n in re.findall(r"(?m)^\S*_index\.yaml:(\d+)", report.stderr)}
    bad_syntax_entry = {n for n, line in enumerate(YAML.splitlines(), 1) if "broken.lua" in line
                        or "bad_syntax" in line}
    assert reported - {number for number, _ in WRONG_LINES} <= bad_syntax_entry


def test_check_of_a_broken_application_ends_with_2(report):
    assert report.returncode == 2


def test_run_of_a_broken_application_ends_with_2_and_starts_nothing(broken):
    run = command("run", broken, "--listen", "127.0.0.1:0")
    assert run.returncode == 2
    assert "listening on" not in run.stderr
    assert run.stdout == ""
    for number, _ in WRONG_LINES:
        assert f"_index.yaml:{number}" in run.stderr


def test_check_of_a_good_application_ends_with_0_and_starts_nothing(good):
    check = command("check", good)
    assert check.returncode == 0, check.stderr
    assert "listening on" not in check.stderr
    assert "started" not in check.stdout


@pytest.mark.parametrize("folder", [REPOSITORY / "examples/chat", probe.FOLDER],
                         ids=["examples/chat", "probe"])
def test_our_own_applications_are_good(folder):
    check = command("check", folder)
    assert check.returncode == 0, check.stderr


def test_yaml_that_cannot_be_read_is_reported_with_its_line(application):
    folder = application({"_index.yaml": 'version: "1.0"\nnamespace: app\nentries:\n  - name: [\n'})
    check = command("check", folder)
    assert check.returncode == 2
    assert re.search(r"_index\.yaml:[45]\b", check.stderr)


def test_a_source_outside_the_application_is_refused(application):
    folder = application({
        "_index.yaml": "namespace: app\nentries:\n  - name: hub\n    kind: process.lua\n"
        "    source: file://../../hub.lua\n    method: run\n",
    })
    check = command("check", folder)
    assert check.returncode == 2
    assert "_index.yaml:5" in check.stderr


def test_an_empty_folder_is_a_broken_application(tmp_path):
    check = command("check", tmp_path)
    assert check.returncode == 2
    assert "_index.yaml" in check.stderr


def test_a_folder_that_is_not_there_is_named(tmp_path):
    check = command("check", tmp_path / "nowhere")
    assert check.returncode != 0
    assert "nowhere" in check.stderr


def test_many_namespaces_in_many_folders_are_one_application(application):
    folder = application({
        "_index.yaml": "namespace: app\nentries:\n  - name: service\n    kind: process.service\n"
        "    process: app.hubs:hub\n    host: system:processes\n",
        "hubs/_index.yaml": "namespace: app.hubs\nentries:\n  - name: hub\n    kind: process.lua\n"
        "    source: file://hub.lua\n    method: run\n",
        "hubs/hub.lua": HUB,
    })
    check = command("check", folder)
    assert check.returncode == 0, check.stderr


def test_an_override_of_an_unknown_entry_or_field_is_an_error(good):
    entry = command("check", good, "--set", "app:hubb.limits.memory=1MiB")
    assert entry.returncode == 2 and "app:hubb" in entry.stderr
    field = command("check", good, "--set", "app:hub.limits.memry=1MiB")
    assert field.returncode == 2 and "memry" in field.stderr and "memory" in field.stderr


def test_check_leaves_ports_alone(good):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        (good / "gateway.yaml").write_text(
            "namespace: web\nentries:\n  - name: gateway\n    kind: http.service\n"
            f'    addr: "127.0.0.1:{taken.getsockname()[1]}"\n'
        )
        check = command("check", good)
    assert check.returncode == 0, check.stderr


# --- addresses -----------------------------------------------------------------------------------

TWO = """namespace: app
entries:
  - { name: one, kind: http.service, addr: "%s", lifecycle: { auto_start: true } }
  - name: two
    kind: http.service
    addr: "%s"
    lifecycle: { auto_start: %s }
"""


@pytest.mark.parametrize("first, second", [
    ("127.0.0.1:9001", "127.0.0.1:9001"), (":9001", "127.0.0.1:9001"), ("localhost:9001", "127.0.0.1:9001"),
    ("127.0.0.1:9001", "0.0.0.0:9001"), ("[::1]:9001", "[::1]:9001"),
])
def test_two_gateways_that_start_cannot_share_an_address(application, first, second):
    done = command("check", application({"_index.yaml": TWO % (first, second, "true")}))
    assert done.returncode == 2
    assert re.search(r"_index\.yaml:6: app:two: addr: .*app:one as well \(.*_index\.yaml:3\)", done.stderr), \
        done.stderr


@pytest.mark.parametrize("first, second, starts", [
    ("127.0.0.1:9001", "127.0.0.1:9001", "false"), ("127.0.0.1:0", "127.0.0.1:0", "true"),
    ("127.0.0.1:9001", "127.0.0.1:9002", "true"), ("127.0.0.1:9001", "127.0.0.2:9001", "true"),
    ("[::1]:9001", "127.0.0.1:9001", "true"),
])
def test_gateways_with_addresses_of_their_own_are_right(application, first, second, starts):
    done = command("check", application({"_index.yaml": TWO % (first, second, starts)}))
    assert done.returncode == 0, done.stderr


def test_an_address_of_the_implicit_gateway_is_told_where_the_application_has_it(application):
    yaml = TWO % ("127.0.0.1:8082", "127.0.0.1:9001", "true")
    yaml += "  - { name: f, kind: function.lua, source: file://f.lua }\n" \
            "  - { name: f.get, kind: http.endpoint, path: /f, func: f }\n"
    done = command("check", application({"_index.yaml": yaml, "f.lua": HANDLER}))
    assert done.returncode == 2
    assert re.search(r"_index\.yaml:3: app:one: addr: .*system:gateway as well", done.stderr), done.stderr
