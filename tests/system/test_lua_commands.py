"""Programs on the terminal: `natterjack run DIR COMMAND`, `-x`, and the module `io`."""

import signal
import subprocess

import pytest

from natterjack import binary

ENTRIES = """\
namespace: app
entries:
  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }
  - { name: greet, kind: process.lua, source: "file://greet.lua", modules: [ io ],
      meta: { command: { name: greet, short: says hello } } }
  - { name: fail, kind: process.lua, source: "return function() return nil, 'no luck' end" }
"""

GREET = """\
local io = require("io")

return { run = function(first)
    io.print("arguments", #io.args(), first)
    while true do
        local line, err = io.readline()
        if not line then
            io.eprint("end: " .. err:kind())
            return
        end
        io.write("hello ", line, "\\n")
    end
end }
"""


def run(folder, *arguments, given=""):
    return subprocess.run([binary(), "run", folder, *arguments], input=given, capture_output=True,
                          text=True, timeout=60)


def app(application):
    return application({"_index.yaml": ENTRIES, "greet.lua": GREET})


def test_a_command_talks_to_standard_input_and_output(application):
    done = run(app(application), "greet", "loud", given="ada\nbob")
    assert done.stdout == "arguments\t1\tloud\nhello ada\nhello bob\n"
    assert "end: Unavailable" in done.stderr
    assert done.returncode == 0


def test_x_runs_an_entry(application):
    done = run(app(application), "-x", "app:greet")
    assert (done.stdout, done.returncode) == ("arguments\t0\tnil\n", 0)


def test_a_command_that_fails_is_exit_code_1(application):
    done = run(app(application), "-x", "app:fail")
    assert done.returncode == 1
    assert "no luck" in done.stderr


def test_an_unknown_command_is_named_with_those_there_are(application):
    done = run(app(application), "great")
    assert done.returncode == 2
    assert ('no command "great" in this application (did you mean "greet"?); expected greet'
            in done.stderr)
    assert "nothing was started" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("arguments, said", [
    (["-x", "app:great"], '-x app:great: no entry of this id (did you mean "app:greet"?)'),
    (["-x", "app:terminal"], "-x app:terminal: is of kind terminal.host"),
    (["-x", "app:greet", "--host", "app:no"], "--host app:no: no entry of this id"),
])
def test_an_entry_that_cannot_be_run_is_named_before_anything_starts(application, arguments, said):
    done = run(app(application), *arguments)
    assert done.returncode == 2
    assert said in done.stderr and "nothing was started" in done.stderr
    assert done.stdout == ""


def test_what_stands_behind_two_dashes_is_for_the_command(application):
    done = run(app(application), "greet", "--", "--loud", "-x")
    assert (done.stdout, done.returncode) == ("arguments\t2\t--loud\n", 0)


@pytest.mark.parametrize("returned, code", [
    ("0", 0), ("3", 3), ("255", 255), ("256", 0), ("-1", 255), ("2.0", 2), ("2.5", 0), ("'3'", 0),
    ("{ 3 }", 0), ("false", 1), ("true", 0), ("nil, 'no luck'", 1),
])
def test_a_whole_number_that_a_command_returns_is_its_exit_code(application, returned, code):
    folder = application({"_index.yaml": f"""namespace: app
entries:
  - {{ name: ends, kind: process.lua, source: "return function() return {returned} end" }}
"""})
    assert run(folder, "-x", "app:ends").returncode == code


def test_a_text_that_a_command_returns_is_its_last_word(application):
    folder = application({"_index.yaml": "namespace: app\nname: ends\nkind: process.lua\n"
                                         "source: return function() return 'done so far' end\n"})
    done = run(folder, "-x", "app:ends")
    assert (done.stdout, done.returncode) == ("done so far\n", 0)


@pytest.mark.parametrize("said, code", [("", 0), ("0", 0), ("3", 3)])
def test_a_script_may_end_the_program_with_a_code(application, said, code):
    folder = application({"_index.yaml": f"""namespace: app
name: ends
kind: process.lua
modules: [ system ]
source: return function() require("system").exit({said}) process.inbox():receive() end
"""})
    assert run(folder, "-x", "app:ends").returncode == code


def test_a_command_that_is_interrupted_may_say_goodbye(application):
    folder = application({"_index.yaml": """namespace: app
name: waits
kind: process.lua
modules: [ io ]
source: |
  return function()
    local io, events = require("io"), process.events()
    io.print("here")
    io.print(events:receive().kind)
  end
"""})
    started = subprocess.Popen([binary(), "run", folder, "-x", "app:waits"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    assert started.stdout.readline() == "here\n"
    started.send_signal(signal.SIGINT)
    assert started.communicate(timeout=60)[0] == "pid.cancel\n"
    assert started.returncode == 0


def test_an_address_for_an_application_without_gateway_is_a_warning(application):
    done = run(app(application), "-x", "app:greet", "--listen", "127.0.0.1:0")
    assert done.returncode == 0
    assert "--listen 127.0.0.1:0: changes nothing: the application has no http.service" in done.stderr


ENDS = """\
namespace: app
entries:
  - { name: asks, kind: process.lua, source: "file://asks.lua", modules: [ io ] }
  - { name: waits, kind: process.lua, source: "file://waits.lua", modules: [ io ] }
  - { name: child, kind: process.lua, source: "file://child.lua", modules: [ io ] }
"""

ASKS = """\
local io = require("io")

return { run = function()
    io.print("ready")
    local line, err = io.readline()
    io.print("read", line, err:kind())
    return 4
end }
"""

WAITS = """\
local io = require("io")

return { run = function()
    process.spawn("app:child", "system:processes", process.pid())
    process.inbox():receive()
    io.print("ready")
    local event = process.events():receive()
    io.print(event.kind, event.reason)
    return 5
end }
"""

CHILD = """\
local io = require("io")

return { run = function(parent)
    local events = process.events()
    process.send(parent, "here")
    io.print("child", events:receive().kind)
end }
"""


def interrupted(folder, entry, sign):
    """Runs a command with an open standard input, sends a signal when it is ready; (stdout, exit code)."""
    running = subprocess.Popen([binary(), "run", folder, "-x", entry], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        first = running.stdout.readline()
        running.send_signal(sign)
        running.wait(60)
        return first + running.stdout.read(), running.returncode
    finally:
        running.kill()
        running.stdin.close()
        running.stdout.close()
        running.wait()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_interrupted_hears_of_it_and_gives_its_exit_code(application, sign):
    folder = application({"_index.yaml": ENDS, "asks.lua": ASKS, "waits.lua": WAITS,
                          "child.lua": CHILD})
    assert interrupted(folder, "app:waits", sign) == (
        "ready\npid.cancel\thost stopping\nchild\tpid.cancel\n", 5)
    assert interrupted(folder, "app:asks", sign) == ("ready\nread\tnil\tUnavailable\n", 4)


SIGNS = """\
local crypto, file = require("crypto"), require("fs").get("app:keys")

return { run = function()
    local token, err = crypto.jwt.encode({ sub = "ada" }, file:readfile("locked.pem"), "RS256")
    print(token, err:kind())
end }
"""


def test_a_key_behind_a_password_is_refused_and_nobody_is_asked_for_it(application):
    folder = application({"_index.yaml": """\
namespace: app
entries:
  - { name: keys, kind: fs.directory, directory: keys }
  - { name: signs, kind: process.lua, source: "file://signs.lua", modules: [ crypto, fs ] }
""", "signs.lua": SIGNS, "keys/locked.pem": ""})
    subprocess.run(["openssl", "genrsa", "-aes128", "-passout", "pass:secret", "-out", "locked.pem", "2048"],
                   cwd=folder / "keys", check=True, capture_output=True)
    running = subprocess.Popen([binary(), "run", folder, "-x", "app:signs"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        running.wait(60)
        assert running.stdout.read() == "nil Invalid\n"
        assert "pass phrase" not in running.stderr.read()
    finally:
        running.kill()
        running.communicate()


MASS = """\
namespace: app
entries:
  - { name: worker, kind: process.lua, source: "file://worker.lua" }
  - { name: mass, kind: process.lua, source: "file://mass.lua", modules: [ io ] }
"""

WORKER = """\
return { run = function(parent, n)
    process.send(parent, "ready", n)
    process.inbox():receive()
    return n
end }
"""

SPAWN_MANY = """\
local io = require("io")

return { run = function()
    local inbox, events, pids, sum = process.inbox(), process.events(), {}, 0
    for i = 1, 10000 do
        pids[i] = process.spawn_monitored("app:worker", "system:processes", process.pid(), i)
    end
    for _ = 1, 10000 do inbox:receive() end
    io.print("told", process.send(pids, "stop"))
    for _ = 1, 10000 do sum = sum + events:receive().result.value end
    io.print("sum", sum)
end }
"""


def test_ten_thousand_processes_start_answer_and_end(application):
    folder = application({"_index.yaml": MASS, "worker.lua": WORKER, "mass.lua": SPAWN_MANY})
    done = subprocess.run([binary(), "run", folder, "-x", "app:mass"], capture_output=True,
                          text=True, timeout=180)
    assert (done.stdout, done.returncode) == ("told\t10000\nsum\t50005000\n", 0)


ACTING = """\
namespace: app
entries:
  - { name: readers, kind: security.policy, policy: { actions: read, resources: "*", effect: allow }, groups: [ staff ] }
  - { name: writers, kind: security.policy, policy: { actions: write, resources: "*", effect: allow } }
  - name: who
    kind: process.lua
    source: file://who.lua
    modules: [ security, funcs ]
    meta:
      command:
        name: who
        security: { actor: { id: robot, meta: { role: cleaner } }, policies: [ %s ], groups: [ %s ] }
  - { name: asked, kind: function.lua, source: file://asked.lua, modules: [ security ] }
"""

WHO = """\
local security, funcs = require("security"), require("funcs")
return { run = function()
    local actor = security.actor()
    print(actor:id(), actor:meta().role, security.can("read", "x"), security.can("write", "x"),
        security.can("burn", "x"), funcs.call("app:asked"))
end }
"""

ASKED = 'return function() return require("security").actor():id() end'


@pytest.mark.parametrize("policies, groups, allowed", [
    ("writers", "staff", "true true false"),
    ("app:writers", "", "false true false"),
    ("", "app:staff", "true false false"),
])
def test_a_command_acts_as_its_entry_says(application, policies, groups, allowed):
    folder = application({"_index.yaml": ACTING % (policies, groups), "who.lua": WHO, "asked.lua": ASKED})
    done = run(folder, "who")
    assert (done.stdout, done.returncode) == (f"robot cleaner {allowed} robot\n", 0), done.stderr


HOSTS = """\
namespace: app
entries:
  - { name: first, kind: terminal.host, lifecycle: { auto_start: true } }
  - { name: other, kind: terminal.host, lifecycle: { auto_start: true } }
  - { name: system, kind: process.host }
  - name: where
    kind: process.lua
    source: "return function() print(process.pid()) end"
    meta: { command: { name: where, host: %s } }
"""


def test_a_command_runs_on_the_host_its_entry_names(application):
    done = run(application({"_index.yaml": HOSTS % "other"}), "where")
    assert (done.stdout.partition("@")[2][:9], done.returncode) == ("app:other", 0)
    done = run(application({"_index.yaml": HOSTS % "app:other"}), "where", "--host", "app:first")
    assert done.stdout.partition("@")[2][:9] == "app:first"


@pytest.mark.parametrize("host, why", [("system", "is of kind process.host"), ("none", "no entry of this id")])
def test_a_command_runs_on_a_terminal(application, host, why):
    done = run(application({"_index.yaml": HOSTS % host}), "where")
    assert done.returncode != 0
    assert f"app:where: meta.command.host: app:{host}" in done.stderr and why in done.stderr


def test_a_policy_that_is_not_there_ends_the_command(application):
    done = run(application({"_index.yaml": ACTING % ("nobody", ""), "who.lua": WHO, "asked.lua": ASKED}), "who")
    assert done.returncode == 1
    assert "app:who: meta.command.security.policies: no policy 'app:nobody'" in done.stderr
