"""Breaking the glass: one person in place of everybody, above no denial, flagged until a second one has looked."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, transaction

from agents import halts
from agents.approval import break_glass
from agents.approval.sign_in import SignIn
from agents.errors import (
    AgentsError,
    InvalidFieldError,
    NotEligibleError,
    NotFoundError,
    StaleDecisionError,
    StepUpRequiredError,
    ToolNotEnabledError,
    WrongStateError,
)
from agents.models import Agent, Decision, DecisionReview, ToolCall
from audit import clock
from m1site.accounts.models import User
from policy import allowlist, tokens
from policy.models import ApprovalToken
from tests.agents import steps
from tests.agents.steps import approve, ask, claim, events, fresh, propose, publish, reject, token_of, without_triggers
from tests.agents.test_claim import FORBID, OTHER, ahead, not_run
from tests.agents.test_quorum_rules import HEAD, rule
from tests.world import World, person

pytestmark = pytest.mark.django_db
FIRE = "The house is on fire."
HARD = HEAD + rule("hard", "2 approver", "1 finance")


@pytest.fixture
def gina(world: World) -> User:
    publish(world, HARD)
    return person("gina", "break-glass")


def broken(call: ToolCall, user: User, reason: str = FIRE, **seen: object) -> ToolCall:
    return break_glass.break_glass(call.pk, actor=fresh(user), seen=steps.shown(call, **seen), reason=reason)


def review(call: ToolCall, user: User, note: str = "It was on fire.") -> DecisionReview:
    return break_glass.review(call.decisions.get(kind="break_glass").pk, actor=fresh(user), note=note)


def test_one_person_stands_in_for_all_that_the_rules_ask(world: World, gina: User) -> None:
    call = broken(ask(world), gina, f"  {FIRE} ")
    assert call.status == "approved"
    row = call.decisions.get()
    assert (row.person, row.kind, row.answer, row.comment) == (gina, "break_glass", "approve", FIRE)
    assert events(call) == ["tool_call.pending", "tool_call.vote", "tool_call.break_glass", "tool_call.approved"]
    assert (token_of(call).person, ApprovalToken.objects.count()) == (gina, 1)
    assert claim(call) is not None
    assert break_glass.unreviewed(world.ava).get() == row


def test_votes_beside_it_stay_and_the_same_once_more_changes_nothing(world: World, gina: User) -> None:
    call = approve(ask(world), world.ava)
    for _ in range(3):
        call = broken(call, gina)
    assert [row.kind for row in call.decisions.order_by("created_at")] == ["vote", "break_glass"]
    assert events(call).count("tool_call.break_glass") == ApprovalToken.objects.count() == 1
    with pytest.raises(StaleDecisionError, match="gina was faster"):
        reject(call, world.sam)


@pytest.mark.parametrize("reason", ["", "fire", " " * 20, "         x", "x" * 4_001, f"{FIRE}\0"])
def test_it_takes_a_reason(world: World, gina: User, reason: str) -> None:
    call = ask(world)
    with pytest.raises(InvalidFieldError):
        broken(call, gina, reason)
    assert not call.decisions.exists()
    assert events(call) == ["tool_call.pending"]


@pytest.mark.parametrize("seen", [{"digest": "0" * 64}, {"round": 2}, {"round": 0}])
def test_it_is_for_what_was_shown(world: World, gina: User, seen: dict[str, object]) -> None:
    call = ask(world)
    with pytest.raises(StaleDecisionError):
        broken(call, gina, **seen)
    assert not call.decisions.exists()


def test_a_vote_is_no_break_glass_and_the_group_no_vote(world: World, gina: User) -> None:
    call = ask(world)
    with pytest.raises(NotEligibleError, match="Members of approver or finance decide"):
        approve(call, gina)
    with pytest.raises(NotEligibleError, match="Members of break-glass"):
        broken(call, world.ava)
    assert events(call) == ["tool_call.pending"]


@pytest.mark.parametrize("minutes", [None, 11, 5])
def test_a_rule_that_wants_a_recent_second_factor_wants_it_here_too(
    world: World, gina: User, minutes: int | None
) -> None:
    publish(world, HEAD + rule("hard", "2 approver", sign_in_minutes=10))
    call = ask(world)
    proved = clock.now() - timedelta(minutes=minutes) if minutes else None
    sign_in = SignIn(clock.now(), proved)
    if minutes == 5:
        assert broken(call, gina, sign_in=sign_in).status == "approved"
        return
    for seen in ({"sign_in": sign_in}, {"surface": "api"}):
        with pytest.raises(StepUpRequiredError):
            broken(call, gina, **seen)
    assert not call.decisions.exists()


def test_there_is_nothing_to_break_for_a_call_that_policy_denied_or_a_person_rejected(world: World, gina: User) -> None:
    run = steps.external_run(world)
    denied, rejected = propose(run, ("files.unknown", {}), ("files.write", steps.WRITE))
    rejected = reject(rejected, world.ava)
    for call in (denied, rejected):
        with pytest.raises(StaleDecisionError, match=call.status):
            broken(call, gina)
    assert not Decision.objects.filter(kind="break_glass").exists()


def test_a_version_that_was_disabled_is_denied_whoever_says_yes(world: World, gina: User) -> None:
    call = ask(world)
    assert call.tool_version_id
    allowlist.disable(call.tool_version_id, actor="system:cli")
    with pytest.raises(ToolNotEnabledError):
        broken(call, gina)
    assert events(call) == ["tool_call.pending", "tool_call.denied"]
    assert not call.decisions.exists()


Change = Callable[[World, ToolCall], object]


def policy_denies(world: World, call: ToolCall) -> None:
    publish(world, FORBID)


def no_rule_matches(world: World, call: ToolCall) -> None:
    publish(world, HARD.replace("files.write", "files.read"))


def digest_changed(world: World, call: ToolCall) -> None:
    with without_triggers():
        call.revisions.update(arguments=OTHER)


def outside_the_schema(world: World, call: ToolCall) -> None:
    with without_triggers():
        call.revisions.update(arguments=b'{"path":"x","content":"x","mode":"0777"}')


def tool_disabled(world: World, call: ToolCall) -> None:
    assert call.tool_version_id
    allowlist.disable(call.tool_version_id, actor="system:cli")


def agent_off(world: World, call: ToolCall) -> None:
    Agent.objects.filter(pk=call.run.agent_id).update(is_enabled=False)


def halted(world: World, call: ToolCall) -> None:
    halts.set_halt(actor=steps.operator(), reason="Look first.")


def token_revoked(world: World, call: ToolCall) -> None:
    tokens.revoke(token_of(call).jti, person=world.sam, reason="Wait.")


def a_fresher_sign_in(world: World, call: ToolCall) -> None:
    publish(world, HEAD + rule("hard", "2 approver", sign_in_minutes=10))


def more_people(world: World, call: ToolCall) -> None:
    publish(world, HEAD + rule("hard", "9 approver", "9 board"))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (policy_denies, "denied"), (no_rule_matches, "denied"), (digest_changed, "denied"),
        (outside_the_schema, "denied"), (tool_disabled, "denied"), (agent_off, "denied"), (halted, "approved"),
        (token_revoked, "pending"), (a_fresher_sign_in, "pending"), (more_people, "executing"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)  # fmt: skip
def test_it_stands_above_people_and_above_nothing_else(world: World, gina: User, change: Change, status: str) -> None:
    call = broken(ask(world), gina)
    change(world, call)
    if status == "executing":
        assert claim(call) is not None
    else:
        assert not_run(call).status == status


def test_it_stands_although_a_yes_given_ahead_has_been_revoked(world: World, gina: User) -> None:
    publish(world, HEAD + rule("hard", "2 approver", preauthorization="true"))
    call = ahead(world, "files.write", **steps.WRITE)
    assert call.decisions.count() == 1
    tokens.revoke(call.decisions.get().token_id, person=world.ava, reason="Enough.")
    assert broken(call, gina).status == "approved"
    assert claim(call) is not None


def test_a_second_person_reviews_it_once_and_says_what_they_found(world: World, gina: User) -> None:
    call = broken(ask(world), gina)
    for note in ("", " \n", "x" * 4_001, "a\0b"):
        with pytest.raises(InvalidFieldError):
            review(call, world.ava, note)
    refused: list[tuple[User, type[AgentsError]]] = [
        (gina, NotEligibleError), (world.riley, NotEligibleError), (person("ops", "operator"), NotEligibleError),
        (person("other", "break-glass"), NotEligibleError), (person("stranger"), NotFoundError),
    ]  # fmt: skip
    for user, error in refused:
        with pytest.raises(error):
            review(call, user)
    assert events(call)[-1] == "tool_call.approved"
    found = review(call, world.ava, " It was. ")
    assert (found.person, found.person_name, found.note) == (world.ava, "ava", "It was.")
    with pytest.raises(WrongStateError, match="already"):
        review(call, world.sam)
    assert events(call).count("break_glass.reviewed") == 1
    assert not break_glass.unreviewed(world.sam).exists()


def test_a_group_that_she_joins_later_does_not_make_her_her_own_reviewer(world: World, gina: User) -> None:
    call = broken(ask(world), gina)
    gina.groups.set(Group.objects.filter(name__in=["auditor", "approver"]))
    with pytest.raises(NotEligibleError, match="second person"):
        review(call, gina)


def test_only_break_glass_is_reviewed(world: World, gina: User) -> None:
    call = approve(ask(world), world.ava)
    with pytest.raises(NotFoundError):
        break_glass.review(call.decisions.get().pk, actor=world.sam, note="Fine.")


def test_the_flag_is_seen_by_those_who_see_the_call(world: World, gina: User) -> None:
    broken(ask(world), gina)
    auditor = person("aud", "auditor")
    counts = [break_glass.unreviewed(user).count() for user in (auditor, world.ava, world.riley, gina, person("x"))]
    assert counts == [1, 1, 1, 1, 0]


def test_a_review_stays_as_it_was_written(world: World, gina: User) -> None:
    row = review(broken(ask(world), gina), world.ava)
    for change in (lambda: DecisionReview.objects.filter(pk=row.pk).update(note="x"), lambda: row.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
