"""The code in the documents runs, and does what they say."""

import re
import subprocess

import pytest

from documents import TESTED_LANGUAGES, applications, blocks, blocks_of, paths
from natterjack import REPOSITORY, binary
from raw_http import get

# Around a `run` block: a process of its own, which tells how the block ended.
PROCESS = """\
local function snippet()
%send
return { run = function()
  local good, problem = pcall(snippet)
  print(good and "(end)" or "(failed) " .. tostring(problem))
end }
"""

ENTRIES = """\
namespace: app
entries:
  - name: gateway
    kind: http.service
    addr: "127.0.0.1:0"
    lifecycle: { auto_start: true }
  - name: snippet.service
    kind: process.service
    process: snippet
    lifecycle: { auto_start: true }
"""

ENTRY = """\
  - name: %s
    kind: process.lua
    source: file://%s.lua
    modules: [ json, time, logger, http, pg, funcs, ctx, events, registry, env, store,
               sql, queue, security, io, system, http_client, websocket, uuid, base64, hash, crypto, compress, metrics, fs, yaml ]
"""

RUN = blocks("run")
APPLICATIONS = applications()
MISTAKES = {(block.document, block.words[0]): block for block in blocks("mistakes")}
COMPANIONS = {(block.document, block.words[0]) for block in RUN}
COMPLETE = sorted(set(APPLICATIONS) - COMPANIONS)


def test_documents_have_what_is_tested_here():
    assert RUN and COMPLETE and MISTAKES and blocks("quote")
    assert set(MISTAKES) <= set(COMPLETE)


@pytest.mark.parametrize("document", paths())
def test_every_block_of_code_says_how_it_is_tested(document):
    unmarked = [str(block) for block in blocks_of(document)
                if block.language in TESTED_LANGUAGES and not block.mark]
    assert unmarked == []


@pytest.mark.parametrize("block", RUN, ids=str)
def test_a_snippet_prints_what_it_says(block, write, serve):
    [name] = block.words
    companions = APPLICATIONS.get((block.document, name), {})
    yaml = ENTRIES + ENTRY % ("snippet", "snippet")
    if "_index.yaml" in companions:  # entries of its own, in a folder of their own
        companions = {f"more/{file}": text for file, text in companions.items()}
    for file in companions:
        if "/" in file:
            continue
        stem = file.removesuffix(".lua")
        yaml += ENTRY % (stem, stem)
    folder = write(name, {"_index.yaml": yaml, "snippet.lua": PROCESS % block.text, **companions})
    server = serve(folder)
    server.stdout.wait_for(r"^\((end|failed)\)")
    printed = server.stdout.text().splitlines()
    expected = [line.split("--> ", 1)[1] for line in block.text.splitlines() if "--> " in line]
    assert printed == expected + ["(end)"], server.stderr.text()


@pytest.mark.parametrize("document, name", COMPLETE)
def test_an_application_is_what_it_is_said_to_be(document, name, write):
    folder = write(name, APPLICATIONS[document, name])
    # From its parent, so that paths in messages are those of the document.
    check = subprocess.run([binary(), "check", name], cwd=folder.parent, capture_output=True,
                           text=True, timeout=30)
    wrong = MISTAKES.get((document, name))
    assert check.stderr == (wrong.text if wrong else "")
    assert check.returncode == (2 if wrong else 0)


@pytest.mark.parametrize("block", blocks("quote"), ids=str)
def test_a_quotation_is_true(block):
    [file] = block.words
    text = (REPOSITORY / file).read_text()
    at = 0
    for part in re.split(r"(?m)^ *(?:#|--) \.\.\.\n", block.text):
        found = text.find(part, at)
        assert found >= 0, f"{file} does not hold, behind what was quoted before:\n{part}"
        at = found + len(part)


def test_the_endpoint_of_the_lua_document_answers(write, serve):
    server = serve(write("greeting", APPLICATIONS["docs/lua.md", "greeting"]))
    answer = get(server.port, "/api/v1/greet/ada?loud=yes", {"Accept": "application/json"})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body == b'{"greeting":"HELLO ADA"}'
    assert get(server.port, "/api/v1/greet/0").status == 400
