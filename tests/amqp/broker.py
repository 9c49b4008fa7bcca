"""A RabbitMQ of the tests' own: loopback ports, own folders, own epmd and cookie; ended by process id.

    with Broker(folder) as broker:
        broker.port                 AMQP on 127.0.0.1
        broker.control("…")         rabbitmqctl
        broker.kill(), .start()     kill -9 and the same node again
        broker.pause(), .resume()   SIGSTOP and SIGCONT
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
CONTROL = Path("/usr/lib/rabbitmq/bin/rabbitmqctl")
DEADLINE_S = 90.0
START_S = 240.0  # seconds alone, minutes beside a few compilers


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, what, timeout=DEADLINE_S, interval=0.02):
    """Blocks until `condition()` is true; fails with `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout} s")
        time.sleep(interval)


class Broker:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.port, self.dist_port, self.epmd_port = free_port(), free_port(), free_port()
        self.process = self.epmd = None
        self.node = f"natterjack_test_{os.getpid()}_{self.port}@localhost"
        for name in ("home", "data", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = 127.0.0.1:{self.port}\n"
            "loopback_users = none\n"
            "disk_free_limit.absolute = 1MB\n"
            "heartbeat = 60\n"
        )
        (self.folder / "enabled_plugins").write_text("[].\n")
        self.env = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder / "home"),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_MAX_PORTS": "4096",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none "
            "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *failure):
        self.stop()

    def start(self):
        if self.epmd is None:
            self.epmd = subprocess.Popen(["epmd", "-port", str(self.epmd_port)], env=self.env)
        self.process = subprocess.Popen(
            [SERVER], env=self.env, cwd=self.folder, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
        )
        wait_until(self.is_serving, f"RabbitMQ serves on {self.port}; see {self.folder}/log", START_S)
        return self

    def is_serving(self):
        """True when it greets an AMQP client: the port alone is open before the node is ready."""
        assert self.process.poll() is None, f"RabbitMQ ended; see {self.folder}/log"
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                s.sendall(b"AMQP\x00\x00\x09\x01")
                return s.recv(1) == b"\x01"
        except OSError:
            return False

    def is_listening(self):
        with socket.socket() as s:
            s.settimeout(1)
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def signal(self, number):
        # The start script leads a session of its own, so this reaches its children and nobody else.
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass  # it has ended

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()
        wait_until(lambda: not self.is_listening(), "the node has gone")

    def revive(self):
        """Starts the node again after whatever a test left of it."""
        if self.process and self.process.poll() is None:
            self.kill()
        self.start()

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.resume()
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None
        if self.epmd:
            self.epmd.kill()
            self.epmd.wait()
            self.epmd = None

    def control(self, *arguments):
        """Runs rabbitmqctl; returns what it prints."""
        done = subprocess.run(
            [CONTROL, "-q", "-n", self.node, *arguments], env=self.env, cwd=self.folder,
            capture_output=True, text=True, timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def forget(self):
        """Throws the node's data away."""
        shutil.rmtree(self.folder / "data", ignore_errors=True)
