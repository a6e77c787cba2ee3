"""All of M1 in real processes, as the demo starts them, on a database and a broker of their own."""

import json
import os
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from m1site.demo import door, environment, keys, roles, workspace
from m1site.demo.environment import Facts
from m1site.demo.place import Place
from m1site.demo.processes import Child, run_once, stop_all
from m1site.demo.redis_server import RedisServer
from tests.people import People, until
from tests.services.brokers import Broker, RedisBroker
from tests.visitor import Visitor

TOOLS = "policy.tools.files,policy.tools.email,policy.tools.http,tests.tools.hostile"
STOP_SECONDS = 4
TAIL_CHARACTERS = 3_000


@dataclass(frozen=True)
class OnServer(Place):
    """A place whose database is on a server."""

    server_url: str = field(default="", repr=False)

    @property
    def database_url(self) -> str:
        """The database on the server, else the place's own SQLite file."""
        return self.server_url or super().database_url


@dataclass
class Processes(People):
    """M1 as it runs: its processes by name, the people who come to its door, and what it shows to nobody but tests.

    broker  that passes the messages on: the Redis server, unless the test brought another
    told    what the set-up said: passwords and API keys by name, a pre-authorisation for reading
    heard   all that M1 sent to visitors: headers and bodies
    """

    facts: Facts
    redis: RedisServer
    broker: Broker
    children: Mapping[str, Child]
    told: dict[str, Any] = field(repr=False)
    heard: list[str] = field(default_factory=list, repr=False)
    sessions: dict[str, Visitor] = field(default_factory=dict, repr=False)

    def visitor(self, name: str) -> Visitor:
        """Return somebody who comes with an API key."""
        return Visitor(self.facts.url, self.told["keys"][name], self.heard)

    def signed_in(self, name: str) -> Visitor:
        """Return somebody who has signed in; the second time with the session of the first."""
        if name not in self.sessions:
            visitor = Visitor(self.facts.url, heard=self.heard)
            answer = visitor.sign_in(name, self.told["passwords"][name])
            assert answer.status == 200, answer.text
            self.sessions[name] = visitor
        return self.sessions[name]

    def run(self, agent: str, visitor: Visitor | None = None, *, preauthorized: bool = False) -> str:
        """Give an agent a goal, as riley; return the run's id."""
        body = {"goal": "Tidy the workspace and tell the customer", "agent": agent}
        if preauthorized:
            body["preauthorization"] = self.told["preauthorization"]
        answer = (visitor or self.visitor("riley")).post("runs", body)
        assert answer.status == 201, answer.text
        return str(answer.json["id"])

    def tails(self) -> Iterator[tuple[str, str]]:
        """Return the ends of the logs, by name."""
        for log in sorted(self.facts.place.logs.glob("*.log")):
            yield log.name, log.read_text(errors="replace")[-TAIL_CHARACTERS:]


def own_database() -> str:
    """Return the address of a new database on the run's server; "" stands for a SQLite file."""
    server = os.environ["M1_TEST_DATABASE_URL"].rpartition("/")[0]
    if server.startswith("sqlite:"):
        return ""
    name = f"m1_processes_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{server}/{name}"


class Tails:
    """A plugin that puts the ends of the logs under each test that failed."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add sections to the report."""
        report = yield
        if report.failed:
            report.sections.extend((f"log of {name}", tail) for name, tail in self._processes.tails())
        return report


@contextmanager
def running(
    config: pytest.Config,
    directory: Path,
    database_url: str,
    *,
    effects: str,
    model: Mapping[str, str],
    arguments: Mapping[str, str] | None = None,
    broker: Broker | None = None,
) -> Iterator[Processes]:
    """Start everything, seeded, and stop it at the end. The web answers and the workers start when this returns.

    database_url   of a server; "" is a SQLite file in the directory
    effects        where the tool `effects.count` tells of its effects
    model          ANTHROPIC_API_KEY and ANTHROPIC_BASE_URL
    arguments      further ones of a process's program, by its name; they win over the demo's
    broker         that passes the messages on; without it the Redis server does that, which keeps the cache
    """
    place = OnServer(**vars(Place.at(directory)), server_url=database_url)
    with ExitStack() as stack:
        place.make()
        workspace.fill(place.workspace)
        lock = stack.enter_context(place.locked())
        sockets = [stack.enter_context(one) for one in door.listen(0)]
        redis = RedisServer.start(place.redis)
        stack.callback(redis.stop)
        url = f"http://localhost:{door.port_of(sockets)}"
        redis_url, broker_url = redis.url.removesuffix("/0"), broker.url if broker else ""
        facts = Facts(place, keys.load(place.secrets), url, redis_url, model, broker=broker_url)
        children = {child.name: child for child in roles.children(facts, sockets, lock)}
        for child in children.values():
            child.environment = {**child.environment, "M1_TOOLS": TOOLS}
        for name, more in (arguments or {}).items():
            children[name].command = [*children[name].command, *more.split()]
        executor = children["executor"]
        executor.environment = {**executor.environment, "M1_TEST_EFFECTS_URL": effects}
        _step(["m1site.demo.within", "install"], "", facts, lock)
        told = json.loads(_step(["tests.process_seed"], "web", facts, lock))
        stack.callback(stop_all, list(children.values()), STOP_SECONDS)
        for child in children.values():
            child.start()
        processes = Processes(facts, redis, broker or RedisBroker(redis, place.redis), children, told)
        config.pluginmanager.register(tails := Tails(processes))
        stack.callback(config.pluginmanager.unregister, tails)
        until(lambda: door.answers(door.port_of(sockets)), 60, what="the web answers")
        yield processes


def _step(module: list[str], role: str, facts: Facts, lock: int) -> str:
    told = {**environment.of(role, facts), "M1_TOOLS": TOOLS}
    return run_once([sys.executable, "-m", *module], told, facts.place.log("setup"), [lock])
