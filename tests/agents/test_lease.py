"""A worker that was held up begins no tool by what it knew before: it asks, and the tool's process looks once more."""

import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import OperationalError

from agents import tool_calls
from agents.executing import execution, lease, tries
from agents.executing.claiming import Claimed
from agents.executing.lease import FRESH_SECONDS, Lease
from agents.models import Execution
from agents.runs import lease_seconds
from agents.sandbox import answer, running
from policy import registry
from tests.agents import steps
from tests.world import World

TOOLS = registry.load(["tests.tools.hostile"])
LIMITS = running.Limits(seconds=10, cpu_seconds=10, memory_mb=512, output_bytes=10_000, open_files=64)


def refuse() -> bool:
    return False


def be_away() -> bool:
    raise OperationalError


def never() -> bool:
    raise AssertionError("a query for every call")


@pytest.mark.parametrize(
    ("held_up", "renew", "holds"),
    [
        (0.0, never, True),
        (FRESH_SECONDS, lambda: True, True),
        (FRESH_SECONDS, refuse, False),
        (FRESH_SECONDS, be_away, True),
        (lease_seconds() - 0.5, be_away, True),
        (lease_seconds() + 0.5, be_away, False),
        (lease_seconds() + 0.5, lambda: True, True),  # nobody has taken the call for lost yet, and now nobody will
    ],
)
def test_a_worker_that_was_held_up_asks_before_it_begins(
    monkeypatch: pytest.MonkeyPatch, held_up: float, renew: Callable[[], bool], holds: bool
) -> None:
    began = lease.now()
    monkeypatch.setattr(lease, "now", lambda: began)
    mine = Lease(renew)
    monkeypatch.setattr(lease, "now", lambda: began + held_up)
    assert mine.holds() is holds


@pytest.mark.parametrize(("seconds", "begun"), [(-0.1, False), (60.0, True)])
def test_the_tools_own_process_looks_once_more(seconds: float, begun: bool) -> None:
    tool = TOOLS["hostile.look"]
    begin_by = time.clock_gettime(time.CLOCK_BOOTTIME) + seconds
    result = running.run(
        tool,
        tool.function,
        b"{}",
        request_id=str(uuid4()),
        limits=LIMITS,
        environment={},
        beat=lambda: True,
        begin_by=begin_by,
    )
    assert (result.ok, result.error_code) == ((True, "") if begun else (False, "not_begun"))


def test_nothing_is_started_for_whoever_does_not_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Lease(refuse)
    mine.until -= FRESH_SECONDS
    monkeypatch.setattr(running, "run", never)
    claimed = Claimed(uuid4(), TOOLS["hostile.look"], b"{}")
    assert tries.run(claimed, limits=LIMITS, environment={}, lease=mine, retried=never) == answer.not_begun()


@pytest.mark.django_db
@pytest.mark.parametrize(("is_asked", "status"), [(True, "cancelled"), (False, "failed")])
def test_a_call_that_was_not_begun_is_cancelled_if_a_person_stopped_it(
    world: World, is_asked: bool, status: str
) -> None:
    call = steps.approved(world)
    steps.claim(call)
    if is_asked:
        tool_calls.cancel(call.pk, actor=steps.fresh(world.riley), reason="Not now.")
    assert execution.finish(call.pk, answer.not_begun(), worker="worker")
    call.refresh_from_db()
    assert (call.status, Execution.objects.get(pk=call.pk).error_code) == (status, "not_begun")
    assert "it has not run" in Execution.objects.get(pk=call.pk).error
