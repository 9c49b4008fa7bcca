"""Every function of the Lua modules, called by scripts: the suites of lua_api/, one test for each line."""

import re
from pathlib import Path

import pytest

from natterjack import Natterjack, command

FOLDER = Path(__file__).parent / "lua_api"


def suites():
    """{suite: [name of each test]}, as the Lua files say."""
    found = {}
    for file in sorted(FOLDER.glob("*.lua")):
        text = file.read_text()
        if suite := re.search(r'check\.run\("(\w+)"', text):
            names = re.findall(r'(?m)^(?:    |table\.insert\(tests, )\{ "(.+?)", function', text)
            names += [name + ", in memory and in a database"
                      for name in re.findall(r'(?m)^    both\("(.+?)", function', text)]
            found[suite[1]] = names
    return found


@pytest.fixture(scope="module")
def printed():
    """What all suites printed: {test: (held, why not)}."""
    with Natterjack(FOLDER) as server:
        for suite in suites():
            server.stdout.wait_for(rf"^finished {suite}$", timeout=60)
        lines = re.findall(r"(?m)^(held|FAILED)\|(.*?)\|(.*)$", server.stdout.text())
        log = server.stderr.text()
    return {name: (state, why or log[-2000:]) for state, name, why in lines}


def test_the_application_has_no_mistakes():
    check = command("check", FOLDER)
    assert (check.returncode, check.stderr) == (0, "")


@pytest.mark.parametrize("suite, name", [(s, n) for s, names in suites().items() for n in names])
def test_it_holds(printed, suite, name):
    state, why = printed[f"{suite}: {name}"]
    assert state == "held", why
