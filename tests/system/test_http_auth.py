"""token_auth and the firewalls, with tokens of real stores and policies of real entries."""

import json
import sqlite3

import pytest

from natterjack import Natterjack, command
from raw_http import get, request
from raw_ws import RawWebSocket, Refused

YAML = """
version: "1.0"
namespace: app
entries:
  - { name: memory, kind: store.memory }
  - { name: file, kind: db.sql.sqlite, file: ./tokens.db }
  - { name: kept, kind: store.sql, database: file, table_name: kept }
  - { name: tokens, kind: security.token_store, store: memory }
  - { name: signed, kind: security.token_store, store: kept, token_key: a secret of some length }

  - name: readers
    kind: security.policy
    policy: { actions: [ "read", "access" ], resources: [ "app:open.*", "doc:*" ], effect: allow }
    groups: [ readers ]
  - name: own
    kind: security.policy
    policy:
      actions: "*"
      resources: "app:team.*"
      effect: allow
      conditions: [ { field: actor.meta.team, operator: in, value: [ red, blue ] } ]
    groups: [ readers ]
  - name: not_banned
    kind: security.policy
    policy:
      actions: "*"
      resources: "*"
      effect: deny
      conditions: [ { field: actor.meta.banned, operator: eq, value: true } ]
    groups: [ readers ]
  - name: chiefs
    kind: security.policy.expr
    policy: { expression: actor.meta.rank >= 3 }
    groups: [ ranked ]
  - name: no_guests
    kind: security.policy.expr
    policy: { expression: actor.meta.guest_until > 0, resources: "app:team.*", effect: deny }
    groups: [ ranked ]

  - { name: make, kind: function.lua, source: file://make.lua, method: handler, modules: [ http, security ] }
  - { name: who, kind: function.lua, source: file://who.lua, method: handler,
      modules: [ http, security, funcs ] }
  - { name: inner, kind: function.lua, source: file://inner.lua, method: handler, modules: [ security ] }
  - { name: connect, kind: function.lua, source: file://connect.lua, method: handler, modules: [ http, json ] }
  - { name: hub, kind: process.lua, source: file://hub.lua, method: run }
  - { name: hub.service, kind: process.service, process: hub, lifecycle: { auto_start: true } }

  - { name: admin, kind: http.router, meta: { server: "system:gateway" }, prefix: /admin }
  - { name: make.post, kind: http.endpoint, meta: { router: admin }, method: POST, path: /make, func: make }

  - name: known
    kind: http.router
    meta: { server: "system:gateway" }
    prefix: /known
    middleware: [ token_auth ]
    options: { token_auth.store: tokens }
  - { name: known.who, kind: http.endpoint, meta: { router: known }, path: /who, func: who }

  - name: elsewhere
    kind: http.router
    meta: { server: "system:gateway" }
    prefix: /elsewhere
    middleware: [ token_auth ]
    options:
      token_auth.store: app:signed
      token_auth.header.name: X-Key
      token_auth.header.prefix: "Key "
      token_auth.query.param: key
      token_auth.cookie.name: key
  - { name: elsewhere.who, kind: http.endpoint, meta: { router: elsewhere }, path: /who, func: who }

  - name: walled
    kind: http.router
    meta: { server: "system:gateway" }
    prefix: /walled
    middleware: [ token_auth, websocket_relay ]
    options: { token_auth.store: tokens, wsrelay.allowed.origins: "*" }
    post_middleware: [ endpoint_firewall ]
  - { name: open.who, kind: http.endpoint, meta: { router: walled }, path: /open, func: who }
  - { name: team.who, kind: http.endpoint, meta: { router: walled }, path: /team, func: who }
  - { name: shut.who, kind: http.endpoint, meta: { router: walled }, path: /shut, func: who }
  - { name: open.ws, kind: http.endpoint, meta: { router: walled }, path: /ws, func: connect }

  - name: papers
    kind: http.router
    meta: { server: "system:gateway" }
    prefix: /papers
    middleware: [ token_auth ]
    options: { token_auth.store: tokens }
    post_middleware: [ resource_firewall ]
    post_options: { resource_firewall.action: read, resource_firewall.target: "doc:papers" }
  - { name: papers.who, kind: http.endpoint, meta: { router: papers }, path: /who, func: who }

  - name: strict
    kind: http.router
    meta: { server: "system:gateway" }
    prefix: /strict
    middleware: [ token_auth ]
    options: { token_auth.store: tokens }
    post_middleware: [ resource_firewall ]
    post_options: { resource_firewall.action: write, resource_firewall.target: "doc:papers" }
  - { name: strict.who, kind: http.endpoint, meta: { router: strict }, path: /who, func: who }
"""

MAKE = """
local http, security = require("http"), require("security")
return { handler = function()
  local req, res = http.request(), http.response()
  local wish = req:body_json()
  local store = assert(security.token_store(wish.store))
  if wish.revoke then return res:write_json({ done = store:revoke(wish.revoke) }) end
  local scope = wish.scope and assert(security.named_scope(wish.scope))
  local token = assert(store:create(security.new_actor(wish.id, wish.meta), scope,
                                    { expiration = wish.expiration }))
  res:write(token)
end }
"""

WHO = """
local http, security, funcs = require("http"), require("security"), require("funcs")
return { handler = function()
  local res, actor, scope = http.response(), security.actor(), security.scope()
  local inner = funcs.call("app:inner")
  res:write_json({ id = actor and actor:id() or "", meta = actor and actor:meta() or nil,
                   policies = scope and #scope:policies() or -1, can = security.can("read", "doc:x"),
                   inner = inner })
end }
"""

INNER = """
local security = require("security")
return { handler = function() return security.actor() and security.actor():id() or "nobody" end }
"""

CONNECT = """
local http, json = require("http"), require("json")
return { handler = function()
  http.response():set_header("X-WS-Relay", json.encode({ target_pid = process.registry.lookup("hub") }))
end }
"""

HUB = """
return { run = function()
  process.registry.register("hub")
  local inbox, events = process.inbox(), process.events()
  while true do
    local got = channel.select({ inbox:case_receive(), events:case_receive() })
    if got.channel ~= inbox then return end
    local m = got.value
    if m:topic() == "ws.message" then process.send(m:from(), "echo", m:payload():data()) end
  end
end }
"""

FILES = {"_index.yaml": YAML, "make.lua": MAKE, "who.lua": WHO, "inner.lua": INNER,
         "connect.lua": CONNECT, "hub.lua": HUB}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("auth")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    with Natterjack(folder) as running:
        yield running
        assert running.is_alive(), running.stderr.text()


def token(server, id="ada", store="app:tokens", scope="readers", **wish):
    answer = request(server.port, "POST", "/admin/make",
                     body=json.dumps({"id": id, "store": store, "scope": scope, **wish}).encode())
    assert answer.status == 200, answer
    return answer.body.decode()


def bearer(text):
    return {"Authorization": "Bearer " + text}


def who(server, target, headers=None):
    answer = get(server.port, target, headers)
    assert answer.status == 200, answer
    return json.loads(answer.body)


# --- token_auth ----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["header", "other case", "query", "cookie"])
def test_a_token_says_who_asks(server, place):
    text = token(server, meta={"team": "red"})
    target, headers = "/known/who", {}
    if place == "header":
        headers = bearer(text)
    elif place == "other case":
        headers = {"authorization": "bearer " + text}
    elif place == "query":
        target += "?x-auth-token=" + text
    else:
        headers = {"Cookie": f"a=b; x-auth-token={text}; c=d"}
    seen = who(server, target, headers)
    assert (seen["id"], seen["meta"], seen["policies"]) == ("ada", {"team": "red"}, 3)
    assert seen["can"] is True
    assert seen["inner"] == "ada"  # what it calls acts for the same one


@pytest.mark.parametrize("headers", [{}, bearer("nonsense"), bearer(""), {"Authorization": "Basic YTpi"}], ids=str)
def test_who_is_not_known_is_let_through_as_nobody(server, headers):
    seen = who(server, "/known/who", headers)
    assert (seen["id"], seen["policies"], seen["inner"]) == ("", -1, "nobody")


def test_who_asked_before_is_not_remembered(server):
    assert who(server, "/known/who", bearer(token(server)))["id"] == "ada"
    for _ in range(20):  # whichever state answers
        assert who(server, "/known/who")["id"] == ""


def test_places_may_be_others_and_tokens_signed_and_in_a_database(server):
    text = token(server, store="app:signed")
    assert "." in text
    assert who(server, "/elsewhere/who", {"X-Key": "Key " + text})["id"] == "ada"
    assert who(server, "/elsewhere/who?key=" + text)["id"] == "ada"
    assert who(server, "/elsewhere/who", {"Cookie": "key=" + text})["id"] == "ada"
    assert who(server, "/elsewhere/who", bearer(text))["id"] == ""


def test_a_token_of_another_store_or_with_a_wrong_signature_is_none(server):
    signed, plain = token(server, store="app:signed"), token(server)
    body, code = signed.split(".")
    wrong = body + "." + ("B" if code[0] != "B" else "C") + code[1:]
    for text in [plain, body, body + ".", "." + code, wrong, signed + "x"]:
        assert who(server, "/elsewhere/who", {"X-Key": "Key " + text})["id"] == "", text
    assert who(server, "/known/who", bearer(signed))["id"] == ""


def test_a_token_in_a_database_is_known_while_somebody_writes_there(serve, application):
    # A wait for the lock would last longer than any request here.
    yaml = YAML.replace("file: ./tokens.db }", "file: ./tokens.db, busy_timeout: 10m }").replace(
        "table_name: kept }", "table_name: kept, cleanup_interval: 1ms }")
    folder = application({**FILES, "_index.yaml": yaml})
    server = serve(folder)
    text = token(server, store="app:signed")
    [file] = folder.rglob("tokens.db")
    writer = sqlite3.connect(file, isolation_level=None)
    try:
        writer.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            assert who(server, "/elsewhere/who", {"X-Key": "Key " + text})["id"] == "ada"
        assert who(server, "/elsewhere/who", {"X-Key": "Key x" + text})["id"] == ""
        assert get(server.port, "/healthz").status == 200
        writer.execute("ROLLBACK")
    finally:
        writer.close()


def test_a_revoked_or_expired_token_is_none(server):
    text = token(server)
    assert who(server, "/known/who", bearer(text))["id"] == "ada"
    request(server.port, "POST", "/admin/make",
            body=json.dumps({"store": "app:tokens", "revoke": text}).encode())
    assert who(server, "/known/who", bearer(text))["id"] == ""
    import time
    short, end = token(server, expiration="50ms"), time.monotonic() + 10
    while who(server, "/known/who", bearer(short))["id"] != "":
        assert time.monotonic() < end


# --- firewalls -----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/walled/open", "/walled/shut", "/papers/who"])
def test_nobody_is_a_401(server, target):
    answer = get(server.port, target)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("target, meta, scope, status", [
    ("/walled/open", {}, "readers", 200),
    ("/walled/open", {}, None, 403),
    ("/walled/open", {"banned": True}, "readers", 403),
    ("/walled/shut", {}, "readers", 403),
    ("/walled/team", {}, "readers", 403),
    ("/walled/team", {"team": "green"}, "readers", 403),
    ("/walled/team", {"team": "blue"}, "readers", 200),
    ("/papers/who", {}, "readers", 200),
    ("/papers/who", {"banned": True}, "readers", 403),
    ("/strict/who", {}, "readers", 403),
    ("/walled/shut", {"rank": 3}, "ranked", 200),
    ("/walled/shut", {"rank": 2}, "ranked", 403),
    ("/walled/shut", {"rank": "high"}, "ranked", 403),  # cannot be told
    ("/walled/team", {"rank": 3, "guest_until": 0}, "ranked", 200),
    ("/walled/team", {"rank": 3, "guest_until": 1}, "ranked", 403),
    ("/walled/team", {"rank": 3, "guest_until": "May"}, "ranked", 403),  # cannot be told
    ("/papers/who", {"rank": 3}, "ranked", 200),
    ("/papers/who", {"rank": 2}, "ranked", 403),
], ids=str)
def test_policies_decide(server, target, meta, scope, status):
    assert get(server.port, target, bearer(token(server, meta=meta, scope=scope))).status == status


def test_a_websocket_needs_the_same(server):
    with pytest.raises(Refused) as refused:
        RawWebSocket(server.port, "/walled/ws")
    assert refused.value.status == 401
    with pytest.raises(Refused) as refused:
        RawWebSocket(server.port, "/walled/ws", headers=bearer(token(server, meta={"banned": True})))
    assert refused.value.status == 403
    with RawWebSocket(server.port, "/walled/ws?x-auth-token=" + token(server)) as client:
        client.send_text("hello")
        assert client.read_topic("echo") == "hello"


# --- what the check says -------------------------------------------------------------------------


@pytest.mark.parametrize("change, text", [
    (("options: { token_auth.store: tokens }\n  - { name: known.who", "options: {}\n  - { name: known.who"),
     "token_auth needs the option token_auth.store"),
    (("options: { token_auth.store: tokens }\n  - { name: known.who",
      "options: { token_auth.store: nowhere }\n  - { name: known.who"), 'there is no entry "app:nowhere"'),
    (("options: { token_auth.store: tokens }\n  - { name: known.who",
      "options: { token_auth.store: memory }\n  - { name: known.who"), "app:memory is of kind store.memory"),
    ((', resource_firewall.target: "doc:papers"', ""), "resource_firewall needs the option resource_firewall.target"),
], ids=lambda case: case if isinstance(case, str) else "")
def test_the_check_finds_what_is_missing(application, change, text):
    assert change[0] in YAML
    done = command("check", application({**FILES, "_index.yaml": YAML.replace(*change)}))
    assert done.returncode == 2
    assert text in done.stderr


def test_the_check_is_content(application):
    done = command("check", application(FILES))
    assert done.returncode == 0, done.stderr
    assert "token_auth" not in done.stderr and "firewall" not in done.stderr
