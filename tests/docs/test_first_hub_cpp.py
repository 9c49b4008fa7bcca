"""The first hub of docs/cpp.md, made as the page says: written down, built, tested, run.

NATTERJACK_PREFIX names an installed package; ctest runs this as docs_first_hub_cpp.
"""

import os
import subprocess

import pytest

from documents import project
from natterjack import Natterjack
from raw_ws import RawWebSocket

PREFIX = os.environ.get("NATTERJACK_PREFIX")
pytestmark = pytest.mark.skipif(not PREFIX, reason="needs NATTERJACK_PREFIX")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("poll")
    for file, text in project("poll").items():
        path = made / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for command in (["cmake", "-B", "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={PREFIX}"],
                    ["cmake", "--build", "build"]):
        done = subprocess.run(command, cwd=made, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
    return made


def test_its_own_test_passes(folder):
    done = subprocess.run([folder / "build/poll_test"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_does_what_the_page_says(folder, monkeypatch):
    monkeypatch.setenv("NATTERJACK_BIN", str(folder / "build/poll"))
    with Natterjack(folder / "app") as server:
        client = RawWebSocket(server.port, "/api/v1/poll")
        assert client.read_data().payload.decode() == (
            '{"topic":"result","data":{"frogs":0,"newts":0,"toads":0}}')
        client.send_text('{"choice": "toads"}')
        assert client.read_topic("result") == {"frogs": 0, "newts": 0, "toads": 1}
        client.send_text("nonsense")
        assert client.read_topic("problem").startswith("no JSON")
        client.send_text('{"choice": "toads"}')
        assert client.read_topic("problem").startswith("one vote each")


def test_check_finds_nothing_wrong(folder):
    done = subprocess.run([folder / "build/poll", "check", "app"], cwd=folder,
                          capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
