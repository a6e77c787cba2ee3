"""Who is enough: people matched to places against brute force, several rules together, and again at the claim."""

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.approval import quorum
from agents.models import ToolCall
from policy.verdict import Requirement
from tests.agents.steps import approve, ask, claim, publish
from tests.world import World, person

Change = Callable[[World, ToolCall], object]
HEAD = "format: 1\nrules:\n"


def rule(name: str, *asked: str, **fields: Any) -> str:
    """Return a rule for files.write; each requirement is `count group group`."""
    lines = [f"  - name: {name}", "    match: {tools: [files.write]}", "    review:", "      requirements:"]
    for one in asked:
        count, *groups = one.split()
        lines.append(f"        - {{count: {count}, groups: [{', '.join(groups)}]}}")
    return "\n".join([*lines, *(f"      {key}: {value}" for key, value in fields.items()), ""])


def asks(*groups: str) -> Requirement:
    return Requirement(int(groups[0]), frozenset(groups[1:]))


@pytest.mark.parametrize(
    ("required", "voters", "missing"),
    [
        ("1 f;1 s", "", 2),
        ("1 f;1 s", "f", 1),
        ("1 f;1 s", "f f", 1),
        ("1 f;1 s", "f s", 0),
        ("1 f;1 s", "fs", 1),
        ("1 f;1 s", "fs s", 0),
        ("1 f;1 s", "fs f", 0),
        ("1 f;1 s", "fs fs", 0),
        ("1 fs", "s", 0),
        ("2 fs", "s f", 0),
        ("2 f;1 fs", "fs f", 1),
        ("2 f;1 fs", "fs f s", 0),
        ("1 a;1 ab;1 abc", "abc ab a", 0),
        ("1 abc;1 ab;1 a", "a ab abc", 0),
        ("1 abc;1 ab;1 a", "abc abc a", 0),
        ("1 abc;1 ab;1 a", "abc c a", 0),
        ("1 abc;1 ab;1 a", "c c a", 1),
        ("1 ab;1 bc;1 cd;1 da", "a b c d", 0),
        ("1 ab;1 bc;1 cd;1 da", "b c d a", 0),
        ("1 ab;1 bc;1 cd;1 da", "a a c c", 0),
        ("1 ab;1 bc;1 cd;1 da", "a a a c", 1),
        ("3 a", "a a", 1),
        ("1 a", "x y z", 1),
    ],
)
def test_a_person_fills_one_place_and_a_better_seating_is_found(required: str, voters: str, missing: int) -> None:
    wanted = [asks(one.split()[0], *one.split()[1]) for one in required.split(";")]
    people = {number: frozenset(groups) for number, groups in enumerate(voters.split())}
    assert quorum.missing(wanted, people) == missing
    assert quorum.is_met(wanted, people) == (missing == 0)


GROUPS = st.frozensets(st.sampled_from("abcd"), min_size=1, max_size=3)
REQUIRED = st.lists(st.builds(Requirement, st.integers(1, 2), GROUPS), min_size=1, max_size=3)
VOTERS = st.lists(st.frozensets(st.sampled_from("abcd"), max_size=3), max_size=5)


@settings(max_examples=300, deadline=None)
@given(REQUIRED, VOTERS)
def test_the_matching_is_the_best_of_all_seatings(required: list[Requirement], voters: list[frozenset[str]]) -> None:
    people: Mapping[object, frozenset[str]] = dict(enumerate(voters))
    assert quorum.missing(required, people) == least_missing(required, voters)


def least_missing(required: Sequence[Requirement], voters: Sequence[frozenset[str]]) -> int:
    """Return the least number of empty places over every order in which people take places that they fit."""
    places = [one.groups for one in required for _ in range(one.count)]
    seats: list[frozenset[str] | None] = [*voters, *[None] * len(places)]
    orders = permutations(range(len(seats)), len(places)) if len(places) <= 3 else _seatings(places, voters)
    return min(sum(not _fits(seats[at], place) for at, place in zip(order, places, strict=True)) for order in orders)


def _fits(person: frozenset[str] | None, place: frozenset[str]) -> bool:
    return person is not None and bool(person & place)


def _seatings(places: Sequence[frozenset[str]], voters: Sequence[frozenset[str]]) -> list[tuple[int, ...]]:
    """Return every seating of more places, person by person: those who fit nowhere stay away."""
    empty = len(voters)
    found: set[tuple[int, ...]] = {(empty,) * len(places)}
    for number, groups in enumerate(voters):
        found |= {
            (*one[:at], number, *one[at + 1 :])
            for one in found for at, place in enumerate(places) if one[at] == empty and groups & place
        }  # fmt: skip
    return list(found)


FINANCE_AND_SECURITY = HEAD + rule("both", "1 finance", "1 security")
SEVERAL = (
    HEAD + rule("money", "1 finance") + rule("safety", "1 security", "1 finance approver") + rule("all", "2 board")
)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("policy", "people", "statuses"),
    [
        (FINANCE_AND_SECURITY, ["finance", "security"], "pending approved"),
        (FINANCE_AND_SECURITY, ["finance", "finance", "security"], "pending pending approved"),
        (FINANCE_AND_SECURITY, ["finance security", "security"], "pending approved"),
        (FINANCE_AND_SECURITY, ["security", "finance security"], "pending approved"),
        (FINANCE_AND_SECURITY, ["finance security", "finance"], "pending approved"),
        (SEVERAL, ["finance", "security", "approver", "board", "board"], f"{4 * 'pending '}approved"),
        (SEVERAL, ["finance security", "finance", "finance", "board", "board"], f"{4 * 'pending '}approved"),
        (SEVERAL, ["approver", "approver", "finance board", "security board", "board", "board"],
         f"{5 * 'pending '}approved"),
    ],
)  # fmt: skip
def test_groups_are_asked_together_and_rules_combine(
    world: World, policy: str, people: list[str], statuses: str
) -> None:
    publish(world, policy)
    call = ask(world)
    voters = [person(f"p{number}", *groups.split()) for number, groups in enumerate(people)]
    assert [approve(call, one).status for one in voters] == statuses.split()
    assert claim(call) is not None
