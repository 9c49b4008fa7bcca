"""What every system test may ask for."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import pow_app  # noqa: E402
import probe  # noqa: E402
from natterjack import Natterjack, end  # noqa: E402


@pytest.fixture
def serve():
    """serve(folder, *options) -> a running server, ended after the test."""
    running = []

    def start(folder, *arguments, **options):
        running.append(Natterjack(folder, *arguments, **options))
        return running[-1]

    yield start
    for server in running:
        end(server.process)


@pytest.fixture
def serve_probe(serve):
    """serve_probe(*options) -> a running server of the probe application."""
    return lambda *arguments: serve(probe.FOLDER, *arguments)


@pytest.fixture(scope="module")
def probe_server():
    """One probe application for a whole file: for tests that leave its hubs as they found them."""
    with Natterjack(probe.FOLDER) as server:
        yield server


@pytest.fixture
def watcher(probe_server):
    """A client of the shared application to which the first hub reports."""
    with probe.Probe(probe_server) as client:
        yield client.watch()


@pytest.fixture
def application(tmp_path):
    """application({name: text}) -> a folder with these files."""

    def make(files, name="application"):
        folder = tmp_path / name
        shutil.rmtree(folder, ignore_errors=True)
        for file, text in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return make


@pytest.fixture
def serve_jobs(serve, application):
    """serve_jobs(*entries of pow_app, files, options) -> a running server that offers them."""

    def start(*entries, files=None, options=()):
        text = "namespace: app\nentries:\n" + pow_app.GATEWAY + "".join(entries)
        return serve(application({"_index.yaml": text, **(files or {})}), *options)

    return start
