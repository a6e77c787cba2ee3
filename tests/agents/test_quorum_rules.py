"""Who is enough: people matched to places against brute force, several rules together, and again at the claim."""

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import Any

import pytest
from django.contrib.auth.models import Group
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import break_glass, delegations, due, quorum
from agents.models import Execution, ToolCall
from audit import clock
from m1site.accounts.models import User
from policy.verdict import Requirement
from tests.agents import steps
from tests.agents.stage import HOUR
from tests.agents.steps import approve, ask, claim, events, fresh, publish
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


def leaves(name: str) -> Change:
    return lambda world, call: User.objects.get(username=name).groups.clear()


def tighter(world: World, call: ToolCall) -> None:
    publish(world, HEAD + rule("both", "2 finance", "1 security"))


def other_groups(world: World, call: ToolCall) -> None:
    publish(world, HEAD + rule("both", "1 finance", "1 legal"))


def looser(world: World, call: ToolCall) -> None:
    publish(world, HEAD + rule("both", "1 finance security"))


def wider(world: World, call: ToolCall) -> None:
    publish(world, HEAD + rule("both", "1 finance legal", "1 security legal"))


def edited_by(name: str) -> Change:
    def change(world: World, call: ToolCall) -> None:
        """Make somebody the author of the arguments, as an edit that commits just before the claim would."""
        author = User.objects.get(username=name)
        row = call.revisions.get()
        row.pk, row.number, row.author = None, 2, author
        row.save(force_insert=True)

    return change


def joins(name: str, group: str) -> Change:
    return lambda world, call: User.objects.get(username=name).groups.add(Group.objects.get_or_create(name=group)[0])


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "runs"),
    [
        (lambda world, call: None, True),
        (leaves("finn"), False),
        (leaves("sue"), False),
        (edited_by("finn"), False),
        (edited_by("sue"), False),
        (edited_by("author"), True),
        (tighter, False),
        (other_groups, False),
        (looser, True),
        (wider, True),
        (joins("finn", "legal"), True),
    ],
    ids=["as it was", "first leaves", "last leaves", "first is the author", "last is the author", "another wrote it",
         "tighter", "other groups", "looser", "wider", "first joins another group"],
)  # fmt: skip
def test_at_the_claim_the_same_people_are_counted_again(world: World, change: Change, runs: bool) -> None:
    publish(world, FINANCE_AND_SECURITY)
    call = ask(world)
    for name, group in (("finn", "finance"), ("sue", "security")):
        call = approve(call, person(name, group))
    change(world, call)
    assert_claim(call, runs)


def assert_claim(call: ToolCall, runs: bool) -> None:
    """Claim the call; without enough people it goes back to them, in another round, and that is no attack."""
    assert (claim(call) is not None) == runs
    assert Execution.objects.filter(pk=call.pk).exists() == runs
    after = ToolCall.objects.get(pk=call.pk)
    assert (after.status, after.round) == (("executing", call.round) if runs else ("pending", call.round + 1))
    assert "attack.refused" not in events(call)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("end", "runs"),
    [
        ("", True), ("ended by the person", False), ("ended by the stand-in", False), ("over", True),
        ("person leaves", False), ("person is deactivated", False), ("person becomes the owner", False),
        ("stand-in is deactivated", False), ("stand-in becomes the owner", False),
    ],
)  # fmt: skip
def test_at_the_claim_a_stand_in_counts_as_long_as_both_do(world: World, end: str, runs: bool) -> None:
    now, dora = clock.now(), person("dora")
    row = delegations.delegate(
        person=world.ava, delegate=dora, starts_at=now - HOUR, ends_at=now + HOUR, reason="Holidays."
    )
    call = approve(ask(world), dora)
    assert call.status == "approved"
    user = world.ava if "person" in end else dora
    if end.startswith("ended"):
        delegations.end(row.pk, actor=user)
    elif end == "over":  # of itself: what was decided in time stays decided
        with steps.without_triggers():
            type(row).objects.filter(pk=row.pk).update(ends_at=clock.now())
    elif end.endswith("leaves"):
        user.groups.clear()
    elif end.endswith("deactivated"):
        User.objects.filter(pk=user.pk).update(is_active=False)
    elif end.endswith("owner"):
        type(call.run.agent).objects.filter(pk=call.run.agent_id).update(owner=user)
    assert_claim(call, runs)


ESCALATING = HEAD + rule("one", "1 approver", escalate="{after_minutes: 5, groups: [duty]}")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("policy", "runs"),
    [
        (None, True),
        (HEAD + rule("one", "1 approver"), False),
        (HEAD + rule("one", "1 approver", escalate="{after_minutes: 5, groups: [board]}"), False),
        (HEAD + rule("one", "1 approver", escalate="{after_minutes: 50, groups: [duty, board]}"), True),
        (HEAD + rule("one", "1 approver duty"), True),
    ],
    ids=["as it was", "no escalation", "to another group", "to that group too", "asked from the beginning"],
)
def test_at_the_claim_an_escalation_counts_while_the_policy_has_it(
    world: World, policy: str | None, runs: bool
) -> None:
    publish(world, ESCALATING)
    call = ask(world)
    ToolCall.objects.filter(pk=call.pk).update(escalate_at=clock.now())
    assert due.escalate_due() == 1
    call = approve(call, person("dan", "duty"))
    assert call.status == "approved"
    if policy:
        publish(world, policy)
    assert_claim(call, runs)


@pytest.mark.django_db
@pytest.mark.parametrize("loss", ["", "leaves", "deactivated", "becomes the owner"])
def test_at_the_claim_whoever_broke_the_glass_is_still_one_who_may(world: World, loss: str) -> None:
    call, gina = ask(world, "files.delete", {"path": "a.txt"}), person("gina", "break-glass")
    call = break_glass.break_glass(call.pk, actor=gina, seen=steps.shown(call), reason="The house is on fire.")
    if loss == "leaves":
        gina.groups.clear()
    elif loss == "deactivated":
        User.objects.filter(pk=gina.pk).update(is_active=False)
    elif loss:
        type(call.run.agent).objects.filter(pk=call.run.agent_id).update(owner=gina)
    assert_claim(call, not loss)


@pytest.mark.django_db
def test_a_last_yes_that_fell_away_where_others_are_enough_goes_back_to_people_and_is_no_attack(world: World) -> None:
    third, approvers = person("third", "approver"), Group.objects.get(name="approver")
    call = approve(ask(world, "files.delete", {"path": "a.txt"}), world.ava)
    world.ava.groups.clear()
    assert approve(call, world.sam).status == "pending"
    call = approve(call, third)
    assert call.status == "approved"
    world.ava.groups.add(approvers)
    User.objects.filter(pk=third.pk).update(is_active=False)
    assert_claim(call, runs=False)


@pytest.mark.django_db
def test_a_yes_by_two_accounts_of_one_person_is_one(world: World) -> None:
    call = approve(ask(world, "files.delete", {"path": "a.txt"}), world.ava)
    call = approve(call, world.sam)
    assert call.status == "approved"
    for one in (world.ava, world.sam):
        User.objects.filter(pk=one.pk).update(email=f"{'Ava' if one == world.sam else 'ava'}@example.com")
    assert fresh(world.ava).email.lower() == fresh(world.sam).email.lower()
    assert_claim(call, runs=False)
