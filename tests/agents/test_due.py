"""By the clock: two reminders and one escalation, each exactly once, whatever the sweeps missed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest import mock

import pytest

from agents import due, halts, sweeping, visibility
from agents.approval import eligibility, rounds
from agents.errors import NotFoundError
from agents.models import ToolCall
from audit import clock
from audit.models import AuditEvent
from tests.agents import steps
from tests.agents.steps import approve, ask, events, propose, publish, reject
from tests.agents.test_quorum_rules import HEAD, rule
from tests.m1site.desk import told
from tests.world import World, person

pytestmark = pytest.mark.django_db
HOUR = HEAD + rule("hour", "1 approver", open_minutes=100)
LATER = HEAD + rule(
    "later", "1 approver", "1 finance", open_minutes=100, escalate="{after_minutes: 40, groups: [duty, approver]}"
)


@contextmanager
def at(call: ToolCall, minutes: float) -> Iterator[None]:
    """Let it be so many minutes after the call was asked for."""
    began = call.round_began_at or call.created_at
    with mock.patch("audit.clock.now", lambda: began + timedelta(minutes=minutes)):
        yield


def sweep(call: ToolCall, *moments: float) -> list[tuple[int, int]]:
    """Return how many reminders and escalations each sweep made; two sweeps come at every moment."""
    found = []
    for minutes in moments:
        with at(call, minutes):
            found += [(due.remind_due(), due.escalate_due()) for _ in range(2)]
    return found


@pytest.mark.parametrize(
    ("moments", "reminders"),
    [
        ([1, 49.9], [0, 0, 0, 0]),
        ([50], [1, 0]),
        ([50, 51, 89.9], [1, 0, 0, 0, 0, 0]),
        ([50, 90, 99.9], [1, 0, 1, 0, 0, 0]),
        ([95], [1, 1]),
        ([95, 99], [1, 1, 0, 0]),
        ([100], [0, 0]),
        ([60, 100.1], [1, 0, 0, 0]),
        ([500], [0, 0]),
    ],
)
def test_approvers_are_reminded_at_half_and_at_nine_tenths_once_each(
    world: World, moments: list[float], reminders: list[int]
) -> None:
    publish(world, HOUR)
    call = ask(world)
    assert [count for count, _ in sweep(call, *moments)] == reminders
    assert [facts["reminder"] for facts in told("tool_call.reminded")] == list(range(1, sum(reminders) + 1))
    assert events(call) == ["tool_call.pending"] + ["tool_call.reminded"] * sum(reminders)


def test_a_rule_may_want_no_reminders(world: World) -> None:
    publish(world, HEAD + rule("hour", "1 approver", open_minutes=100, reminders="false"))
    assert {count for count, _ in sweep(ask(world), 50, 90)} == {0}


def test_what_was_decided_or_superseded_is_not_reminded_of(world: World) -> None:
    publish(world, HOUR)
    first, second = propose(
        steps.external_run(world), ("files.write", steps.WRITE), ("files.write", {"path": "x", "content": ""})
    )
    approve(first, world.ava)
    reject(second, world.ava)
    assert sweep(first, 50, 90) == [(0, 0)] * 4


def test_a_new_round_has_reminders_of_its_own_within_the_time_that_is_left(world: World) -> None:
    publish(world, HOUR)
    call = steps.approved(world)
    with at(call, 60):
        assert steps.claim(call) is None  # the token has run out: back to people
        call.refresh_from_db()
        assert (call.status, call.round, call.reminders) == ("pending", 2, 0)
    began = call.created_at
    assert call.remind_at and abs(call.remind_at - began - timedelta(minutes=80)) < timedelta(seconds=5)
    assert [count for count, _ in sweep(call, 0, 19, 21, 37)] == [0, 0, 0, 0, 1, 0, 1, 0]


def test_a_new_round_that_ends_before_its_escalation_has_none(world: World) -> None:
    publish(world, LATER)
    call = ask(world)
    for name in ("approver", "finance"):
        call = approve(call, person(f"one of {name}", name))
    assert call.escalate_at
    with at(call, 61):
        assert steps.claim(call) is None
    call.refresh_from_db()
    assert (call.status, call.round, call.escalate_at, call.escalation_groups) == ("pending", 2, None, [])


def test_a_halt_puts_reminders_and_escalation_off_by_its_length(world: World) -> None:
    publish(world, LATER)
    call = ask(world)
    with at(call, 10):
        halt = halts.set_halt(actor=steps.operator(), reason="Look first.")
        type(halt).objects.filter(pk=halt.pk).update(created_at=clock.now())
    assert sweep(call, 45, 95, 200) == [(0, 0)] * 6
    with at(call, 210):
        halts.lift(halt.pk, actor=steps.operator())
    assert sweep(call, 211, 239) == [(0, 0)] * 4
    assert sweep(call, 241, 249, 251, 289, 291) == [(0, 1), *[(0, 0)] * 3, (1, 0), *[(0, 0)] * 3, (1, 0), (0, 0)]


def test_a_full_batch_hides_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(world, LATER)
    monkeypatch.setattr(sweeping, "BATCH", 2)
    calls = propose(steps.external_run(world), *[("files.write", {"path": str(n), "content": ""}) for n in range(5)])
    assert sweep(calls[-1], 50.1, 50.2) == [(2, 2), (2, 2), (1, 1), (0, 0)]


def test_an_escalation_adds_the_groups_of_the_rule_to_every_requirement_once(world: World) -> None:
    publish(world, LATER)
    call, dan = ask(world), person("dan", "duty")
    with pytest.raises(NotFoundError):
        approve(call, dan)
    assert not eligibility.waiting_for(dan).exists()
    assert sweep(call, 39.9, 40, 41) == [(0, 0), (0, 0), (0, 1), (0, 0), (0, 0), (0, 0)]
    asked = [(one.count, sorted(one.groups)) for one in rounds.requirements(call)]
    assert asked == [(1, ["approver", "duty"]), (1, ["approver", "duty", "finance"])]
    assert [facts["groups"] for facts in told("tool_call.escalated")] == [["approver", "duty"]]
    assert events(call) == ["tool_call.pending", "tool_call.escalated"]
    assert eligibility.waiting_for(dan).get() == call
    assert visibility.may_view_bodies(dan, call)
    assert [approve(call, one).status for one in (dan, world.ava)] == ["pending", "approved"]
    assert steps.claim(call) is not None


def test_one_person_still_fills_one_place_after_it(world: World) -> None:
    publish(world, LATER)
    call = ask(world)
    sweep(call, 40)
    assert approve(call, person("dan", "duty")).status == "pending"
    assert approve(call, person("deb", "duty")).status == "approved"


@pytest.mark.parametrize("end", ["approved", "rejected", "expired", "late"])
def test_what_does_not_wait_is_not_escalated(world: World, end: str) -> None:
    publish(world, LATER)
    call = ask(world)
    if end == "late":  # no sweep came by for hours; it expires, and nobody is asked any more
        assert sweep(call, 101) == [(0, 0)] * 2
    else:
        ToolCall.objects.filter(pk=call.pk).update(status=end)
        assert sweep(call, 41) == [(0, 0)] * 2
    assert not AuditEvent.objects.filter(action="tool_call.escalated").exists()


def test_without_a_rule_that_says_so_nobody_else_is_asked(world: World) -> None:
    publish(world, HOUR)
    call = ask(world)
    assert {count for _, count in sweep(call, 10, 99)} == {0}
    assert [sorted(one.groups) for one in rounds.requirements(call)] == [["approver"]]
