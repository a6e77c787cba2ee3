"""Races against the clock, with real threads on PostgreSQL: sweeps, halts and the end of the time to decide."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from agents import due, halts, sweeps
from agents.approval import eligibility
from agents.executing import execution
from agents.models import Block, Halt, ToolCall
from audit import clock
from tests.agents import steps
from tests.agents.test_races import Together, copies, counted, reject
from tests.world import World

pytestmark = [
    pytest.mark.races,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL"),
]
ROUNDS = int(os.environ.get("M1_RACE_ROUNDS", "4"))


@pytest.fixture
def two() -> Iterator[Together]:
    threads = Together(2)
    yield threads
    threads.close()


def test_two_sweepers_remind_once_and_escalate_once(world: World, two: Together) -> None:
    for call in copies(steps.ask(world, "files.delete", {"path": "a.txt"}), ROUNDS):
        past = clock.now() - timedelta(seconds=1)
        ToolCall.objects.filter(pk=call.pk).update(remind_at=past, escalate_at=past, escalation_groups=["duty"])
        assert sorted(two.do(due.remind_due, due.remind_due)) == [0, 1]
        assert sorted(two.do(due.escalate_due, due.escalate_due)) == [0, 1]
        assert counted(call) == {"tool_call.reminded": 1, "tool_call.escalated": 1}
        assert sorted(eligibility.asked_groups(call)) == ["approver", "duty"]
        ToolCall.objects.filter(pk=call.pk).update(status="expired")


def test_two_halts_that_are_lifted_at_once_give_their_union_back_once(world: World, two: Together) -> None:
    call, operator = steps.ask(world), steps.operator()
    tool = call.tool_version.tool
    for _ in range(ROUNDS):
        pair = [halts.set_halt(actor=operator, reason="A."), halts.set_halt(actor=operator, reason="B.", tool=tool)]
        before = ToolCall.objects.get(pk=call.pk).expires_at
        assert two.do(*[lambda halt=halt: halts.lift(halt.pk, actor=operator) for halt in pair]) == [None, None]
        rows = Halt.objects.filter(pk__in=[halt.pk for halt in pair])
        union = max(row.lifted_at for row in rows) - min(row.created_at for row in rows)
        assert ToolCall.objects.get(pk=call.pk).expires_at - before == union


def test_a_halt_that_is_set_while_another_is_lifted_counts_no_time_twice(world: World, two: Together) -> None:
    call, operator = steps.ask(world), steps.operator()
    for _ in range(ROUNDS):
        first, before = halts.set_halt(actor=operator, reason="A."), ToolCall.objects.get(pk=call.pk).expires_at
        _, second = two.do(
            lambda halt=first: halts.lift(halt.pk, actor=operator), lambda: halts.set_halt(actor=operator, reason="B.")
        )
        halts.lift(second.pk, actor=operator)
        spans = [(row.created_at, row.lifted_at) for row in Halt.objects.filter(pk__in=[first.pk, second.pk])]
        total, overlap = sum((end - begin for begin, end in spans), timedelta()), spans_overlap(*spans)
        assert ToolCall.objects.get(pk=call.pk).expires_at - before == total - overlap


def spans_overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> timedelta:
    return max(timedelta(), min(one[1], other[1]) - max(one[0], other[0]))


def test_a_no_against_the_time_running_out(world: World, two: Together) -> None:
    for call in copies(steps.ask(world), ROUNDS):
        soon = clock.now() + timedelta(milliseconds=3)
        ToolCall.objects.filter(pk=call.pk).update(expires_at=soon)
        call.refresh_from_db()
        two.do(reject(call, world.ava), sweeps.expire_due)
        ToolCall.objects.filter(pk=call.pk).update(expires_at=clock.now() - timedelta(hours=1))
        sweeps.expire_due()
        call.refresh_from_db()
        ends = counted(call)
        assert call.status in ("rejected", "expired")
        assert ends["tool_call.rejected"] + ends["tool_call.expired"] == 1
        assert call.decisions.count() == Block.objects.filter(call=call).count() == (call.status == "rejected")
        assert not execution.expire(call)
