"""From a yes to the tool's first instruction, and how many calls a second, with real workers and a real broker.

All of it has a database, a broker and keys of its own. The workers are started as the demo starts them.
"""

import json
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import mean

import redis
from django.conf import settings
from django.test.utils import override_settings

from m1site.bench import bare, execution_steps, own_database
from m1site.bench.execution_desk import TOOLS, Desk, output
from m1site.bench.timing import percentile
from m1site.celery import app
from m1site.demo import keys, roles
from m1site.demo.environment import Facts
from m1site.demo.place import Place
from m1site.demo.processes import Child, stop_all
from m1site.demo.redis_server import RedisServer
from policy import key_list

QUEUE = "executor"
WARM_UP, BARE_TASKS = 20, 3_000
IDLE_SECONDS, LOOK_SECONDS, STOP_SECONDS = 0.02, 0.01, 10


def main(probes: str, calls: str) -> dict[str, float]:
    """Return milliseconds from yes to start, calls a second beside bare tasks a second, and the steps of one call."""
    logging.disable(logging.WARNING)
    with own_database.own_database(), _servers() as facts:
        desk = Desk.opened()
        found = _latency(desk, facts, int(probes))
        bares = [_bare_per_second(facts)]
        ours = _calls_per_second(desk, facts, int(calls))
        bares.append(_bare_per_second(facts))
        found |= {"calls_per_second": ours, "bare_per_second": mean(bares), "over_bare": ours / mean(bares)}
        return {name: round(value, 3) for name, value in (found | execution_steps.measured(desk)).items()}


@contextmanager
def _servers() -> Iterator[Facts]:
    """Start a broker, and be to it and to the workers what the web process is."""
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="m1-bench-"))
        place = Place.at(Path(directory))
        place.make()
        secrets = keys.load(place.secrets)
        server = RedisServer.start(place.redis)
        stack.callback(server.stop)
        app.conf.broker_url = server.url
        known = replace(key_list.parse(secrets.public_keys)).with_private_key(secrets.private_key)
        stack.enter_context(
            override_settings(M1_KEYS=known, M1_AUDIT_MAC_KEY=secrets.audit_mac_key.encode(), M1_TOOLS=TOOLS)
        )
        yield Facts(place, secrets, "http://localhost", server.url.removesuffix("/0"), {})


@contextmanager
def _worker(facts: Facts, application: str) -> Iterator[None]:
    """Run the demo's executor with this Celery application until the block ends."""
    lock = (facts.place.directory / "lock").open("w")
    (child,) = [one for one in roles.children(facts, [], lock.fileno()) if one.name == QUEUE]
    child.environment = {**child.environment, "DATABASE_URL": own_database.url(), "M1_TOOLS": ",".join(TOOLS)}
    child.command = [application if word == app_name(child) else word for word in child.command]
    with lock:
        child.start()
        try:
            yield
        finally:
            stop_all([child], STOP_SECONDS)


def app_name(child: Child) -> str:
    """Return which Celery application a worker's command names."""
    return child.command[list(child.command).index("--app") + 1]


def _latency(desk: Desk, facts: Facts, probes: int) -> dict[str, float]:
    """Return how long after a person's yes the tool began, the worker having nothing else to do."""
    waits, clicks = [], []
    with _worker(facts, "m1site.celery"):
        for number, call in enumerate(desk.propose(probes + WARM_UP)):
            time.sleep(IDLE_SECONDS)
            began = time.monotonic_ns()
            desk.approve(call)
            clicked = time.monotonic_ns()
            started = int(json.loads(output(call.pk))["began"])
            if number >= WARM_UP:
                waits.append((started - began) / 1e6)
                clicks.append((clicked - began) / 1e6)
    found = {f"approve_to_start.p{share:g}": percentile(sorted(waits), share / 100) for share in (50, 95, 99)}
    return found | {"approve.p50": percentile(sorted(clicks), 0.5)}


def _calls_per_second(desk: Desk, facts: Facts, count: int) -> float:
    for call in desk.propose(count):
        desk.approve(call)
    return _drained(facts, "m1site.celery")


def _bare_per_second(facts: Facts) -> float:
    for number in range(BARE_TASKS):
        app.send_task(bare.NAME, args=[str(number)], queue=QUEUE)
    return _drained(facts, "m1site.bench.bare")


def _drained(facts: Facts, application: str) -> float:
    """Start a worker on what waits in the queue, and return how many messages it ends in a second."""
    broker = redis.Redis.from_url(settings.CELERY_BROKER_URL if not app.conf.broker_url else app.conf.broker_url)
    waiting = int(broker.llen(QUEUE))
    with _worker(facts, application):
        while (left := int(broker.llen(QUEUE))) > waiting - WARM_UP:
            time.sleep(LOOK_SECONDS)
        began = time.monotonic()
        while broker.llen(QUEUE) or broker.hlen("unacked"):
            time.sleep(LOOK_SECONDS)
        return left / (time.monotonic() - began)
