"""Standing in for somebody who is away: for whom, when, never twice and never passed on."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from agents import visibility
from agents.approval import decisions, delegations, eligibility
from agents.errors import InvalidFieldError, NotEligibleError, NotFoundError
from agents.models import AgentRun, Delegation
from audit import clock
from m1site.accounts.models import User
from policy import tokens
from tests.agents.stage import HOUR
from tests.agents.steps import approve, ask, events, fresh, propose, reject, shown
from tests.factories import make_user
from tests.world import World, person

pytestmark = pytest.mark.django_db
DAYS = timedelta(days=1)


def away(user: User, to: User, begins: float = -1, ends: float = 24, reason: str = "Holidays.") -> Delegation:
    """Have somebody be away, in hours from now."""
    now = clock.now()
    moments = {"starts_at": now + begins * HOUR, "ends_at": now + ends * HOUR}
    return delegations.delegate(person=fresh(user), delegate=fresh(to), reason=reason, **moments)


def test_a_stand_in_decides_in_anothers_place_and_both_stand_on_record(world: World) -> None:
    dora, call = person("dora"), ask(world)
    row = away(world.ava, dora, reason=" Holidays. ")
    assert (row.reason, events(row)) == ("Holidays.", ["delegation.given"])
    assert eligibility.waiting_for(dora).get() == call
    assert visibility.may_view_bodies(dora, call)
    assert approve(call, dora).status == "approved"
    vote = call.decisions.get()
    assert (vote.person, vote.on_behalf_of, vote.is_self_approval) == (dora, world.ava, False)


def test_an_end_comes_at_once_and_the_call_does_not_exist_any_more(world: World) -> None:
    dora, call = person("dora"), ask(world)
    row = away(world.ava, dora)
    delegations.end(row.pk, actor=world.ava)
    assert events(row) == ["delegation.given", "delegation.ended"]
    for answer in (approve, reject):
        with pytest.raises(NotFoundError):
            answer(call, dora)
    assert not visibility.calls_visible_to(dora).exists()
    assert not eligibility.waiting_for(dora).exists()


@pytest.mark.parametrize(
    ("who", "may"),
    [("person", True), ("delegate", True), ("stranger", False), ("operator", False), ("superuser", True)],
)
def test_who_ends_it(who: str, may: bool) -> None:
    users = {"person": make_user(), "delegate": make_user(), "stranger": make_user()}
    users |= {"operator": make_user("", "operator"), "superuser": make_user("", is_superuser=True)}
    row = away(users["person"], users["delegate"])
    if not may:
        with pytest.raises(NotFoundError):
            delegations.end(row.pk, actor=users[who])
        assert events(row) == ["delegation.given"]
        return
    delegations.end(row.pk, actor=users[who])
    with pytest.raises(NotFoundError):
        delegations.end(row.pk, actor=users[who])
    row.refresh_from_db()
    assert (row.ended_by, bool(row.ended_at)) == (users[who], True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": " \n"}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "a\0b"}, "reason"),
        ({"begins": 2, "ends": 2}, "ends_at"),
        ({"begins": 3, "ends": 2}, "ends_at"),
        ({"begins": -5, "ends": -1}, "ends_at"),
        ({"begins": 0, "ends": 24 * 92 + 1}, "ends_at"),
    ],
)
def test_what_cannot_be(change: dict[str, float], field: str) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        away(make_user(), make_user(), **change)  # type: ignore[arg-type]
    assert refused.value.facts["field"] == field
    assert not Delegation.objects.exists()


@pytest.mark.parametrize(
    ("person_is", "delegate_is", "error"),
    [
        ({"kind": "service"}, {}, NotEligibleError),
        ({"is_active": False}, {}, NotEligibleError),
        ({}, {"kind": "service"}, InvalidFieldError),
        ({}, {"is_active": False}, InvalidFieldError),
        ({"email": "a@example.com"}, {"email": "A@Example.com"}, InvalidFieldError),
        ({"email": "unknown"}, {"email": "unknown"}, None),
    ],
)
def test_both_are_active_people_and_two(
    person_is: dict[str, str], delegate_is: dict[str, str], error: type[Exception] | None
) -> None:
    user, to = make_user("", **person_is), make_user("", **delegate_is)
    if error is None:
        assert away(user, to)
        return
    with pytest.raises(error):
        away(user, to)
    assert not Delegation.objects.exists()


def test_nobody_stands_in_for_themselves() -> None:
    user = make_user()
    with pytest.raises(InvalidFieldError, match="somebody else"):
        away(user, user)


@pytest.mark.parametrize(
    ("first", "second", "conflict"),
    [
        ("a b 0 10", "a c 5 15", "have a stand-in already"),
        ("a b 0 10", "a b 5 15", "have a stand-in already"),
        ("a b 0 10", "a c 10 15", ""),
        ("a b 5 10", "a c 0 5", ""),
        ("a b 0 10", "b c 5 15", "not passed on"),
        ("a b 0 10", "b c 10 15", ""),
        ("a b 0 10", "c a 5 15", "who is away in that time"),
        ("a b 0 10", "c a 10 15", ""),
        ("a b 0 10", "b a 2 3", "who is away in that time"),
        ("a b 0 10", "c b 5 15", ""),
        ("a b 0 10 ended", "a c 5 15", ""),
        ("a b 0 10 ended", "b a 5 15", ""),
    ],
)
def test_conflicts(first: str, second: str, conflict: str) -> None:
    users = {name: make_user(name) for name in "abc"}

    def ask_for(said: str) -> Delegation:
        user, to, begins, ends, *ended = said.split()
        row = away(users[user], users[to], begins=int(begins), ends=int(ends) - 0.001)
        if ended:
            delegations.end(row.pk, actor=users[user])
        return row

    ask_for(first)
    if not conflict:
        assert ask_for(second)
        return
    with pytest.raises(InvalidFieldError, match=conflict):
        ask_for(second)
    assert Delegation.objects.count() == 1


def test_one_may_stand_in_for_several_and_answers_once(world: World) -> None:
    dora, call = person("dora"), ask(world, "files.delete", {"path": "a.txt"})
    for user in (world.ava, world.sam):
        away(user, dora)
    assert [one.username for one in delegations.acting_for(dora)] == ["ava", "sam"]
    assert approve(call, dora).status == "pending"
    with pytest.raises(NotEligibleError, match="decided already"):
        reject(call, dora)
    with pytest.raises(NotEligibleError, match="decided already"):
        approve(call, world.ava)
    assert approve(call, world.sam).status == "approved"


def test_nobody_says_yes_ahead_of_time_in_anothers_place(world: World) -> None:
    dora = person("dora")
    away(world.ava, dora)
    row = tokens.issue_preauthorization(
        person=dora, agents=["outsider"], requesters=["riley"], tools=["files.read"], max_uses=3, expires_in_minutes=60
    )
    call = ask(world, "files.read", {"path": "a.txt"})
    AgentRun.objects.filter(pk=call.run_id).update(preauthorization=row, waiting_for="external")
    (asked,) = propose(call.run, ("files.read", {"path": "b.txt"}))
    assert (asked.status, asked.decisions.count()) == ("pending", 0)
    row.refresh_from_db()
    assert row.uses == 0
    said = {"answer": "approve", "kind": "preauthorization", "token": row, "seen": shown(asked, surface="planner")}
    with pytest.raises(NotEligibleError, match="ahead of time in another's place"):
        decisions.record(asked, dora, **said)


def test_it_counts_between_its_moments_only(world: World) -> None:
    dora = person("dora")
    away(world.ava, dora, begins=1, ends=2)
    assert delegations.acting_for(dora) == []
    now = clock.now()
    found = [delegations.in_force(now + hours * HOUR).count() for hours in (0.9, 1.1, 1.9, 2.1)]
    assert found == [0, 1, 1, 0]


def test_nothing_of_it_can_be_rewritten(world: World) -> None:
    row = away(world.ava, world.sam)
    rows = Delegation.objects.filter(pk=row.pk)
    changes: list[Callable[[], object]] = [
        lambda: rows.update(ends_at=clock.now() + 400 * DAYS), lambda: rows.update(delegate=world.riley), rows.delete,
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
