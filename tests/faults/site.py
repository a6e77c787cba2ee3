"""All of M1 with servers that can be stopped and started again, and what a test needs to see and to do there."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from celery import Celery

from m1site.demo.redis_server import RedisServer
from tests import claude_server
from tests.effects_server import EffectsServer
from tests.faults import gates
from tests.faults.client import Client
from tests.people import until
from tests.processes import Processes, running
from tests.services.postgres import PostgresServer

RECONCILE = Path(__file__).with_name("reconcile.py")
WAIT_SECONDS = 90  # for what takes moments on an idle machine
WORKERS = ("planner", "executor")
NOBODY = {"ANTHROPIC_API_KEY": claude_server.KEY, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
ARGUMENTS = {"executor": "--concurrency 8", "planner": "--concurrency 4", "web": "--threads 16"}  # half may be held
DIGEST = "SELECT request_id::text, arguments_digest, round, status FROM agents_toolcall WHERE run_id = %s"


@dataclass
class Site:
    """M1, its servers, the server outside that counts effects, and everybody who asks M1 for something.

    stranger   who sends messages past M1
    after      what is to be done once M1 has ended
    """

    m1: Processes
    postgres: PostgresServer
    effects: EffectsServer
    client: Client
    stranger: Celery
    after: ExitStack
    restarts: list[str] = field(default_factory=list)
    _told: list[Any] = field(default_factory=list)
    _own: threading.local = field(default_factory=threading.local)
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(32))

    @property
    def database_url(self) -> str:
        """The address of M1's database."""
        return self.m1.facts.place.database_url

    def rows(self, query: str, *parameters: object) -> list[Any]:
        """Return what a query finds; each thread keeps a connection for as long as it holds."""
        try:
            return self._connection().execute(query.encode(), parameters).fetchall()
        except psycopg.OperationalError:  # the server was stopped since
            self._own.connection.close()
            return self._connection().execute(query.encode(), parameters).fetchall()

    def _connection(self) -> psycopg.Connection[Any]:
        kept: psycopg.Connection[Any] | None = getattr(self._own, "connection", None)
        if kept is None or kept.closed:
            self._own.connection = kept = psycopg.connect(self.database_url, autocommit=True)
        return kept

    def pending(self, run: str) -> tuple[str, str]:
        """Return request id and digest of the run's call as soon as it waits for people."""
        found = until(lambda: [row for row in self.rows(DIGEST, run) if row[3] == "pending"], WAIT_SECONDS, what=run)
        return found[0][0], found[0][1]

    def look_after(self) -> None:
        """Start again what has ended by itself, as the supervisor of a deployment does."""
        self.restarts += [told for child in self.m1.children.values() if (told := child.look_after())]

    def await_workers(self, starts: int) -> None:
        """Wait until planner and executor have been ready once more than so often."""
        logs = [self.m1.facts.place.log(name) for name in WORKERS]
        until(lambda: all(log.read_text().count(" ready.") > starts for log in logs), WAIT_SECONDS, what="workers")

    def stop_redis(self) -> None:
        """End the broker as a crash does."""
        self.m1.redis.process.kill()
        self.m1.redis.process.wait()

    def start_redis(self) -> None:
        """Start the broker again, with what it had written down."""
        old = self.m1.redis
        self.m1.redis = RedisServer.start(self.m1.facts.place.redis, port=old.port, password=old.password)
        self.after.callback(self.m1.redis.stop)

    def freeze_redis(self, *, thaw: bool = False) -> None:
        """Have the broker keep silent, or speak again."""
        self.m1.redis.process.send_signal(signal.SIGCONT if thaw else signal.SIGSTOP)

    def flush_redis(self) -> None:
        """Throw away all that the broker holds."""
        redis.Redis.from_url(self.m1.redis.url).flushall()

    def reconcile(self) -> dict[str, Any]:
        """Return the report of the script that shares no code with M1, without the violations it told before."""
        place = self.m1.facts.place.directory
        effects, accepted = place / "effects.json", place / "accepted.json"
        effects.write_text(json.dumps(self.effects.counts))
        accepted.write_text(json.dumps(asdict(self.client.accepted)))
        command = [sys.executable, str(RECONCILE), "--database", self.database_url]
        command += ["--effects", str(effects), "--accepted", str(accepted)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        report["violations"] = [one for one in report["violations"] if one not in self._told]
        self._told += report["violations"]
        return report


@contextmanager
def started(config: pytest.Config, directory: Path) -> Iterator[Site]:
    """Start it all: a PostgreSQL that writes to the disk, a broker, every process of M1; gates stand open."""
    postgres = PostgresServer.start(durable=True)
    with ExitStack() as stack:
        stack.callback(postgres.stop)
        after = stack.enter_context(ExitStack())
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE m1_faults")
        effects = stack.enter_context(EffectsServer())
        url = postgres.url("m1_faults")
        m1 = stack.enter_context(
            running(config, directory, url, effects=effects.url, model=NOBODY, arguments=ARGUMENTS)
        )
        with Celery("stranger", set_as_current=False) as stranger:
            stranger.conf.broker_url = f"{m1.facts.redis}/0"
            gates.build(url)
            site = Site(m1, postgres, effects, Client(m1.visitor), stranger, after)
            stack.callback(site.threads.shutdown, wait=False, cancel_futures=True)
            site.await_workers(0)
            yield site
