"""One server for all cases: the echo example, with the close codes of RFC 6455."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "support"))

from natterjack import REPOSITORY, Natterjack  # noqa: E402

STRICT = "system:gateway.limits.strict_close_codes=true"


@pytest.fixture(scope="session")
def echo_server():
    with Natterjack(REPOSITORY / "examples/echo", "--set", STRICT) as server:
        yield server
        assert server.is_alive(), server.stderr.text()
