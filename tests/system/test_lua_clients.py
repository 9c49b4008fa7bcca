"""Scripts that speak to servers: `http_client`, `websocket`, and forms that arrive in parts.

The application of lua_clients/ asks itself: one endpoint runs the test that its query names.
"""

import re
from pathlib import Path

import pytest

from natterjack import Natterjack
from raw_http import get

FOLDER = Path(__file__).parent / "lua_clients"
NAMES = re.findall(r"(?m)^        (\w+) = function\(\)", (FOLDER / "tests.lua").read_text())


@pytest.fixture(scope="module")
def server():
    with Natterjack(FOLDER) as running:
        yield running


@pytest.mark.parametrize("name", NAMES)
def test_it_holds(server, name):
    answer = get(server.port, f"/tests?name={name}&port={server.port}")
    assert (answer.status, answer.body) == (200, b"held"), server.stderr.text()[-3000:]
