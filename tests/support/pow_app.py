"""Applications with jobs, and clients of them, for whoever tests `pow.*` entries."""

import json
import os
import sys
import time

from natterjack import DEADLINE_S, REPOSITORY
from raw_http import request

sys.path.append(str(REPOSITORY / "tests/pow"))
from pow_client import PowSocket  # noqa: E402

GATEWAY = """
  - name: gw
    kind: http.service
    addr: 127.0.0.1:0
    lifecycle: { auto_start: true }
"""


def job(lua, name="job", **fields):
    """A pow.lua entry whose function body is `lua`, and a service that offers it."""
    more = "".join(f"    {key}: {value}\n" for key, value in fields.items())
    body = "\n".join("      " + line for line in lua.strip("\n").splitlines())
    return f"""
  - name: {name}
    kind: pow.lua
{more}    source: |
      return {{run = function(job, ...)
{body}
      end}}
"""


def service(jobs="job: job", limits="{}", **fields):
    # A test that is held up for a second has not failed to call.
    fields["limits"] = "{ call_time: 20s, " + limits.lstrip("{ ")
    more = "".join(f"    {key}: {value}\n" for key, value in fields.items())
    return f"""
  - name: jobs
    kind: pow.service
    server: gw
    jobs: {{ {jobs} }}
{more}"""


def call(server, name="job", params=None, path="/pow/", **headers):
    ws = PowSocket(server.port, path=path, headers={"Sec-WebSocket-Protocol": "pow-1", **headers})
    ws.send_call(name, params)
    return ws


def result_of(server, name="job", params=None, **options):
    """All output and the result of a job that needs no input."""
    return call(server, name, params, **options).read_output_and_result()


def rest(server, method, path, body=None, headers=None):
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return request(server.port, method, "/pow/" + path, headers, data)


def rest_result(server, process):
    """Polls until the job has ended; returns its status document."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        status = json.loads(rest(server, "GET", f"status/{process}").body)
        if status["result"]["status"] != "pending":
            return status
    raise AssertionError(f"still pending: {status}")


def children(server):
    found = []
    for task in os.listdir(f"/proc/{server.process.pid}/task"):
        try:
            with open(f"/proc/{server.process.pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
        except OSError:
            continue  # that thread has just ended
    return found


def until(condition, what, seconds=DEADLINE_S):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)
