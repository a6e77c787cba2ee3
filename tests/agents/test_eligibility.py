"""Who may do what to a call: everybody of any relation to it, against every act, by the functions that act."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from agents import tool_calls
from agents.approval import blocks, break_glass, break_glass_group, editing, eligibility
from agents.errors import AgentsError, InvalidFieldError, PolicyDeniesError, WrongStateError
from agents.models import ToolCall
from agents.states import Status
from m1site.accounts.models import User
from tests.agents.relations import (
    APPROVER,
    CASES,
    MAY,
    MISSING,
    Case,
    Who,
    allow_self,
    olga,
    riley,
    second_account_of,
    stands_in,
)
from tests.agents.stage import set_up
from tests.agents.steps import shown
from tests.factories import decide, make_user

pytestmark = pytest.mark.django_db


def acts(call: ToolCall, user: User) -> dict[str, Callable[[], object]]:
    """Return every act by name, a review of somebody's break-glass in another round among them."""
    said: dict[str, Any] = {"actor": user, "seen": shown(call)}
    broken = decide(call, make_user(), kind="break_glass", round=call.round + 50)
    return {
        "approve": lambda: tool_calls.approve(call.pk, **said),
        "reject": lambda: tool_calls.reject(call.pk, **said, comment="No."),
        "edit": lambda: editing.edit(call.pk, **said, arguments=b'{"path":"other","content":"x"}', comment="Better."),
        "glass": lambda: break_glass.break_glass(call.pk, **said, reason="The house is on fire."),
        "review": lambda: break_glass.review(broken.pk, actor=user, note="It was."),
        "reopen": lambda: blocks.reopen(call.pk, actor=user, reason="Yes, please."),
        "settle": lambda: tool_calls.settle(call.pk, actor=user, outcome="failed", note="I looked."),
    }


def said_before(call: ToolCall, user: User) -> dict[str, str]:
    """Return what the pages say before anybody tries."""
    broken = call.decisions.get(kind="break_glass")
    return {
        "reject": eligibility.why_not(call, user),
        "edit": editing.why_not(call, user),
        "glass": break_glass_group.why_not(call, user),
        "review": break_glass.why_not_review(broken, user),
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_who_may_do_what_to_a_call(case: Case) -> None:
    stage = set_up()
    user = case.who(stage)
    stage.call.refresh_from_db()
    waits = eligibility.waiting_for(user).filter(pk=stage.call.pk).exists()
    assert waits == (case.vote == MAY)
    act = acts(stage.call, user)
    said = said_before(stage.call, user)
    for name in ("approve", "reject", "edit", "glass", "review"):
        told = tried(act[name])
        assert_told(told, case.expected(name), name)
        assert case.vote == MISSING or name not in said or bool(said[name]) == bool(told), (name, said, told)
    for name, status in (("reopen", "rejected"), ("settle", "lost")):
        stage.call_is(status=status)
        assert_told(tried(act[name]), case.expected(name), name)


def assert_told(told: str, expected: str, name: str) -> None:
    assert told == expected if expected == MAY else expected in told, (name, told, expected)


def tried(act: Callable[[], object]) -> str:
    """Return what somebody is told who tries, "" if nothing speaks against them; and let nothing of it stay."""
    point = transaction.savepoint()
    try:
        act()
    except (PolicyDeniesError, WrongStateError):  # let in: there is no policy here, and nothing is blocked
        return MAY
    except AgentsError as exc:
        return str(exc)
    finally:
        transaction.savepoint_rollback(point)
    return MAY


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.PENDING}))
def test_nobody_decides_what_does_not_wait(status: str) -> None:
    stage = set_up()
    user = make_user("", "approver", "break-glass")
    stage.call_is(status=status)
    assert f"The call is {status}" in eligibility.why_not(stage.call, user)
    assert f"The call is {status}" in break_glass_group.why_not(stage.call, user)
    assert not eligibility.waiting_for(user).exists()
    assert bool(blocks.may_reopen(stage.call, user)) == (status != Status.REJECTED)


@pytest.mark.parametrize(
    ("who", "flagged", "in_place_of_another"),
    [
        (APPROVER, False, False),
        (riley("approver"), True, False),
        (olga("approver"), True, False),
        (second_account_of(riley()), True, False),
        (stands_in(APPROVER), False, True),
        (stands_in(APPROVER, APPROVER), False, False),
        (stands_in(riley("approver")), True, True),
    ],
    ids=["approver", "requester", "owner", "second account", "stand-in", "own place first", "stand-in of requester"],
)
def test_a_vote_on_ones_own_request_is_flagged_and_a_stand_in_is_named(
    who: Who, flagged: bool, in_place_of_another: bool
) -> None:
    stage = set_up()
    user = allow_self(who)(stage)
    tool_calls.approve(stage.call.pk, actor=user, seen=shown(stage.call))
    vote = stage.call.decisions.get()
    assert (vote.person, vote.is_self_approval) == (user, flagged)
    assert (vote.on_behalf_of is not None) == in_place_of_another


@pytest.mark.parametrize(
    ("outcome", "note"), [("failed", ""), ("failed", "x" * 4_001), ("failed", "a\0b"), ("lost", "x"), ("pending", "x")]
)
def test_a_call_is_settled_as_one_of_two_with_a_note(outcome: str, note: str) -> None:
    stage = set_up()
    stage.call_is(status="lost")
    with pytest.raises(InvalidFieldError):
        tool_calls.settle(stage.call.pk, actor=make_user("", "approver"), outcome=outcome, note=note)
    stage.call.refresh_from_db()
    assert (stage.call.status, stage.call.note) == ("lost", "")


def test_who_broke_the_glass_does_not_review_it_by_a_second_account() -> None:
    stage = set_up()
    who = make_user("", "break-glass", "auditor", email="gina@example.com")
    again = make_user("", "auditor", email="GINA@example.com")
    row = decide(stage.call, who, kind="break_glass")
    for user in (who, again):
        assert "a second person reviews it" in tried(partial(break_glass.review, row.pk, actor=user, note="Fine."))
    assert break_glass.unreviewed(again).get() == row
    break_glass.review(row.pk, actor=make_user("", "auditor"), note="Fine.")
    assert not break_glass.unreviewed(again).exists()


def test_the_name_on_record_is_cut_where_the_column_ends() -> None:
    stage = set_up()
    user = make_user("u" * 150, "approver", first_name="f" * 150, last_name="l" * 150)
    tool_calls.approve(stage.call.pk, actor=user, seen=shown(stage.call))
    assert stage.call.decisions.get().person_name == f"{'f' * 150} {'l' * 149}"


@pytest.mark.parametrize(
    ("told", "kept"),
    [(None, None), (-5, 0), (1.26, 1.3), (1e300, 2_592_000), (float("nan"), None), (float("inf"), None)],
)
def test_how_long_the_page_was_open_is_a_number_or_unknown(told: float | None, kept: float | None) -> None:
    stage = set_up()
    seen = shown(stage.call, open_seconds=told)
    tool_calls.approve(stage.call.pk, actor=make_user("", "approver"), seen=seen)
    assert stage.call.decisions.get().open_seconds == kept
