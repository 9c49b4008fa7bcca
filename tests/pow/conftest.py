"""What every POW test may ask for: a server with the options it needs."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from natterjack import end  # noqa: E402
from pow_client import PowServer  # noqa: E402


@pytest.fixture
def serve():
    """serve(*options, call_timeout=...) -> a running `natterjack pow`, ended after the test."""
    running = []

    def start(*options, **more):
        running.append(PowServer(*options, **more))
        return running[-1]

    yield start
    for server in running:
        end(server.process)


@pytest.fixture(scope="module")
def server():
    """One server with defaults and a few commands, for a whole file."""
    commands = {
        "cat": "cat",
        "sh": "sh -c {1}",
        "args": "printf '[%s]' {1} {*}",
        "fail": "sh -c 'echo before; exit 3'",
        "stubborn": "sh -c \"trap '' TERM; echo ready; while :; do sleep 0.1; done\"",
    }
    options = [f"--exec={name}={command}" for name, command in commands.items()]
    with PowServer(*options) as running:
        yield running
