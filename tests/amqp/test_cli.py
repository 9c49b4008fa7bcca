"""`natterjack clu` as a command: its options, its errors, its exit codes."""

import os
import socket
import subprocess

import pytest
from broker import Broker, free_port, wait_until
from exchange import Exchange
from programs import Clu, clu_command


def run(*arguments, env=None, timeout=30):
    return subprocess.run([*clu_command(), *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **(env or {})})


def test_help_names_the_original_options_and_defaults():
    done = run("--help")
    assert done.returncode == 0
    for option in ("-p,--port", "-H,--rabbitmq-host", "-P,--rabbitmq-port", "--rabbitmq-user", "--rabbitmq-vhost",
                   "--rabbitmq-url", "--rabbitmq-tls", "--exchange", "--listen", "--byte-exact", "--hold-time"):
        assert option in done.stdout
    for default in ("9876", "localhost", "5672", "0.0.0.0", "sdss_exchange"):
        assert default in done.stdout


@pytest.mark.parametrize("arguments, word", [
    (["--colour"], "--colour"), (["-p", "x"], "x"), (["--hold-time", "soon"], "soon"),
    (["--rabbitmq-url", "http://x"], "amqp://"), (["--log-level", "loud"], "loud"), (["--prefetch", "0"], "0"),
])
def test_wrong_options(arguments, word):
    done = run(*arguments)
    assert done.returncode == 2
    assert word in done.stderr + done.stdout


def test_no_broker():
    port = free_port()
    done = run("-p", 0, "-P", port)
    assert done.returncode == 1
    assert f"localhost:{port}" in done.stderr and "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_such_host():
    done = run("-p", 0, "-H", "no-such-host.invalid")
    assert done.returncode == 1
    assert "no-such-host.invalid" in done.stderr


def test_port_taken(broker):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("-p", taken.getsockname()[1], "--listen", "127.0.0.1", "-P", broker.port)
    assert done.returncode == 1
    assert "Address already in use" in done.stderr


def test_wrong_user(broker):
    done = run("-p", 0, "-P", broker.port, "--rabbitmq-user", "nobody", "--rabbitmq-password", "hush")
    assert done.returncode == 1
    assert "403" in done.stderr and "ACCESS_REFUSED" in done.stderr
    assert "hush" not in done.stderr


def test_wrong_vhost(broker):
    done = run("-p", 0, "-P", broker.port, "--rabbitmq-vhost", "elsewhere")
    assert done.returncode == 1
    assert "elsewhere" in done.stderr


def test_an_exchange_with_other_flags(broker):
    with Exchange(broker.port) as exchange:
        exchange.run(exchange.channel.exchange_declare("durable_one", exchange_type="topic", durable=True))
    done = run("-p", 0, "-P", broker.port, "--exchange", "durable_one")
    assert done.returncode == 1
    assert "406" in done.stderr and "PRECONDITION_FAILED" in done.stderr and "durable_one" in done.stderr


def test_a_name_that_is_taken(broker):
    with Clu(broker.port, "--name", "same"):
        done = run("-p", 0, "-P", broker.port, "--name", "same")
    assert done.returncode == 1
    assert "405" in done.stderr and "RESOURCE_LOCKED" in done.stderr and "same_replies" in done.stderr


def test_user_vhost_and_password_from_outside(broker, tmp_path):
    broker.control("add_vhost", "mine")
    broker.control("add_user", "me", "s3cret/@")
    broker.control("set_permissions", "-p", "mine", "me", ".*", ".*", ".*")
    (tmp_path / "password").write_text("s3cret/@\n")
    who = ["--rabbitmq-user", "me", "--rabbitmq-vhost", "mine"]
    for arguments, env in [
        (["--rabbitmq-url", f"amqp://me:s3cret%2F%40@127.0.0.1:{broker.port}/mine"], {}),
        ([*who, "--rabbitmq-password-file", tmp_path / "password"], {}),
        (who, {"RABBITMQ_PASSWORD": "s3cret/@"}),
    ]:
        with Clu(broker.port, *arguments, env=env) as clu:
            with clu.connect() as client:
                assert client.head.status == 101
            assert clu.stop() == 0


def test_another_exchange(broker, exchange):
    exchange.run(exchange.channel.exchange_declare("other_exchange", exchange_type="topic", auto_delete=True))
    with Clu(broker.port, "--exchange", "other_exchange") as clu, clu.connect() as client:
        client.send_json({"consumer": "nobody", "command_string": "x", "command_id": "i"})
        assert client.read_json()["exchange"] == "other_exchange"


def test_waiting_for_a_broker_that_is_not_there_yet():
    with Clu(free_port(), "--wait-for-broker") as clu, clu.connect("/?status=1") as client:
        assert client.read_json()["broker"] in ("connecting", "down")
        assert clu.process.poll() is None


def test_no_password_in_the_list_of_processes_or_the_log(broker):
    with Clu(broker.port, env={"RABBITMQ_PASSWORD": "guest"}, wait=True) as clu:
        with open(f"/proc/{clu.process.pid}/cmdline") as file:
            assert "guest" not in file.read()
        clu.stop()
        assert "guest" not in clu.stderr.text()


def test_tls(tmp_path_factory, tmp_path):
    """A broker that speaks TLS only, with a certificate of our own authority."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=tmp_path)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    (tmp_path / "key.pem").chmod(0o644)
    broker = Broker(tmp_path_factory.mktemp("tls"))
    tls_port = free_port()
    with (broker.folder / "rabbitmq.conf").open("a") as file:
        file.write(f"listeners.ssl.default = {tls_port}\nssl_options.cacertfile = {tmp_path}/cert.pem\n"
                   f"ssl_options.certfile = {tmp_path}/cert.pem\nssl_options.keyfile = {tmp_path}/key.pem\n"
                   "ssl_options.verify = verify_none\n")
    with broker:
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", tls_port)) == 0, "TLS listener")
        with Clu(tls_port, "--rabbitmq-tls", "--rabbitmq-ca-file", tmp_path / "cert.pem") as clu, \
                Exchange(broker.port) as exchange, clu.connect() as client:
            client.send_frame(0x9)
            client.read_frame()
            exchange.reply({"text": "x" * 200_000})
            assert len(client.read_json()["body"]["text"]) == 200_000
            client.send_json({"consumer": "nobody", "command_string": "x", "command_id": "i"})
            assert client.read_json()["headers"]["message_code"] == "f"
        # A certificate that nobody we know has signed.
        done = run("-p", 0, "-P", tls_port, "--rabbitmq-tls")
        assert done.returncode == 1 and "verification failed" in done.stderr
        with Clu(tls_port, "--rabbitmq-tls", "--rabbitmq-verify-none") as clu, clu.connect() as client:
            assert client.head.status == 101
