"""What the reference pages list is what there is: kinds, fields, defaults, options, functions."""

import re

import pytest

from documents import paths, read
from natterjack import REPOSITORY, command

ENTRIES = read("docs/entries.md")
FRAME = {"name", "kind", "meta"}  # of every entry


def check_of(write, text):
    """What `natterjack check` says about one file of entries."""
    return command("check", write("app", {"_index.yaml": "namespace: app\nentries:\n" + text})).stderr


def words_behind(text, complaint):
    """The list in `COMPLAINT ...; expected one of: a, b, c`."""
    found = re.search(complaint + r".*?expected (?:one of: )?(.+)", text)
    return found[1].split(", ") if found else []


def section(title):
    """The text below this heading, up to the next one of its level or higher."""
    found = re.search(rf"(?ms)^(##+) {re.escape(title)}\n(.*?)(?=^#{{2,3}} |\Z)", ENTRIES)
    assert found, f"docs/entries.md has no section {title!r}"
    return found[2]


def names(text):
    """Words in backticks; `pool.workers` is two."""
    return {name for quoted in re.findall(r"`([\w.]+)`", text) for name in quoted.split(".")}


def kinds(write):
    found = words_behind(check_of(write, "  - { name: x, kind: nothing }\n"), "unknown kind")
    assert len(found) > 10
    return found


def fields(write, kind, path=()):
    """[path of each field] of a kind, sections included; found by asking for one that is not there."""
    inner = "{ zzz: 1 }"
    for step in reversed(path):
        inner = f"{{ {step}: {inner} }}"
    given = inner[1:-1]
    told = check_of(write, f"  - {{ name: x, kind: {kind}, {given} }}\n")
    found = []
    for name in words_behind(told, rf'unknown key "{".".join((*path, "zzz"))}"'):
        if path or name not in FRAME:
            found.append((*path, name))
            found += fields(write, kind, (*path, name))
    return found


def test_every_kind_has_a_section_with_every_field(write):
    shared = names(section("Life cycle")) | names(section("process.lua"))
    missing = []
    for kind in kinds(write):
        known = names(section(kind)) | shared
        missing += [f"{kind}: {'.'.join(path)}" for path in fields(write, kind)
                    if path[-1] not in known]
    assert missing == []


def defaults():
    """[(field, default)] as the schema of the kinds writes them."""
    files = sorted((REPOSITORY / "runtime/config/kinds").glob("*kind*.cpp"))
    source = "".join(file.read_text() for file in files)
    found = re.findall(r'(?:time|bytes|count|flag)\(\s*"(\w+)",\s*"([^"]+)"', source)
    assert len(found) > 30
    return found


@pytest.mark.parametrize("name, default", defaults())
def test_a_default_is_the_one_in_the_source(name, default):
    rows = re.findall(rf"(?m)^\| `(?:\w+\.)*{name}`.*", ENTRIES)
    assert any(f"| `{default}` |" in row for row in rows), rows


def test_the_bounds_of_the_protocol_are_those_of_the_entries():
    protocol = re.findall(r"(?m)^\| `(\w+)` \| (\S+) \|", section_of_protocol())
    entries = re.findall(r"(?m)^\| `(\w+)` \| `(\S+)` \|", section("http.service"))
    assert sorted(protocol) == sorted(entries)


def section_of_protocol():
    return read("docs/relay-protocol.md").split("\n## Bounds\n")[1].split("\n## ")[0]


def test_the_readme_lists_every_option_of_the_command_line():
    commands = ("run", "check", "init", "ps", "top", "send", "kill", "reload")
    text = command("--help").stdout + "".join(command(name, "--help").stdout for name in commands)
    options = set(re.findall(r"(?<!\S)(--?[a-z][\w-]*)", text)) - {"-h"}
    documented = set(re.findall(r"`(--?[a-z][\w-]*)", read("README.md")))
    assert options - documented == set()
    assert {word for word in documented if word.startswith("--")} <= options


LIST_NAMES = """\
return { run = function()
  local all = {}
  for _, name in ipairs({ "json", "time", "logger", "http", "pg", "amqp", "process", "channel", "payload",
                          "errors", "pubsub", "coroutine", "funcs", "ctx", "events", "registry",
                          "env", "store", "sql", "queue", "security", "io", "system", "http_client",
                          "websocket", "uuid", "base64", "hash", "crypto", "compress", "metrics", "fs", "yaml" }) do
    local library = require(name)
    for member in pairs(library) do
      table.insert(all, member)
    end
  end
  print("names " .. table.concat(all, " "))
end }
"""


def test_every_function_of_lua_is_listed(write, serve):
    folder = write("app", {"list.lua": LIST_NAMES, "_index.yaml": """\
namespace: app
entries:
  - { name: gateway, kind: http.service, addr: "127.0.0.1:0", lifecycle: { auto_start: true } }
  - { name: list, kind: process.lua, source: "file://list.lua", modules: [ json, time, logger, http, pg, amqp, funcs, ctx, events, registry, env, store, sql, queue, security, io, system, http_client, websocket, uuid, base64, hash, crypto, compress, metrics, fs, yaml ] }
  - { name: service, kind: process.service, process: list, lifecycle: { auto_start: true } }
"""})
    [(_, line)] = serve(folder).stdout.wait_for(r"^names (.*)")
    listed = set(re.findall(r"\w+", read("docs/lua.md")))
    assert [name for name in line[1].split() if name not in listed] == []


@pytest.mark.parametrize("document", paths())
def test_links_lead_somewhere(document):
    folder = (REPOSITORY / document).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", read(document)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (folder / file).resolve() if file else REPOSITORY / document
        assert linked.exists(), f"{document}: {target}"
        if anchor:
            headings = re.findall(r"(?m)^#+ (.+)$", linked.read_text())
            anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
            assert anchor in anchors, f"{document}: {target}"
