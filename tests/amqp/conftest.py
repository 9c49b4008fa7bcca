"""One broker for all tests of a run; tests that break brokers start their own."""

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from broker import Broker  # noqa: E402
from exchange import Exchange, FakeActor  # noqa: E402
from natterjack import end  # noqa: E402
from programs import Clu, Console  # noqa: E402


def pytest_configure():
    # Whoever ends the run by a signal ends its brokers, too.
    def end(*_):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.exit("terminated")

    signal.signal(signal.SIGTERM, end)


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    with Broker(tmp_path_factory.mktemp("rabbitmq")) as running:
        yield running


@pytest.fixture(scope="module")
def mortal_broker(tmp_path_factory):
    with Broker(tmp_path_factory.mktemp("mortal")) as running:
        yield running


@pytest.fixture
def own_broker(mortal_broker):
    """A broker to be killed, paused or filled; whole again for the next test."""
    yield mortal_broker
    mortal_broker.resume()
    if not mortal_broker.is_listening():
        mortal_broker.revive()


@pytest.fixture
def exchange(broker):
    with Exchange(broker.port) as one:
        yield one


@pytest.fixture
def actor(exchange):
    """actor(name, answer) -> a fake CLU actor."""
    return lambda name="alpha", answer=None: FakeActor(exchange, name, answer)


@pytest.fixture
def clu(broker):
    """clu(*options) -> a running bridge."""
    running = []

    def start(*arguments, **options):
        running.append(Clu(broker.port, *arguments, **options))
        return running[-1]

    yield start
    for one in running:
        end(one.process)


@pytest.fixture
def bridge(clu):
    """A bridge with no options."""
    return clu()


@pytest.fixture
def console(broker):
    with Console(broker.port) as one:
        yield one
