"""The project's documents, and the code blocks in them that say how they are tested.

A comment on the line before a block is its mark; Markdown does not show it:

    <!-- run: NAME -->          Lua that runs inside a process; each `--> text` is a line it prints
    <!-- app: NAME FILE -->     a file of an application; `natterjack check` finds nothing wrong
                                (beside `run: NAME`: a further process.lua, `app:FILE` without .lua)
    <!-- mistakes: NAME -->     what `natterjack check NAME` says about an application that is wrong
    <!-- quote: FILE -->        stands in that file of the repository, word for word; lines such as
                                `# ...` or `-- ...` stand for what is left out
    <!-- project: NAME FILE -->  a file of a C++ project that is built against the installed package;
                                several blocks of one file stand one behind the other
    <!-- heard: ENDPOINT TOPIC -->  the payload of a message, see test_relay_protocol.py
    <!-- not run: WHY -->       none of these
"""

import re
from collections import defaultdict
from dataclasses import dataclass

from natterjack import REPOSITORY

MARKS = {"run": 1, "app": 2, "project": 2, "mistakes": 1, "quote": 1, "heard": 2, "not run": None}
TESTED_LANGUAGES = {"lua", "yaml", "cpp", "cmake"}


@dataclass(frozen=True)
class Block:
    document: str  # path below the repository
    line: int  # of the fence
    language: str
    mark: str  # empty: none
    words: tuple
    text: str

    def __str__(self):
        return f"{self.document}:{self.line}"


def paths():
    """Every document of the project, sorted; what tools fetched or built is left out."""
    left_out = {"build", "node_modules", "venv"}
    found = (path.relative_to(REPOSITORY) for path in REPOSITORY.rglob("*.md"))
    return sorted(
        str(path) for path in found
        if not any(part in left_out or part.startswith(".") for part in path.parts)
    )


def read(document):
    return (REPOSITORY / document).read_text()


def blocks_of(document):
    """The fenced blocks of one document, in order."""
    found, mark, fence = [], ("", ()), None
    for number, line in enumerate(read(document).splitlines(), start=1):
        if fence:
            if line.strip() == "```":
                found.append(Block(document, fence[0], fence[1], *mark, "".join(fence[2])))
                mark, fence = ("", ()), None
            else:
                fence[2].append(line + "\n")
        elif line.startswith("```"):
            fence = (number, line[3:].strip(), [])
        elif comment := re.fullmatch(r"<!-- ([a-z ]+): (.+) -->", line):
            words = tuple(comment[2].split())
            assert comment[1] in MARKS, f"{document}:{number}: no mark {comment[1]!r}"
            wanted = MARKS[comment[1]]
            assert wanted in (None, len(words)), f"{document}:{number}: {wanted} words expected"
            mark = (comment[1], words)
        elif line.strip():
            assert not mark[0], f"{document}:{number}: a block was expected behind the mark"
    assert not fence, f"{document}:{fence and fence[0]}: the block has no end"
    return found


def blocks(mark=None):
    """All blocks of all documents, or those with this mark."""
    return [block for document in paths() for block in blocks_of(document)
            if mark in (None, block.mark)]


def applications():
    """{(document, name): {file: text}} of all `app` blocks."""
    found = defaultdict(dict)
    for block in blocks("app"):
        name, file = block.words
        files = found[block.document, name]
        assert file not in files, f"{block}: {file} of {name} was given before"
        files[file] = block.text
    return dict(found)


def project(name):
    """{file: text} of the `project` blocks of this name."""
    found = defaultdict(str)
    for block in blocks("project"):
        if block.words[0] == name:
            found[block.words[1]] += block.text
    return dict(found)
