"""A PostgreSQL server for one test run."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg

from m1site.demo import pdeathsig
from m1site.demo.redis_server import free_port
from tests.services.postgres_cluster import Cluster, PostgresNotStartedError, environment, make_cluster

START_SECONDS = 60
STOP_SECONDS = 30
PORTS_TRIED = 5  # between asking for a free port and using it, somebody else may take it
FAST = ("--fsync=off", "--synchronous_commit=off", "--full_page_writes=off")


@dataclass
class PostgresServer:
    """A running server; it ends when stopped, or with the process that started it. It may be ended and begin again."""

    process: subprocess.Popen[bytes]
    cluster: Cluster
    port: int
    options: tuple[str, ...] = ()

    @classmethod
    def start(cls, *, durable: bool = False) -> Self:
        """Return a server that answers.

        durable   write to the disk as in production; else a crash of the machine may cost the data
        Raises PostgresNotStartedError.
        """
        remove_leftovers()
        directory = Path(tempfile.mkdtemp(prefix=f"m1-pg-{os.getpid()}-", dir="/tmp"))  # a socket's path: 107 bytes
        try:
            cluster = make_cluster(directory)
            for _ in range(PORTS_TRIED):
                server = cls._spawn(cluster, free_port(), () if durable else FAST)
                if server._answers_in_time():
                    return server
                server._end()
            raise PostgresNotStartedError((directory / "log").read_text(errors="replace")[-2000:])
        except BaseException:
            shutil.rmtree(directory)
            raise

    @classmethod
    def _spawn(cls, cluster: Cluster, port: int, options: tuple[str, ...]) -> Self:
        command = [str(cluster.binaries / "postgres"), "-D", str(cluster.directory / "data")]
        command += ["-h", "127.0.0.1", "-p", str(port), "-k", str(cluster.directory), "-N", "200", *options]
        with (cluster.directory / "log").open("ab") as log:
            process = subprocess.Popen(
                pdeathsig.wrap(command, signal.SIGINT, user=cluster.user),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=cluster.directory,
                env=environment(),
                start_new_session=True,
            )
        return cls(process, cluster, port, options)

    def url(self, database: str) -> str:
        """Return the address of a database, password included."""
        return f"postgres://m1:{self.cluster.password}@127.0.0.1:{self.port}/{database}"

    def end(self, by: signal.Signals = signal.SIGINT) -> None:
        """End the server and keep its data: SIGINT in good order, SIGQUIT at once, SIGKILL as a crash."""
        self.process.send_signal(by)
        self.process.wait(STOP_SECONDS)

    def begin_again(self) -> None:
        """Start the server that has ended: same data, same port. Raises PostgresNotStartedError."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.process = self._spawn(self.cluster, self.port, self.options).process
            if self._answers_in_time():
                return
            self._end()
            time.sleep(0.05)  # what a killed server left behind has not ended yet
        raise PostgresNotStartedError((self.cluster.directory / "log").read_text(errors="replace")[-2000:])

    def stop(self) -> None:
        """End the server and remove its directory."""
        self._end()
        shutil.rmtree(self.cluster.directory)

    def _end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _answers_in_time(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return True
        return False


def remove_leftovers() -> None:
    """Remove the directories of servers whose parent was killed; the servers themselves ended with it."""
    for directory in Path("/tmp").glob("m1-pg-*-*"):
        try:
            os.kill(int(directory.name.split("-")[2]), 0)
        except ProcessLookupError:
            shutil.rmtree(directory, ignore_errors=True)
        except PermissionError:
            continue  # somebody else's, alive
