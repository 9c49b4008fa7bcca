"""TLS of a gateway: HTTPS, wss and events through it, certificates of clients, wrong certificates."""

import hashlib
import json
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

import probe
from certificates import Authority
from metrics import await_metrics
from natterjack import Natterjack, command
from raw_http import RawHttp
from raw_sse import SseClient
from raw_ws import RawWebSocket

YAML = """
namespace: app
entries:
  - name: gateway
    kind: http.service
    addr: 127.0.0.1:0
    tls: { mode: manual, cert: server.pem, key: server.key%s }
    lifecycle: { auto_start: true }
  - { name: api, kind: http.router, meta: { server: gateway }, middleware: [ websocket_relay, sse_relay ] }
  - { name: hub, kind: process.lua, source: file://hub.lua, method: run, modules: [ json ] }
  - { name: hub.service, kind: process.service, process: hub, lifecycle: { auto_start: true } }
  - { name: join, kind: function.lua, source: file://join.lua, method: handler, modules: [ http, json ] }
  - { name: join.get, kind: http.endpoint, meta: { router: api }, path: /join, func: join }
  - { name: events.get, kind: http.endpoint, meta: { router: api }, path: /events, func: join }
  - { name: upload.post, kind: http.endpoint, meta: { router: api }, method: POST, path: /upload, func: join }
  - { name: files, kind: fs.directory, directory: ./files }
  - { name: site, kind: http.static, meta: { server: gateway }, path: /files, fs: files }
"""

# Says everything back; `flood` sends that many texts of that size, `events` so many to the last stream.
HUB = """
function run()
  local stream
  process.registry.register("hub")
  local inbox, events = process.inbox(), process.events()
  while true do
    local result = channel.select({ inbox:case_receive(), events:case_receive() })
    if result.channel ~= inbox then return end
    local m = result.value
    if m:topic() == "ws.message" then
      local count, size = m:payload():data():match("^flood (%d+) (%d+)$")
      local events = m:payload():data():match("^events (%d+)$")
      if events then
        for i = 1, tonumber(events) do
          process.send(stream, "sse.message", { n = i, pad = string.rep("x", i * 37 % 311) })
        end
        process.send(m:from(), "sent", events)
      elseif count then
        local text = string.rep("x", tonumber(size))
        for i = 1, tonumber(count) do process.send(m:from(), "flood", text) end
      else
        process.send(m:from(), "echo", m:payload():data())
      end
    elseif m:topic() == "sse.join" then
      stream = m:from()
      process.send(stream, "sse.message", "hello")
    end
  end
end
return { run = run }
"""

JOIN = """
local http, json = require("http"), require("json")
return { handler = function()
  local req, res = http.request(), http.response()
  if req:method() == "POST" then return res:write_json({ size = #req:body() }) end
  local header = req:path() == "/join" and "X-WS-Relay" or "X-SSE-Relay"
  res:set_header(header, json.encode({ target_pid = process.registry.lookup("hub") }))
end }
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("tls"))
    made.issue("server")
    made.issue("ada", "ada")
    return made


def application(authority, more=""):
    folder = authority.folder
    (folder / "_index.yaml").write_text(YAML % more)
    (folder / "hub.lua").write_text(HUB)
    (folder / "join.lua").write_text(JOIN)
    (folder / "files").mkdir(exist_ok=True)
    (folder / "files/large.bin").write_bytes(b"0123456789" * 300_000)
    return folder


@pytest.fixture(scope="module")
def secure(authority):
    with Natterjack(application(authority)) as server:
        yield server


@pytest.fixture(scope="module")
def client(authority):
    return authority.client()


def test_the_log_says_https(secure):
    assert "listening on https://127.0.0.1:" in secure.stderr.text()


def test_requests_and_kept_connections(secure, client):
    with RawHttp(secure.port, tls=client) as connection:
        assert connection.socket.version() in ("TLSv1.2", "TLSv1.3")
        for _ in range(3):
            connection.ask("GET", "/healthz")
            assert connection.answer().body == b"ok\n"


def test_large_bodies_both_ways(secure, client):
    with RawHttp(secure.port, tls=client) as connection:
        connection.ask("POST", "/upload", body=b"u" * 1_000_000)
        assert json.loads(connection.answer().body) == {"size": 1_000_000}
        connection.ask("GET", "/files/large.bin")
        assert connection.answer().body == b"0123456789" * 300_000


def test_http_1_1_is_what_is_offered(secure, authority):
    context = authority.client()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with RawHttp(secure.port, tls=context) as connection:
        assert connection.socket.selected_alpn_protocol() == "http/1.1"


def test_a_websocket_through_tls(secure, client):
    with RawWebSocket(secure.port, "/join", tls=client) as ws:
        for text in ("one", "x" * 100_000, ""):
            ws.send_text(text)
            assert ws.read_topic("echo") == text
        ws.send_close(1000, "bye")
        with pytest.raises(Exception) as closed:
            ws.read_data()
        assert closed.value.code == 1000


def test_a_frame_that_comes_with_the_handshake(secure, client):
    from raw_ws import TEXT, encode_frame

    with RawWebSocket(secure.port, "/join", tls=client, pipelined=encode_frame(TEXT, b"early")) as ws:
        assert ws.read_topic("echo") == "early"


def test_a_flood_arrives_whole_and_in_time_with_others(secure, client):
    with RawWebSocket(secure.port, "/join", tls=client) as ws:
        ws.send_text("flood 60 100000")
        for _ in range(60):
            assert len(ws.read_topic("flood")) == 100_000


def test_a_client_that_vanishes_is_noticed(secure, client):
    ws = RawWebSocket(secure.port, "/join", tls=client)
    ws.send_text("hi")
    ws.read_topic("echo")
    ws.drop()
    with RawHttp(secure.port, tls=client) as connection:
        connection.ask("GET", "/healthz")
        assert connection.answer().status == 200


def test_events_through_tls(secure, client):
    stream = SseClient(secure.port, "/events", tls=client)
    assert stream.event() == ("sse.message", "hello")


def test_events_that_are_dropped_leave_the_others_whole(serve, authority, client):
    limits = {"outbox_policy": "drop_oldest", "outbox_soft_bytes": "100kB", "outbox_hard_bytes": "300kB",
              "outbox_soft_time": "1h", "message_bytes": "1KiB"}
    server = serve(application(authority), "--metrics", "127.0.0.1:0",
                   *(word for name, value in limits.items()
                     for word in ("--set", f"app:gateway.limits.{name}={value}")))
    [(_, metrics)] = server.wait_for(r"metrics on http://127\.0\.0\.1:(\d+)/metrics")
    stream = SseClient(server.port, "/events", tls=client, receive_buffer=4096)
    assert stream.event() == ("sse.message", "hello")
    talker = RawWebSocket(server.port, "/join", tls=client)
    count = 40_000
    talker.send_text(f"events {count}")
    assert talker.read_topic("sent", 60) == str(count)
    await_metrics(int(metrics[1]), lambda m: m.value("natterjack_outbox_dropped_total") > 100)
    seen = [0]
    while seen[-1] < count:  # the reader fails for chunks that are none
        event = stream.json("sse.message", 60)
        assert event["n"] > seen[-1] and event["pad"] == "x" * (event["n"] * 37 % 311)
        seen.append(event["n"])
    assert len(seen) < count


def test_an_upgrade_for_which_no_descriptor_is_left_is_refused(serve, authority, client):
    server = serve(application(authority))
    pid = server.process.pid
    with RawHttp(server.port, tls=client) as connection:
        connection.ask("GET", "/healthz")
        assert connection.answer().status == 200
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        connection.ask("GET", "/join", {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        assert connection.answer().status == 503
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    later = RawWebSocket(server.port, "/join", tls=client)
    later.send_text("still here")
    assert later.read_topic("echo") == "still here"


def test_plain_http_is_told_that_the_port_speaks_https(secure):
    with RawHttp(secure.port) as connection:
        connection.ask("GET", "/healthz")
        answer = connection.answer()
        assert (answer.status, answer.body) == (400, b"this port speaks HTTPS: use https://\r\n")
        assert connection.at_end()


def test_sigterm_ends_tls_clients_politely(authority, client):
    with Natterjack(application(authority), "--drain-window", "10ms") as server:
        ws = RawWebSocket(server.port, "/join", tls=client)
        ending = threading.Thread(target=server.stop)
        ending.start()
        with pytest.raises(Exception) as closed:
            ws.read_data()
        assert closed.value.code == 1001
        ws.shut()
        ending.join()
        assert server.process.returncode == 0


# --- certificates of clients ---------------------------------------------------------------------


@pytest.mark.parametrize("auth, shows, comes_in", [
    ("require_and_verify", None, False), ("require_and_verify", "ada", True),
    ("require_and_verify", "stranger", False), ("verify_if_given", None, True),
    ("verify_if_given", "stranger", False), ("require", "stranger", True), ("require", None, False),
    ("request", None, True), ("request", "stranger", True),
])
def test_what_is_asked_of_clients(authority, tmp_path, auth, shows, comes_in):
    if shows == "stranger":
        other = Authority(tmp_path, "other")
        other.issue("stranger")
        for file in ("stranger.pem", "stranger.key"):
            shutil.copy(tmp_path / file, authority.folder / file)
    with Natterjack(application(authority, f", client_ca: ca.pem, client_auth: {auth}")) as server:
        answered = False
        try:
            with RawHttp(server.port, tls=authority.client(shows)) as connection:
                connection.ask("GET", "/healthz")
                answered = connection.answer().status == 200
        except (ssl.SSLError, EOFError, ConnectionError, socket.timeout):
            pass
        assert answered == comes_in


# --- mistakes ------------------------------------------------------------------------------------


def broken(authority, tmp_path, change):
    folder = tmp_path / "application"
    shutil.copytree(application(authority), folder)
    (folder / "_index.yaml").write_text((YAML % "").replace(*change))
    (folder / "empty").write_text("")
    return folder


@pytest.mark.parametrize("change, text", [
    (("cert: server.pem", "cert: nowhere.pem"), "tls.cert"),
    ((", key: server.key", ""), "tls.key is missing"),
    (("mode: manual", "mode: automatic"), "tls.mode"),
    (("cert: server.pem", "cert: file://hub.lua"), "tls.cert: hub.lua holds no PEM certificate\n"),
    (("cert: server.pem", "cert: file://empty"), "tls.cert: empty holds no PEM certificate\n"),
    (("key: server.key", "key: file://hub.lua"), "tls.key: hub.lua holds no PEM key\n"),
    (("key: server.key", "key: server.key, client_auth: verify_if_given"), "tls.client_ca is missing"),
    (("key: server.key", "key: server.key, client_auth: maybe"), "tls.client_auth"),
])
def test_the_check_finds_what_is_missing(authority, tmp_path, change, text):
    done = command("check", broken(authority, tmp_path, change))
    assert done.returncode == 2
    assert text in done.stderr, done.stderr


@pytest.mark.parametrize("change, text", [
    (("key: server.key", "key: ada.key"), "is not the key of tls.cert"),
    (("cert: server.pem", "cert: hub.lua"), "holds no certificate"),
    (("cert: server.pem", "cert: torn.pem"), "tls.cert: "),
    (("key: server.key", "key: server.pem"), "holds no private key"),
    (("key: server.key", "key: locked.key"), "holds no private key without a passphrase"),
    (("key: server.key", "key: server.key, client_auth: request, client_ca: hub.lua"),
     "tls.client_ca: "),
])
@pytest.mark.parametrize("how", ["check", "run"])
def test_certificates_are_opened_by_the_check(authority, tmp_path, change, text, how):
    folder = broken(authority, tmp_path, change)
    (folder / "torn.pem").write_text((folder / "server.pem").read_text().replace("MII", "nothing"))
    subprocess.run(["openssl", "ec", "-in", "server.key", "-out", "locked.key", "-aes256", "-passout",
                    "pass:secret"], cwd=folder, check=True, capture_output=True)
    done = command(how, folder)
    assert done.returncode == 2
    assert re.search(r"_index\.yaml:7: app:gateway: " + text.split(":")[0], done.stderr) or \
        re.search(r"_index\.yaml:7: app:gateway: tls\.", done.stderr), done.stderr
    assert text in done.stderr, done.stderr


def test_all_that_is_wrong_with_certificates_is_told_at_once(authority, tmp_path):
    done = command("check", broken(authority, tmp_path, (
        "cert: server.pem, key: server.key",
        "cert: hub.lua, key: hub.lua, client_ca: hub.lua, client_auth: request")))
    for field in ("cert", "key", "client_ca"):
        assert f"tls.{field}: " in done.stderr, done.stderr


def test_a_certificate_out_of_its_time_is_a_warning(authority, tmp_path):
    folder = broken(authority, tmp_path, ("server.pem", "late.pem"))
    subprocess.run(["openssl", "req", "-new", "-key", "server.key", "-subj", "/CN=late", "-out", "late.csr"],
                   cwd=folder, check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-req", "-in", "late.csr", "-signkey", "server.key", "-days", "0",
                    "-out", "late.pem"], cwd=folder, check=True, capture_output=True)
    done = command("check", folder)
    assert done.returncode == 0, done.stderr
    assert re.search(r"warning: .*_index\.yaml:7: app:gateway: tls\.cert: certificate 1 has expired on "
                     r"\d{4}-\d\d-\d\d", done.stderr), done.stderr


# --- a certificate of its own making ---------------------------------------------------------------


@pytest.fixture
def own(application_of_its_own, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return application_of_its_own


@pytest.fixture
def application_of_its_own(authority, tmp_path):
    return broken(authority, tmp_path, ("mode: manual, cert: server.pem, key: server.key", "mode: auto"))


def kept(server):
    """The file that the log names."""
    [(_, match), *_] = server.wait_for(r"warning app:gateway: tls\.mode auto: .*it is kept in (\S+\.pem)\.")
    return Path(match[1])


def test_mode_auto_makes_a_certificate_and_says_so(own, tmp_path):
    with Natterjack(own) as server:
        file = kept(server)
        assert file.is_relative_to(tmp_path / "state/natterjack/tls")
        assert file.stat().st_mode & 0o777 == 0o600
        trusting = ssl.create_default_context(cafile=str(file))
        with RawHttp(server.port, tls=trusting) as connection:
            connection.ask("GET", "/healthz")
            assert connection.answer().status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            RawHttp(server.port, tls=ssl.create_default_context())
        digest = hashlib.sha256(shown(server, trusting)).hexdigest().upper()
        assert ":".join(digest[i:i + 2] for i in range(0, 64, 2)) in server.stderr.text()


def test_the_certificate_is_the_same_after_a_restart_and_a_reload(own):
    with Natterjack(own) as server:
        file = kept(server)
        first = shown(server, ssl.create_default_context(cafile=str(file)))
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("reload: nothing has changed")
    with Natterjack(own) as server:
        assert shown(server, ssl.create_default_context(cafile=str(file))) == first


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nbroken\n"])
def test_a_kept_certificate_that_is_no_good_is_made_anew(own, content):
    with Natterjack(own) as server:
        file = kept(server)
    file.write_text(content)
    with Natterjack(own) as server:
        assert shown(server, ssl.create_default_context(cafile=str(kept(server))))


def test_without_a_place_for_it_the_certificate_lasts_as_long_as_the_node(own, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with Natterjack(own) as server:
        server.wait_for("tls.mode auto: .*it cannot be kept, so the next start makes another one")
        careless = ssl._create_unverified_context()
        first = shown(server, careless)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("reload: nothing has changed")
        assert shown(server, careless) == first


def test_what_mode_auto_does_not_need_is_a_warning(authority, tmp_path):
    done = command("check", broken(authority, tmp_path, ("mode: manual", "mode: auto")))
    assert done.returncode == 0, done.stderr
    for field in ("cert", "key"):
        assert re.search(rf"warning: .*:7: app:gateway: tls\.{field} has no effect", done.stderr)


# --- another certificate -------------------------------------------------------------------------


def shown(server, client):
    with RawHttp(server.port, tls=client) as connection:
        connection.ask("GET", "/healthz")
        assert connection.answer().status == 200
        return connection.socket.getpeercert(binary_form=True)


def test_a_reload_shows_the_new_certificate_to_new_clients(tmp_path):
    authority = Authority(tmp_path)
    authority.issue("server")
    client = authority.client()
    with Natterjack(application(authority)) as server, RawHttp(server.port, tls=client) as old:
        first = shown(server, client)
        authority.issue("server")
        assert shown(server, client) == first  # nobody has said anything yet
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("app:gateway has a new certificate")
        second = shown(server, client)
        assert second != first
        old.ask("GET", "/healthz")
        assert old.answer().status == 200

        (tmp_path / "server.pem").write_text("nonsense")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("reload: .*_index.yaml:7: app:gateway: tls.cert: .*holds no certificate")
        assert shown(server, client) == second

        authority.issue("server")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("app:gateway has a new certificate", times=2)
        assert shown(server, client) not in (first, second)


def test_a_certificate_read_into_the_entry_is_exchanged_without_a_note(tmp_path):
    authority = Authority(tmp_path)
    authority.issue("server")
    folder = application(authority)
    index = folder / "_index.yaml"
    index.write_text(index.read_text().replace("cert: server.pem", "cert: file://server.pem")
                     .replace("key: server.key", "key: file://server.key"))
    with Natterjack(folder) as server:
        authority.issue("server")
        for round_ in ("app:gateway has a new certificate", "nothing has changed"):
            server.process.send_signal(signal.SIGHUP)
            server.wait_for("reload: " + round_)
        assert "next start" not in server.stderr.text()


# --- names ---------------------------------------------------------------------------------------


def test_a_name_is_looked_up(serve):
    server = serve(probe.FOLDER, "--set", "system:gateway.addr=localhost:0", listen="localhost:0")
    assert server.host == "127.0.0.1"


def test_a_name_that_nobody_knows_ends_the_start():
    done = command("run", probe.FOLDER, "--listen", "no-such-host.invalid:0")
    assert done.returncode == 1
    assert "no-such-host.invalid" in done.stderr and "address" in done.stderr
