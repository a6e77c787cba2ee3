"""People ask at a fixed rate while something dies every few seconds; a supervisor starts again whatever has ended."""

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from tests.faults.site import Site
from tests.killing import below
from tests.people import until

REST_SECONDS = 240
LOOK_SECONDS = 0.2
SLOW, SLOW_SECONDS = 0.3, 1.5  # that part of all tools takes up to so long to come back from its effect
OPEN = """
    SELECT request_id::text, arguments_digest, round, status FROM agents_toolcall WHERE status IN ('pending', 'lost')"""
UNENDED = "SELECT count(*) FROM agents_agentrun WHERE status IN ('planning', 'waiting')"


class Soak:
    """A storm with a seed: the same seed strikes the same things in the same order.

    struck   how often each thing was
    asked    runs that somebody was told of
    """

    def __init__(self, site: Site, seed: int) -> None:
        self._site, self._random = site, random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._answered: set[tuple[str, int, str]] = set()
        self._work: list[Future[Any]] = []
        self._over = threading.Event()
        self._slow, self._coming = SLOW, list[str]()
        self.struck: Counter[str] = Counter()
        self.asked = 0
        self.strikes: dict[str, Callable[[], None]] = {
            **{f"{name} killed": self._killer(name) for name in ("web", "planner", "executor", "housekeeping", "beat")},
            "planner's child killed": self._child_killer("planner"),
            "executor's child killed": self._child_killer("executor"),
            "Redis killed": self._redis,
            "Redis flushed": site.flush_redis,
            "Redis silent": self._silence,
            "PostgreSQL stopped": lambda: self._postgres(signal.SIGQUIT),
            "PostgreSQL killed": lambda: self._postgres(signal.SIGKILL),
        }

    def rage(self, seconds: float, *, per_second: float, pause: tuple[float, float]) -> None:
        """Ask and strike for so many seconds, then let everything come to rest.

        pause   seconds between two strikes, at least and at most
        """
        with self._people(), self._supervisor():
            began = time.monotonic()
            strike_at, release_at = began + self._random.uniform(*pause), began
            while (now := time.monotonic()) < began + seconds:
                if self.asked < (now - began) * per_second:
                    self.asked += 1
                    self._later(self._site.client.run, f"soak {self.asked}", "counter")
                if now >= strike_at:
                    self._strike()
                    strike_at = time.monotonic() + self._random.uniform(*pause)
                if now >= release_at:
                    self._site.effects.release()
                    release_at = now + SLOW_SECONDS
                self._over.wait(0.02)
            self._site.effects.release()
            self._slow = 0.0
            for future in list(self._work):
                future.result(REST_SECONDS)
            until(self._is_at_rest, REST_SECONDS, what="every run has ended")

    def _strike(self) -> None:
        if not self._coming:  # each of them once before any comes again
            self._coming = self._random.sample(sorted(self.strikes), len(self.strikes))
        name = self._coming.pop()
        self.struck[name] += 1
        self.strikes[name]()

    def _later(self, act: Callable[..., object], *arguments: object) -> None:
        self._work.append(self._site.threads.submit(act, *arguments))

    def _is_at_rest(self) -> bool:
        return self._site.rows(UNENDED) == [(0,)]

    @contextmanager
    def _people(self) -> Iterator[None]:
        """Have ava say yes to all that asks, and settle what is lost, as long as the block lasts."""
        with self._thread(self._answer):
            yield

    @contextmanager
    def _supervisor(self) -> Iterator[None]:
        """Start again whatever has ended, as the demo does."""
        with self._thread(lambda: [child.look_after() for child in self._site.m1.children.values()]):
            yield

    @contextmanager
    def _thread(self, act: Callable[[], object]) -> Iterator[None]:
        over = threading.Event()

        def live() -> None:
            while not over.wait(LOOK_SECONDS):
                with suppress(psycopg.OperationalError):
                    act()

        thread = threading.Thread(target=live, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _answer(self) -> None:
        for request_id, digest, round_, status in self._site.rows(OPEN):
            if (request_id, round_, status) in self._answered:
                continue
            self._answered.add((request_id, round_, status))
            if status == "pending":
                if self._random.random() < self._slow:
                    self._site.effects.hold(request_id)
                self._later(self._site.client.approve, request_id, digest, round_)
            else:
                outcome = "succeeded" if self._site.effects.counts[request_id] else "failed"
                self._later(self._site.client.settle, request_id, outcome)

    def _killer(self, name: str) -> Callable[[], None]:
        return lambda: _kill(self._process(name))

    def _child_killer(self, name: str) -> Callable[[], None]:
        return lambda: _kill(self._random.choice(sorted(below(self._process(name))) or [0]))

    def _process(self, name: str) -> int:
        process = self._site.m1.children[name].process
        return process.pid if process else 0

    def _redis(self) -> None:
        self._site.stop_redis()
        self._over.wait(self._random.uniform(0, 3))
        self._site.start_redis()

    def _silence(self) -> None:
        self._site.freeze_redis()
        self._over.wait(self._random.uniform(1, 4))
        self._site.freeze_redis(thaw=True)

    def _postgres(self, how: signal.Signals) -> None:
        self._site.postgres.end(how)
        self._over.wait(self._random.uniform(0, 3))
        self._site.postgres.begin_again()


def _kill(process: int) -> None:
    with suppress(ProcessLookupError):
        if process:
            os.kill(process, signal.SIGKILL)
