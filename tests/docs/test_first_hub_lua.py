"""The first hub of docs/first-hub.md does what the page says."""

import pytest

from documents import applications
from raw_http import get
from raw_ws import RawWebSocket, Refused


@pytest.fixture
def poll(write, serve):
    return serve(write("poll", applications()["docs/first-hub.md", "poll"]))


def test_votes_are_counted_once_and_told_to_all(poll):
    ada = RawWebSocket(poll.port, "/api/v1/poll?name=ada")
    bufo = RawWebSocket(poll.port, "/api/v1/poll?name=bufo")
    assert ada.read_json() == {"topic": "result", "data": {"frogs": 0, "newts": 0, "toads": 0}}
    bufo.read_topic("result")
    ada.send_text('{"choice": "toads"}')
    for client in (ada, bufo):
        assert client.read_topic("result") == {"frogs": 0, "newts": 0, "toads": 1}
    for nonsense in ('{"choice": "toads"}', '{"choice": "bats"}', "nonsense", "5", "{}"):
        ada.send_text(nonsense)
        assert ada.read_topic("problem").startswith("one vote each")


def test_who_has_no_name_is_refused(poll):
    with pytest.raises(Refused) as refused:
        RawWebSocket(poll.port, "/api/v1/poll")
    assert refused.value.status == 400
    assert get(poll.port, "/healthz").status == 200
