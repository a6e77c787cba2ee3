"""Halts: who sets and lifts them, and the time that they give back: the union of all that stopped a call, once."""

import os
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import itemgetter
from unittest import mock

import pytest

from agents import halts
from agents.errors import InvalidFieldError, NotEligibleError, NotFoundError
from agents.models import Agent, Halt, ToolCall
from audit.models import AuditEvent
from m1site.accounts.models import User
from policy.models import Tool
from tests.agents.steps import events, operator
from tests.factories import make_agent, make_run, make_tool_call, make_tool_version, make_user

pytestmark = pytest.mark.django_db
ROUNDS = max(3, int(os.environ.get("M1_RACE_ROUNDS", "200")) // 20)
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
UNTIL = NOON + timedelta(days=9)
Interval = tuple[int, int]
Scope = dict[str, Agent | Tool]


@pytest.mark.parametrize(
    ("groups", "fields", "may"),
    [
        (["operator"], {}, True),
        (["administrator"], {}, True),
        ([], {"is_superuser": True}, True),
        (["approver"], {}, False),
        (["auditor"], {}, False),
        (["requester"], {}, False),
        (["break-glass"], {}, False),
        ([], {}, False),
        (["operator"], {"is_active": False}, False),
        (["operator"], {"kind": "service"}, False),
    ],
)
def test_who_halts_and_lifts(groups: list[str], fields: dict[str, object], may: bool) -> None:
    user, halt = make_user("", *groups, **fields), halts.set_halt(actor=operator(), reason="Look first.")
    user = User.objects.get(pk=user.pk)
    assert halts.may_halt(user) == may
    if may:
        assert halts.set_halt(actor=user, reason="Look twice.") == halts.in_force().first()
        halts.lift(halt.pk, actor=user)
        return
    for act in (lambda: halts.set_halt(actor=user, reason="No."), lambda: halts.lift(halt.pk, actor=user)):
        with pytest.raises(NotEligibleError):
            act()
    assert Halt.objects.filter(lifted_at=None).count() == 1
    assert events(halt) == ["halt.set"]


def test_a_halt_says_why_and_names_one_thing() -> None:
    agent, tool = make_agent(), make_tool_version().tool
    for reason in ("", " \n", "x" * 4_001, "a\0b"):
        with pytest.raises(InvalidFieldError, match="reason"):
            halts.set_halt(actor=operator(), reason=reason)
    with pytest.raises(InvalidFieldError, match="tool"):
        halts.set_halt(actor=operator(), reason="Both.", agent=agent, tool=tool)
    assert not Halt.objects.exists()
    assert not AuditEvent.objects.filter(action__startswith="halt.").exists()


def test_a_halt_is_lifted_once() -> None:
    halt = halts.set_halt(actor=operator(), reason="Look first.")
    halts.lift(halt.pk, actor=operator())
    halts.lift(halt.pk, actor=operator())  # a repeat
    with pytest.raises(NotFoundError):
        halts.lift(halt.pk, actor=make_user("", "operator"))
    assert events(halt) == ["halt.set", "halt.lifted"]


class Story:
    """Two agents, two tools, a call of each pair, and halts of every scope over a day of 1,440 minutes."""

    def __init__(self, seed: int) -> None:
        self.draw, self.operator = random.Random(seed), operator()
        self.agents = [make_agent(), make_agent()]
        self.versions = [make_tool_version("files.write"), make_tool_version("files.delete")]
        self.tools = [version.tool for version in self.versions]
        moments = self.draw.sample(range(1, 1_440), 16)
        self.halts = [(self._scope(), *sorted(moments[at : at + 2])) for at in range(0, 12, 2)]
        self.births = moments[12:]
        self.calls: list[tuple[int, ToolCall]] = []
        self.made: dict[int, Halt] = {}

    def _scope(self) -> Scope:
        return self.draw.choice([{}, *({"agent": one} for one in self.agents), *({"tool": one} for one in self.tools)])

    def play(self) -> None:
        """Let every halt be set and lifted, and every call be born, at its minute and in order."""
        acts = [(begin, partial(self._set, number)) for number, (_, begin, _) in enumerate(self.halts)]
        acts += [(end, partial(self._lift, number)) for number, (_, _, end) in enumerate(self.halts)]
        acts += [(born, partial(self._bear, born, number)) for number, born in enumerate(self.births)]
        for minute, act in sorted(acts, key=itemgetter(0)):
            with mock.patch("audit.clock.now", lambda minute=minute: NOON + timedelta(minutes=minute)):
                act()

    def _set(self, number: int) -> None:
        self.made[number] = halts.set_halt(actor=self.operator, reason=f"Look {number}.", **self.halts[number][0])

    def _lift(self, number: int) -> None:
        halts.lift(self.made[number].pk, actor=self.operator)

    def _bear(self, minute: int, number: int) -> None:
        born = NOON + timedelta(minutes=minute)
        facts = {
            "created_at": born,
            "round_began_at": born,
            "expires_at": UNTIL,
            "remind_at": UNTIL,
            "escalate_at": None,
        }
        status, run = self.draw.choice(["pending", "approved"]), make_run(agent=self.agents[number % 2])
        self.calls.append((minute, make_tool_call(status, run=run, version=self.versions[number // 2], **facts)))

    def stopped(self, born: int, call: ToolCall) -> int:
        """Return the minutes in which something stopped the call, counted one by one."""
        reaching = [(begin, end) for scope, begin, end in self.halts if reaches(scope, call)]
        return sum(any(begin <= minute < end for begin, end in reaching) for minute in range(born, 1_440))


def reaches(scope: Scope, call: ToolCall) -> bool:
    return scope in ({}, {"agent": call.run.agent}, {"tool": call.tool_version.tool})


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_overlapping_halts_give_back_the_union_exactly_once(seed: int) -> None:
    story = Story(seed)
    story.play()
    for born, call in story.calls:
        call.refresh_from_db()
        assert call.round_began_at
        given = {call.expires_at - UNTIL, call.remind_at - UNTIL, call.round_began_at - call.created_at}
        assert given == {timedelta(minutes=story.stopped(born, call))}, (story.halts, born)
        assert call.escalate_at is None


@pytest.mark.parametrize(
    ("intervals", "minutes"),
    [
        ([(10, 20)], 10),
        ([(10, 20), (30, 40)], 20),
        ([(10, 30), (20, 40)], 30),
        ([(10, 40), (20, 30)], 30),
        ([(10, 20), (15, 30), (25, 40), (50, 60)], 40),
        ([(20, 30), (10, 40), (5, 25)], 35),
    ],
)
def test_the_union_by_hand(intervals: list[Interval], minutes: int) -> None:
    story = Story(1)
    story.halts, story.births = [({}, *one) for one in intervals], [0]
    story.play()
    assert minutes_given(story.calls[0][1]) == minutes


def test_what_has_ended_or_executes_gets_nothing() -> None:
    story = Story(2)
    story.halts, story.births = [({}, 10, 30)], [5, 6, 7, 8]
    story.play()
    assert [minutes_given(call) for _, call in story.calls] == [20] * 4
    story.halts, story.births = [({}, 110, 130)], []
    for (_, call), status in zip(story.calls, ("executing", "rejected", "expired", "approved"), strict=True):
        ToolCall.objects.filter(pk=call.pk).update(status=status)
    story.play()
    assert [minutes_given(call) for _, call in story.calls] == [20, 20, 20, 40]


def minutes_given(call: ToolCall) -> float:
    until = ToolCall.objects.get(pk=call.pk).expires_at
    assert until
    return (until - UNTIL).total_seconds() / 60


def test_a_halt_names_what_it_stops() -> None:
    version, agent = make_tool_version(), make_agent("mailer")
    other = make_tool_call(run=make_run())
    call = make_tool_call(run=make_run(agent=agent), version=version)

    def stopped() -> Iterable[ToolCall]:
        return ToolCall.objects.filter(halts.stops_call()).order_by("pk")

    halts.set_halt(actor=operator(), reason="A.", agent=agent)
    assert list(stopped()) == [call]
    assert halts.on(agent.pk, "files.write") == "The agent mailer is halted: A."
    assert halts.on(other.run.agent_id, "files.write") == ""
    halts.set_halt(actor=operator(), reason="B.", tool=version.tool)
    assert len(list(stopped())) == 2
    assert halts.on(other.run.agent_id, "files.write") == "The tool files.write is halted: B."
    assert halts.on(other.run.agent_id, "files.read") == ""
    halts.set_halt(actor=operator(), reason="C.")
    assert halts.on(other.run.agent_id, "files.read") == "Everything is halted: C."
