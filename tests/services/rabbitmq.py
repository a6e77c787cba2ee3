"""A RabbitMQ server for tests: Debian's, as a child of this process, with directory, ports and cookie of its own."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import amqp

from m1site.demo import pdeathsig
from m1site.demo.redis_server import free_port

PROGRAMS = Path("/usr/lib/rabbitmq/bin")  # those on PATH are wrappers, which become another user
SERVER, CONTROL = PROGRAMS / "rabbitmq-server", PROGRAMS / "rabbitmqctl"
START_SECONDS = 90
STOP_SECONDS = 20


class RabbitNotStartedError(Exception):
    """RabbitMQ did not start; the message is the end of what it wrote."""


@dataclass
class RabbitServer:
    """A server with its port mapper; both end when stopped, or with the process that started them.

    port, mapper_port, node_port   of loopback: for clients, of epmd, between nodes of a cluster
    """

    directory: Path
    port: int
    mapper_port: int
    node_port: int
    password: str = field(repr=False)
    mapper: subprocess.Popen[bytes] = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)

    @classmethod
    def start(cls, directory: Path) -> Self:
        """Return a server that answers, on loopback. Raises RabbitNotStartedError."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        ports = [free_port() for _ in range(3)]
        password = secrets.token_urlsafe(24)
        _configure(directory, ports[0], password)
        mapper = _spawn(["epmd"], directory, ports, signal.SIGKILL)
        server = cls(directory, *ports, password, mapper, _spawn([str(SERVER)], directory, ports, signal.SIGKILL))
        server._wait()
        return server

    @property
    def url(self) -> str:
        """The address, password included."""
        return f"amqp://m1:{self.password}@127.0.0.1:{self.port}//"

    def down(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the server, and keep what it had on disk."""
        self.process.send_signal(number)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def up(self) -> None:
        """Start it again, with the same address. Raises RabbitNotStartedError."""
        ports = [self.port, self.mapper_port, self.node_port]
        self.process = _spawn([str(SERVER)], self.directory, ports, signal.SIGKILL)
        self._wait()

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return by queue how many messages nobody has taken, and how many were taken and not answered for."""
        asked = ["--quiet", "--formatter", "json", "name", "messages_ready", "messages_unacknowledged"]
        rows = json.loads(self.control("list_queues", *asked))
        return {row["name"]: (row["messages_ready"], row["messages_unacknowledged"]) for row in rows}

    def control(self, *command: str) -> bytes:
        """Return what rabbitmqctl prints."""
        environment = _environment(self.directory, self.mapper_port, self.node_port)
        done = subprocess.run(
            [str(CONTROL), *command], env=environment, cwd=self.directory, capture_output=True, check=True
        )
        return done.stdout

    def stop(self) -> None:
        """End the server for good."""
        self.down(signal.SIGKILL)
        self.mapper.kill()
        self.mapper.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.05)
        self.stop()
        raise RabbitNotStartedError((self.directory / "output").read_text(errors="replace")[-2000:])

    def _answers(self) -> bool:
        host = f"127.0.0.1:{self.port}"
        try:
            with amqp.Connection(host, userid="m1", password=self.password, connect_timeout=2):
                return True
        except (OSError, amqp.AMQPError):
            return False


def why_not() -> str:
    """Return why there can be no server, "" where there can."""
    found = {"rabbitmq-server": SERVER.exists(), "epmd": shutil.which("epmd")}
    missing = [name for name, there in found.items() if not there]
    return f"not installed: {', '.join(missing)}" if missing else ""


def _configure(directory: Path, port: int, password: str) -> None:
    (directory / "plugins").write_text("[].\n")
    settings = directory / "rabbitmq.conf"
    settings.touch(mode=0o600)
    settings.write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\ndefault_user = m1\ndefault_pass = {password}\nlog.console = true\n"
        "log.file = false\ndisk_free_limit.absolute = 50MB\n"
    )


def _spawn(
    command: list[str], directory: Path, ports: list[int], death_signal: signal.Signals
) -> subprocess.Popen[bytes]:
    _, mapper_port, node_port = ports
    with (directory / "output").open("ab") as output:
        return subprocess.Popen(
            pdeathsig.wrap(command, death_signal),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=directory,
            env=_environment(directory, mapper_port, node_port),
            start_new_session=True,
        )


def _environment(directory: Path, mapper_port: int, node_port: int) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),  # the cookie is there
        "LC_ALL": "C.UTF-8",
        "ERL_EPMD_PORT": str(mapper_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"m1-{node_port}@localhost",
        "RABBITMQ_DIST_PORT": str(node_port),
        "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": str(directory / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2",
        "RABBITMQ_ALLOW_INPUT": "1",  # the script then becomes the server instead of waiting for it,
        "RABBITMQ_SERVER_START_ARGS": "-noinput",  # which reads nothing all the same
    }
