"""Decisions: who may answer, to exactly what, and what becomes of a stale, doubled or foreign answer."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from uuid_utils.compat import uuid7

from agents import orchestrator, runs, tool_calls
from agents.approval import eligibility
from agents.approval.sign_in import SignIn
from agents.errors import InvalidFieldError, NotEligibleError, NotFoundError, StaleDecisionError, StepUpRequiredError
from agents.models import AgentRun, Decision, Outbox, ToolCall
from audit import clock
from m1site.accounts.models import User
from policy.models import ApprovalToken
from tests.agents import steps
from tests.agents.steps import approve, approved, ask, events, fresh, propose, publish, reject
from tests.world import POLICY, World, person, turn_wheels

pytestmark = pytest.mark.django_db
DELETE = {"path": "a.txt"}
ONE_WRITER = "  - name: write-files\n"
OWN = "      allow_self: true\n"
FRESH = "      sign_in_minutes: 10\n"
WRITES = "      tools: [files.write]\n    review:\n"


def writes_ask(extra: str) -> str:
    """Return the policy with one more line in its rule for files.write."""
    assert POLICY.count(WRITES) == 1
    return POLICY.replace(WRITES, WRITES + extra)


def no_trace_of(call: ToolCall, before: list[str]) -> None:
    """Assert that nothing was recorded."""
    assert events(call) == before
    assert not call.decisions.exists()
    assert ToolCall.objects.get(pk=call.pk).status == "pending"
    assert not ApprovalToken.objects.exists()


@pytest.mark.parametrize(
    ("who", "error"),
    [
        ("an approver", None),
        ("the requester, who is an approver too", NotEligibleError),
        ("the agent's owner, an approver too", NotEligibleError),
        ("a superuser who is no approver", NotEligibleError),
        ("a superuser who asked for it", NotEligibleError),
        ("an operator, who sees it", NotEligibleError),
        ("a service account among the approvers", NotEligibleError),
        ("the agent's own account among the approvers", NotEligibleError),
        ("a second account with the requester's address", NotEligibleError),
        ("a deactivated approver", NotFoundError),
        ("a stranger", NotFoundError),
        ("a member of another group", NotFoundError),
    ],
)
def test_who_may_approve(world: World, who: str, error: type[Exception] | None) -> None:
    call = ask(world)
    approvers = Group.objects.get(name="approver")
    users = {
        "an approver": lambda: world.ava,
        "the requester, who is an approver too": lambda: world.riley,
        "the agent's owner, an approver too": lambda: world.author,
        "a superuser who is no approver": lambda: User.objects.create_superuser("root"),
        "a superuser who asked for it": lambda: world.riley,
        "an operator, who sees it": lambda: person("ops", "operator"),
        "a service account among the approvers": lambda: User.objects.create_user("bot", kind="service"),
        "the agent's own account among the approvers": lambda: call.run.agent.service_account,
        "a second account with the requester's address": lambda: person("riley2", "approver"),
        "a deactivated approver": lambda: world.ava,
        "a stranger": lambda: person("stranger"),
        "a member of another group": lambda: person("other", "requester"),
    }
    user = users[who]()
    if "approver too" in who or "among" in who:
        user.groups.add(approvers)
    User.objects.filter(pk=user.pk).update(is_active="deactivated" not in who)
    if "address" in who:
        User.objects.filter(pk=world.riley.pk).update(email="Riley@example.com")
        User.objects.filter(pk=user.pk).update(email="riley@Example.com")
    if "superuser" in who:
        User.objects.filter(pk=user.pk).update(is_superuser=True)
    before = events(call)
    if error:
        for answer in (approve, reject):
            with pytest.raises(error):
                answer(call, user)
        no_trace_of(call, before)
    else:
        assert approve(call, user).status == "approved"


def test_the_inbox_and_the_decision_agree_on_who_may_answer(world: World) -> None:
    call = ask(world)
    people = [world.riley, world.ava, world.sam, world.author, person("stranger"), person("ops", "operator")]
    for user in map(fresh, people):
        is_waiting = eligibility.waiting_for(user).filter(pk=call.pk).exists()
        assert is_waiting == (not eligibility.why_not(call, user)), user.username


def test_a_yes_leaves_a_row_an_event_a_token_and_a_message(world: World) -> None:
    call = approved(world)
    vote = call.decisions.get()
    assert (vote.person, vote.answer, vote.digest_seen, vote.surface) == (
        world.ava, "approve", call.arguments_digest, "web",
    )  # fmt: skip
    assert (vote.person_name, vote.is_self_approval) == ("ava", False)
    assert events(call) == ["tool_call.pending", "tool_call.vote", "tool_call.approved"]
    token = ApprovalToken.objects.get()
    assert (token.kind, token.request_id, token.round, token.person) == ("execution", call.pk, 1, world.ava)
    assert Outbox.objects.filter(task="agents.execute", key=call.pk).count() == 1


@pytest.mark.parametrize("answer", [approve, reject])
@pytest.mark.parametrize("seen", [{"digest": "0" * 64}, {"digest": ""}, {"round": 2}, {"round": 0}])
def test_an_answer_to_something_else_than_the_call_as_it_stands_is_stale(
    world: World, answer: object, seen: dict[str, object]
) -> None:
    call = ask(world)
    before = events(call)
    with pytest.raises(StaleDecisionError):
        answer(call, world.ava, **seen)  # type: ignore[operator]
    no_trace_of(call, before)


@pytest.mark.parametrize("status", ["approved", "rejected", "expired", "cancelled", "executing", "lost", "denied"])
def test_an_answer_to_a_call_that_is_not_pending_is_stale(world: World, status: str) -> None:
    call = ask(world)
    ToolCall.objects.filter(pk=call.pk).update(status=status)
    for answer in (approve, reject):
        with pytest.raises(StaleDecisionError):
            answer(call, world.ava)
    assert not call.decisions.exists()


def test_an_answer_after_the_time_to_decide_is_stale_although_no_sweep_has_come_by(world: World) -> None:
    call = ask(world)
    ToolCall.objects.filter(pk=call.pk).update(expires_at=clock.now() - timedelta(milliseconds=1))
    before = events(call)
    with pytest.raises(StaleDecisionError):
        approve(call, world.ava)
    no_trace_of(call, before)


def test_the_second_of_two_is_told_who_was_faster(world: World) -> None:
    call = ask(world)
    reject(call, world.ava)
    with pytest.raises(StaleDecisionError, match="ava was faster"):
        approve(call, world.sam)
    assert call.decisions.count() == 1


def test_an_equal_answer_again_is_one_decision_and_one_event(world: World) -> None:
    yes, no = ask(world), ask(world)
    for _ in range(3):
        assert approve(yes, world.ava).status == "approved"
        assert reject(no, world.ava).status == "rejected"
    assert events(yes).count("tool_call.vote") == events(no).count("tool_call.vote") == 1
    assert Decision.objects.count() == 2
    assert ApprovalToken.objects.count() == 1


def test_a_person_who_said_yes_cannot_also_say_no(world: World) -> None:
    call = ask(world, "files.delete", DELETE)
    approve(call, world.ava)
    with pytest.raises(NotEligibleError, match="decided already"):
        reject(call, world.ava)
    assert ToolCall.objects.get(pk=call.pk).status == "pending"


def test_one_person_is_not_two(world: World) -> None:
    call = ask(world, "files.delete", DELETE)
    for _ in range(5):
        assert approve(call, world.ava).status == "pending"
    assert not ApprovalToken.objects.exists()
    assert approve(call, world.sam).status == "approved"
    assert events(call).count("tool_call.vote") == 2


def test_a_no_ends_a_call_that_has_one_yes(world: World) -> None:
    call = ask(world, "files.delete", DELETE)
    approve(call, world.ava)
    assert reject(call, world.sam).status == "rejected"
    with pytest.raises(StaleDecisionError):
        approve(call, person("third", "approver"))
    assert not ApprovalToken.objects.exists()


@pytest.mark.parametrize("loss", ["group", "active"])
def test_someone_who_lost_standing_before_the_last_vote_does_not_count(world: World, loss: str) -> None:
    call = ask(world, "files.delete", DELETE)
    approve(call, world.ava)
    if loss == "group":
        world.ava.groups.clear()
    else:
        User.objects.filter(pk=world.ava.pk).update(is_active=False)
    assert approve(call, world.sam).status == "pending"
    assert approve(call, person("third", "approver")).status == "approved"


def test_requirements_of_two_groups_want_two_people_even_if_one_is_in_both(world: World) -> None:
    publish(world, POLICY.replace(
        ONE_WRITER,
        "  - name: finance-too\n    match:\n      tools: [files.write]\n    review:\n      requirements:\n"
        "        - {count: 1, groups: [finance]}\n\n" + ONE_WRITER,
    ).partition("\ntests:")[0] + "\n")  # fmt: skip
    both, finance = person("both", "approver", "finance"), person("finance", "finance")
    call = ask(world)
    assert approve(call, both).status == "pending"
    assert approve(call, finance).status == "approved"
    alike = ask(world)
    assert [approve(alike, one).status for one in (world.ava, world.sam, both)] == ["pending", "pending", "approved"]


def test_the_requester_may_approve_where_the_rule_says_so_and_it_is_flagged(world: World) -> None:
    world.riley.groups.add(Group.objects.get(name="approver"))
    publish(world, writes_ask(OWN))
    call = approve(ask(world), world.riley)
    assert call.status == "approved"
    assert call.decisions.get().is_self_approval


def test_a_reject_without_a_comment_is_refused(world: World) -> None:
    call = ask(world)
    for comment in ("", " \n", "x" * 4001, "a\0b"):
        with pytest.raises(InvalidFieldError):
            reject(call, world.ava, comment=comment)
    no_trace_of(call, events(call))


def test_an_unknown_surface_is_refused(world: World) -> None:
    call = ask(world)
    with pytest.raises(InvalidFieldError):
        approve(call, world.ava, surface="planner")
    no_trace_of(call, events(call))


def test_what_a_person_says_with_a_no_reaches_the_agent(world: World) -> None:
    run = world.run(scenario=WRITE_AND_STOP)
    turn_wheels(world)
    reject(run.tool_calls.get(), world.ava, comment="Use the template of 2025.")
    conversation = orchestrator.take(run.pk, worker="planner")
    assert conversation is not None
    (outcome,) = conversation.outcomes
    assert (outcome.status, outcome.note, outcome.is_error) == ("rejected", "Use the template of 2025.", True)
    assert events(run)[-1] == "run.resumed"


def test_a_no_can_stop_the_whole_run(world: World) -> None:
    run = steps.external_run(world)
    first, second = propose(run, ("files.write", {"path": "x", "content": ""}), ("files.delete", DELETE))
    assert reject(first, world.ava, comment="Stop it.", stop_run=True).status == "rejected"
    assert ToolCall.objects.get(pk=second.pk).status == "cancelled"
    run.refresh_from_db()
    assert (run.status, run.end_reason, run.problem) == ("cancelled", "cancelled", "Stop it.")
    assert events(run)[-1] == "run.cancelled"
    with pytest.raises(StaleDecisionError):
        approve(second, world.sam)


def test_cancelling_a_run_cancels_what_waits_and_ends_it_once(world: World) -> None:
    run = steps.external_run(world)
    calls = propose(run, ("files.write", {"path": "x", "content": ""}), ("files.delete", DELETE))
    approve(calls[0], world.ava)
    runs.cancel(run.pk, actor=world.riley, reason="Wrong goal.")
    assert {call.status for call in run.tool_calls.all()} == {"cancelled"}
    with pytest.raises(runs.WrongStateError):
        runs.cancel(run.pk, actor=world.ava)
    assert events(run).count("run.cancelled") == 1


@pytest.mark.parametrize(
    ("surface", "first", "second", "passes"),
    [
        ("web", 5, 5, True),
        ("admin", 5, 5, True),
        ("api", 5, 5, True),
        ("web", 300, 5, True),
        ("web", 5, 11, False),
        ("web", 5, None, False),
        ("web", None, None, False),
        ("api", None, None, False),
        ("cli", None, None, False),
    ],
)
def test_a_rule_may_want_a_recent_second_factor_and_an_api_key_never_has_one(
    world: World, surface: str, first: int | None, second: int | None, passes: bool
) -> None:
    publish(world, writes_ask(FRESH))
    call = ask(world)
    User.objects.filter(pk=world.ava.pk).update(last_login=clock.now())  # somebody's sign-in elsewhere proves nothing
    ago = [None if minutes is None else clock.now() - timedelta(minutes=minutes) for minutes in (first, second)]
    sign_in = SignIn(ago[0], ago[1]) if ago[0] else None
    if passes:
        assert approve(call, world.ava, surface=surface, sign_in=sign_in).status == "approved"
        return
    for answer in (approve, reject):
        with pytest.raises(StepUpRequiredError):
            answer(call, world.ava, surface=surface, sign_in=sign_in)
    no_trace_of(call, events(call))


def test_a_call_that_a_person_does_not_see_does_not_exist(world: World) -> None:
    call, stranger = ask(world), person("stranger", "requester")
    messages = set()
    for key in (call.pk, uuid7()):
        for change in (
            lambda key: tool_calls.approve(key, actor=stranger, seen=steps.shown(call)),
            lambda key: tool_calls.reject(key, actor=stranger, seen=steps.shown(call), comment="no"),
            lambda key: tool_calls.settle(key, actor=stranger, outcome="failed", note="no"),
        ):
            with pytest.raises(NotFoundError) as refused:
                change(key)
            messages.add(str(refused.value))
    assert len(messages) == 1
    no_trace_of(call, events(call))


def test_a_vote_in_an_earlier_round_does_not_count_in_the_next(world: World) -> None:
    call = ask(world, "files.delete", DELETE)
    approve(call, world.ava)
    ToolCall.objects.filter(pk=call.pk).update(round=2)
    call.refresh_from_db()
    for row in call.requirements.filter(round=1):
        again = call.requirements.create(round=2, count=row.count)
        again.groups.create(name="approver")
    assert approve(call, world.sam).status == "pending"
    assert approve(call, world.ava).status == "approved"


def test_two_agents_of_one_owner_do_not_make_the_owner_a_stranger(world: World) -> None:
    world.author.groups.add(Group.objects.get(name="approver"))
    other = steps.external_agent(world, "second")
    run = runs.create(agent=other, requester=world.riley, goal="Tidy up")
    (call,) = propose(run, ("files.write", {"path": "x", "content": ""}))
    with pytest.raises(NotEligibleError, match="your own request"):
        approve(call, world.author)
    assert AgentRun.objects.get(pk=run.pk).status == "waiting"


WRITE_AND_STOP = """
steps:
  - step: write
    calls:
      - {id: one, tool: files.write, arguments: {path: x.txt, content: x}, reason: It is due.}
    next:
      - goto: end
  - step: end
    finish: Done.
"""
