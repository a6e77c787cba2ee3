"""The processes of the demo: which programs, with which arguments, in which role."""

import signal
import socket
import sys
from collections.abc import Sequence

from m1site.demo import environment
from m1site.demo.environment import Facts
from m1site.demo.processes import Child, run_once

GUNICORN = "gunicorn m1site.wsgi:application --worker-class gthread --workers 2 --threads 4 --no-control-socket"
WORKER = "celery --app m1site.celery worker --pool prefork --without-gossip --without-mingle --without-heartbeat"
NOTIFY = "django m1 notify work"
BEAT = "celery --app m1site.celery beat --pidfile="
CONCURRENCY = {"planner": 2, "executor": 4, "housekeeping": 1}  # tools wait for others most of their time
GRACE_SECONDS = 3


def children(facts: Facts, listening: Sequence[socket.socket], lock: int) -> list[Child]:
    """Return all processes of the demo, not started yet: web, a worker per role, beat, and who tells people, if any."""
    sockets = [one.fileno() for one in listening]
    beat = f"{BEAT} --schedule {facts.place.beat / 'schedule'}"
    found = [
        _child("web", "web", _gunicorn(sockets), facts, [lock, *sockets]),
        *(_child(role, role, _worker(role, count), facts, [lock]) for role, count in CONCURRENCY.items()),
        _child("beat", "housekeeping", beat.split(), facts, [lock], death_signal=signal.SIGTERM),
    ]
    if facts.notify:
        found.append(_child("notifications", "housekeeping", NOTIFY.split(), facts, [lock]))
        found[-1].environment = environment.of_notifications(facts)
    return found


def prepare(step: str, *arguments: str, role: str, facts: Facts, lock: int) -> str:
    """Run a step of the set-up, as a role, and return what it printed. Raises DemoError."""
    command = [sys.executable, "-m", "m1site.demo.within", step, *arguments]
    return run_once(command, environment.of(role, facts), facts.place.log("setup"), [lock])


def _child(
    name: str,
    role: str,
    program: Sequence[str],
    facts: Facts,
    keep_open: Sequence[int],
    death_signal: signal.Signals = signal.SIGQUIT,  # at once: SIGTERM would wait for the tools that run
) -> Child:
    command = [sys.executable, "-m", *program]
    return Child(name, command, environment.of(role, facts), facts.place.log(name), keep_open, death_signal)


def _gunicorn(sockets: Sequence[int]) -> list[str]:
    binds = [part for number in sockets for part in ("--bind", f"fd://{number}")]
    return [*GUNICORN.split(), "--forwarded-allow-ips", "", "--graceful-timeout", str(GRACE_SECONDS), *binds]


def _worker(role: str, concurrency: int) -> list[str]:
    return [*WORKER.split(), "--concurrency", str(concurrency), "--queues", role, "--hostname", f"{role}@%h"]
