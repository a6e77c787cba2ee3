"""A call that kills whoever takes it up, and a Redis that is flushed, poisoned and silent while people work."""

import os
import signal

import pytest
import redis

from agents.queue import MAX_ATTEMPTS
from tests.faults.gates import Gate
from tests.faults.messages import MARK, PICKLED
from tests.faults.site import WAIT_SECONDS, Site
from tests.faults.soak import Soak
from tests.killing import is_alive
from tests.people import until

pytestmark = pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL")
DUE = "UPDATE agents_outbox SET next_at = clock_timestamp(), taken_until = clock_timestamp() WHERE key = %s RETURNING 1"
SECONDS = 60 if os.environ.get("M1_TEST_FAULTS") == "long" else 5


def test_a_call_that_kills_every_executor_is_parked_and_the_others_go_on(site: Site) -> None:
    run, other = site.client.run("poison", "counter"), site.client.run("goes on", "counter")
    (poison, digest), (sound, sound_digest) = site.pending(run), site.pending(other)
    with Gate(site.database_url, "claim", "poison") as gate:  # whoever claims the call waits at its COMMIT
        site.client.approve(poison, digest)
        for _ in range(MAX_ATTEMPTS):
            process = until(gate.waiting, WAIT_SECONDS, what="an executor claims the call")
            os.kill(process, signal.SIGKILL)
            until(lambda: not is_alive(process), what="its end")  # noqa: B023
            gate.turn_away()
            site.rows(DUE, poison)
        site.client.approve(sound, sound_digest)
        assert site.m1.ended(other, WAIT_SECONDS)["answer"] == "It was counted."
    until(lambda: not site.rows(DUE, poison), WAIT_SECONDS, what="the call is parked")
    assert site.m1.ended(run, WAIT_SECONDS)["answer"] == "It was not counted."
    (failed,) = site.m1.events(f"tool_call:{poison}", "tool_call.failed")
    assert failed["payload"]["error_code"] == "undispatchable"
    assert (site.effects.counts[poison], site.effects.counts[sound]) == (0, 1)
    until(lambda: site.reconcile()["violations"] == [], WAIT_SECONDS, what="all is at rest, and agrees")


def test_a_redis_in_trouble_loses_nothing_and_does_nothing_twice(site: Site) -> None:
    storm = Soak(site, 1)
    storm.strikes = {name: storm.strikes[name] for name in ("Redis flushed", "Redis silent")}
    storm.strikes["Redis poisoned"] = lambda: poison_cache(site)
    storm.rage(SECONDS, per_second=2.0, pause=(0.3, 1.0))
    report = site.reconcile()
    assert (report["violations"], report["duplicates"], report["lost_requests"]) == ([], 0, 0)
    assert (storm.struck.total() > 0, site.client.wrong, MARK.exists()) == (True, [], False)


def poison_cache(site: Site) -> None:
    """Put what runs a program when it is unpickled, and nonsense, in the place of all that is cached."""
    with redis.Redis.from_url(f"{site.m1.facts.redis}/1") as cache:
        for number, key in enumerate(cache.scan_iter()):
            cache.delete(key)
            cache.set(key, (PICKLED, b"\xff{", b"[[[", b'{"a": 1}')[number % 4], ex=60)
