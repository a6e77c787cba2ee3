"""At the claim the same people are counted again, by what they are then and by what the policy asks then."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group

from agents import due
from agents.approval import break_glass, delegations
from agents.models import Execution, ToolCall
from audit import clock
from m1site.accounts.models import User
from tests.agents import steps
from tests.agents.stage import HOUR
from tests.agents.steps import approve, ask, claim, events, fresh, publish
from tests.agents.test_quorum_rules import FINANCE_AND_SECURITY, HEAD, rule
from tests.world import World, person

pytestmark = pytest.mark.django_db
Change = Callable[[World, ToolCall], object]


def leaves(name: str) -> Change:
    return lambda world, call: User.objects.get(username=name).groups.clear()


def tighter(world: World, call: ToolCall) -> None:
    publish(world, HEAD + rule("both", "2 finance", "1 security"))


def other_groups(world: World, call: ToolCall) -> None:
    publish(world, HEAD + rule("both", "1 finance", "1 legal"))


def looser(world: World, call: ToolCall) -> None:
    publish(world, HEAD + rule("both", "1 finance security"))


def looser_and_one_leaves(world: World, call: ToolCall) -> None:
    looser(world, call)
    leaves("finn")(world, call)


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
        (looser_and_one_leaves, False),
        (wider, True),
        (joins("finn", "legal"), True),
    ],
    ids=["as it was", "first leaves", "last leaves", "first is the author", "last is the author", "another wrote it",
         "tighter", "other groups", "looser", "looser and one leaves", "wider", "first joins another group"],
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


def test_an_escalation_that_has_not_come_counts_for_nobody(world: World) -> None:
    publish(world, ESCALATING)
    call = approve(ask(world), world.ava)
    publish(world, HEAD + rule("one", "1 board", escalate="{after_minutes: 5, groups: [approver]}"))
    assert_claim(call, runs=False)


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


def test_a_yes_by_two_accounts_of_one_person_is_one(world: World) -> None:
    call = approve(ask(world, "files.delete", {"path": "a.txt"}), world.ava)
    call = approve(call, world.sam)
    assert call.status == "approved"
    for one in (world.ava, world.sam):
        User.objects.filter(pk=one.pk).update(email=f"{'Ava' if one == world.sam else 'ava'}@example.com")
    assert fresh(world.ava).email.lower() == fresh(world.sam).email.lower()
    assert_claim(call, runs=False)
