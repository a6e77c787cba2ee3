"""Every process ten minutes ahead or behind, each against its neighbour: the database's clock alone decides."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
import time_machine
from pytest_django import Settings

from tests.agents import steps
from tests.effects_server import EffectsServer
from tests.faults import clock, reconcile
from tests.people import until
from tests.processes import Processes, own_database, running
from tests.world import World

pytestmark = [
    pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL"),
    pytest.mark.skipif(os.environ.get("M1_TEST_FAULTS") != "long", reason="`make faults` runs it"),
]
REST_SECONDS = 90
SIGNS = [1, -1]  # half of the processes are behind with either


@pytest.fixture(scope="module")
def effects() -> Iterator[EffectsServer]:
    with EffectsServer() as server:
        yield server


@pytest.fixture(scope="module")
def m1(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, effects: EffectsServer
) -> Iterator[Processes]:
    directory = tmp_path_factory.mktemp("m1")
    with running(request.config, directory, own_database(), effects=effects.url, model={}) as processes:
        yield processes


@pytest.mark.parametrize("sign", SIGNS)
def test_nothing_runs_or_ends_early_or_late_by_a_wrong_clock(m1: Processes, effects: EffectsServer, sign: int) -> None:
    clock.shift(m1, sign)
    began = clock.database_time(m1)
    (held,), (short,), (long,) = (m1.waiting(m1.run("counter")) for _ in range(3))
    effects.hold()
    assert m1.approve(held).status == 200
    until(lambda: effects.counts[held["requestId"]], what="the effect")
    expires_at = clock.expire_soon(m1, short, 2)
    until(lambda: m1.status(short) == "expired", REST_SECONDS, what="the sweep")
    assert (m1.status(held), m1.status(long)) == ("executing", "pending"), "a lease and an opening by that clock"
    effects.release()
    assert m1.ended(held["run"])["answer"] == "It was counted."
    issued, used, ends = clock.token_times(m1, held)
    assert ends - issued == timedelta(minutes=5)
    assert began - timedelta(seconds=1) < issued < used < clock.database_time(m1)
    assert clock.event_times(m1, short)[-1] >= expires_at
    for call in (held, short, long):
        times = [began, *clock.event_times(m1, call), clock.database_time(m1)]
        assert times == sorted(times), "the trail's order is that of the one clock"
    with psycopg.connect(m1.facts.place.database_url) as connection:
        report = reconcile.reconcile(connection, effects.counts, moving=True)
    assert report["violations"] == []


def test_a_clock_that_is_set_back_while_it_runs_stops_no_sweep(m1: Processes) -> None:
    calls = [m1.waiting(m1.run("counter"))[0] for _ in range(2)]
    beat = m1.children["beat"].process
    assert beat
    beat.send_signal(signal.SIGUSR2)
    for call in calls:  # the second one is found by a round that began after the clock was set
        clock.expire_soon(m1, call, 0)
        until(lambda call=call: m1.status(call) == "expired", REST_SECONDS, what="the sweep")  # type: ignore[misc]


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [-clock.SKEW_SECONDS, 0, clock.SKEW_SECONDS])
@pytest.mark.parametrize(("minutes", "status"), [(5, "executing"), (0, "pending")])
def test_a_token_lives_by_the_database_clock(
    world: World, settings: Settings, minutes: int, status: str, seconds: int
) -> None:
    settings.M1_APPROVAL_TOKEN_TTL_MINUTES = minutes
    call = steps.approved(world)
    with time_machine.travel(timedelta(seconds=seconds)):
        claimed = steps.claim(call)
    call.refresh_from_db()
    assert (claimed is not None, call.status) == (status == "executing", status)


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [-clock.SKEW_SECONDS, clock.SKEW_SECONDS])
def test_a_token_that_was_signed_by_a_wrong_clock_is_a_good_one(world: World, seconds: int) -> None:
    with time_machine.travel(timedelta(seconds=seconds)):
        call = steps.approved(world)
    assert steps.claim(call)
