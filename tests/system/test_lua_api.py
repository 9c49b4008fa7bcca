"""Every function of the Lua modules, called by scripts: the suites of lua_api/, one test for each line."""

import re
import shutil
from pathlib import Path

import pytest

from metrics import scrape
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
def folder(tmp_path_factory):
    """A copy of the application, since it writes files; one link in it leads out."""
    copy = tmp_path_factory.mktemp("lua_api") / "app"
    shutil.copytree(FOLDER, copy)
    (copy / "files").mkdir()
    (copy / "files/out").symlink_to("/etc")
    return copy


@pytest.fixture(scope="module")
def ran(folder):
    """What all suites printed, {test: (held, why not)}, and the metrics afterwards."""
    with Natterjack(folder) as server:
        for suite in suites():
            server.stdout.wait_for(rf"^finished {suite}$", timeout=60)
        lines = re.findall(r"(?m)^(held|FAILED)\|(.*?)\|(.*)$", server.stdout.text())
        log = server.stderr.text()
        metrics = scrape(server.port)
    return {name: (state, why or log[-2000:]) for state, name, why in lines}, metrics


@pytest.fixture(scope="module")
def printed(ran):
    return ran[0]


def test_the_application_has_no_mistakes():
    check = command("check", FOLDER)
    assert (check.returncode, check.stderr) == (0, "")


@pytest.mark.parametrize("suite, name", [(s, n) for s, names in suites().items() for n in names])
def test_it_holds(printed, suite, name):
    state, why = printed[f"{suite}: {name}"]
    assert state == "held", why


def test_metrics_of_scripts_are_where_prometheus_looks(ran):
    metrics = ran[1]
    assert metrics.value("orders_total", kind="web") == 3.5
    assert metrics.value("orders_total") == 1
    assert metrics.value("queue_depth") == 7
    assert metrics.value("shop_orders_total", sold_by="web") == 2
    labels = {"step": 'a "b"', "n": "3", "deep": "true"}
    assert metrics.value("work_seconds_bucket", le="0.025", **labels) == 1
    assert metrics.value("work_seconds_bucket", le="+Inf", **labels) == 2
    assert metrics.value("work_seconds_sum", **labels) == 60.02
    assert metrics.families["orders"].type == "counter"


def test_an_expression_that_cannot_be_read_is_told_with_its_line(write_app):
    check = write_app("""\
namespace: app
entries:
  - name: owners
    kind: security.policy.expr
    policy:
      expression: actor.id = meta.owner
""")
    assert check.returncode == 2
    assert ('_index.yaml:6: app:owners: policy.expression: unexpected "=" at column 10; '
            "expected a condition such as actor.id == meta.owner") in check.stderr


@pytest.fixture
def write_app(tmp_path):
    """Checks an application of one file."""
    def check(text):
        (tmp_path / "_index.yaml").write_text(text)
        return command("check", tmp_path)
    return check
