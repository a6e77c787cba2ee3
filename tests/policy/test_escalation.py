"""Escalations: what several reviews allow together, what becomes of the requirements, and which are in vain."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given

from policy import documents, lint
from policy.engine import evaluate
from policy.proposal import Proposal
from policy.verdict import Escalation, Outcome, Requirement, Verdict
from tests.policy.strategies import POLICY, PROPOSAL, REVIEW
from tests.policy.test_engine import CALL, compiled, random_cases, review

Later = dict[str, Any]


def after(minutes: int, *groups: str, **fields: Any) -> Later:
    """Return a review's fields with an escalation."""
    return {"escalate": {"after_minutes": minutes, "groups": list(groups)}, **fields}


COMBINED: list[tuple[str, list[Later], tuple[int, str] | None]] = [
    ("one review", [after(30, "board", "legal")], (30, "board legal")),
    ("the latest, to those in common", [after(30, "board", "legal"), after(60, "board")], (60, "board")),
    ("the later one names more", [after(30, "board"), after(60, "board", "legal")], (60, "board")),
    ("three", [after(3, "a", "b"), after(1, "b", "c"), after(2, "b")], (3, "b")),
    ("one has none", [after(30, "board"), {}], None),
    ("one says null", [after(30, "board"), {"escalate": None}], None),
    ("nobody in common", [after(30, "board"), after(30, "legal")], None),
    ("in common by pairs only", [after(3, "a", "b"), after(3, "b", "c"), after(3, "a", "c")], None),
    ("when another ends", [after(30, "board"), after(5, "board", open_minutes=30)], None),
    ("after another ended", [after(30, "board"), after(5, "board", open_minutes=20)], None),
    ("just before another ends", [after(30, "board"), after(5, "board", open_minutes=31)], (30, "board")),
]


@pytest.mark.parametrize(("effects", "expected"), [row[1:] for row in COMBINED], ids=[row[0] for row in COMBINED])
def test_an_escalation_takes_every_review_to_allow_it(effects: list[Later], expected: tuple[int, str] | None) -> None:
    wanted = Escalation(expected[0], frozenset(expected[1].split())) if expected else None
    for order in permutations(effects):
        verdict = evaluate(CALL, compiled(*(review(f"r{at}", effect=one) for at, one in enumerate(order))))
        assert (verdict.outcome, verdict.escalation) == (Outcome.NEEDS_APPROVAL, wanted)


def test_a_denied_call_escalates_to_nobody() -> None:
    no: Any = {"name": "no", "match": {"tools": ["*"]}, "deny": {"message": "No."}}
    verdict = evaluate(CALL, compiled(review(effect=after(5, "board")), no))
    assert (verdict.outcome, verdict.escalation, verdict.escalated()) == (Outcome.DENIED, None, ())


def test_requirements_that_become_equal_stay_apart() -> None:
    everyone, a, b = (frozenset(groups) for groups in ("abm", "a", "b"))
    escalation = Escalation(5, everyone)
    for asked in ((Requirement(1, a), Requirement(1, b)), (Requirement(1, a), Requirement(2, b))):
        verdict = Verdict(Outcome.NEEDS_APPROVAL, (), requirements=asked, escalation=escalation)
        assert verdict.escalated() == tuple(Requirement(one.count, everyone) for one in asked)
        assert replace(verdict, escalation=None).escalated() == asked


@random_cases
@given(POLICY, PROPOSAL)
def test_an_escalation_widens_who_answers_and_lowers_nothing(written: list[dict[str, Any]], call: Proposal) -> None:
    verdict = evaluate(call, compiled(*written))
    pairs = list(zip(verdict.requirements, verdict.escalated(), strict=True))
    added = verdict.escalation.groups if verdict.escalation else frozenset[str]()
    assert [(one.count, one.groups | added) for one, _ in pairs] == [(later.count, later.groups) for _, later in pairs]


def test_a_verdict_stored_before_there_were_escalations_is_still_read() -> None:
    stored = evaluate(CALL, compiled(review())).as_dict()
    older = {name: value for name, value in stored.items() if name not in ("reminders", "escalation")}
    assert (stored["reminders"], stored["escalation"]) == (True, None)
    assert Verdict.from_dict(older) == Verdict.from_dict(stored)


# Escalations in vain


NEEDS = [{"count": 1, "groups": ["approver", "legal"]}, {"count": 2, "groups": ["approver", "board", "ceo"]}]


def idle(effect: dict[str, Any]) -> list[str]:
    """Return what lint says of an escalation in vain."""
    found = lint.findings(documents.from_value({"format": 1, "rules": [review(effect=effect)]}), {"files.delete": {}})
    assert not any(one.is_error for one in found)
    return [one.problem for one in found if one.code == "idle_escalation"]


@pytest.mark.parametrize(
    ("groups", "is_idle"),
    [
        (["approver"], True),
        (["board"], False),
        (["legal"], False),
        (["legal", "board"], False),
        (["approver", "board"], False),
        (["other"], False),
    ],
)
def test_an_escalation_to_those_who_are_asked_anyway_is_found(groups: list[str], is_idle: bool) -> None:
    said = "members of approver are asked from the beginning, so its escalation changes nothing; "
    way_out = "name other groups, or leave it out"
    assert idle(after(5, *groups, requirements=NEEDS)) == ([said + way_out] if is_idle else [])


@random_cases
@given(REVIEW)
def test_lint_is_right_about_every_escalation(effect: dict[str, Any]) -> None:
    verdict = evaluate(CALL, compiled(review(effect=effect)))
    changes_nothing = verdict.escalation is not None and verdict.escalated() == verdict.requirements
    assert bool(idle(effect)) == changes_nothing
