"""What every test of the documents may ask for."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from natterjack import Natterjack  # noqa: E402


@pytest.fixture
def serve():
    """serve(folder, *options) -> a running server, ended after the test."""
    running = []

    def start(folder, *arguments):
        running.append(Natterjack(folder, *arguments))
        return running[-1]

    yield start
    for server in running:
        server.kill()


@pytest.fixture
def write(tmp_path):
    """write(name, {file: text}) -> the folder `name` with these files."""

    def make(name, files):
        for file, text in files.items():
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / name

    return make
