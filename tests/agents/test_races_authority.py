"""Races for the authority to decide, with real threads on PostgreSQL: whoever meets whom, one thing happens, once."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from agents import proposals, runs
from agents.approval import break_glass, delegations, editing
from agents.models import Agent, AgentRun, Block, Decision, DecisionReview, Execution, ToolCall
from agents.proposals import ExternalCall
from audit import canonical, clock
from audit.models import AuditEvent
from m1site.accounts.models import User
from policy import tokens
from policy.models import ApprovalToken, PreauthorizationUse
from tests.agents import steps
from tests.agents.pages import answer_to, client_of, path_of
from tests.agents.steps import WRITE
from tests.agents.test_races import Together, approve, copies, counted, reject
from tests.world import World, person

pytestmark = [
    pytest.mark.races,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL"),
]
ROUNDS = int(os.environ.get("M1_RACE_ROUNDS", "4"))
DELETE = {"path": "a.txt"}
HOUR = timedelta(hours=1)
Act = Callable[[], object]


@pytest.fixture
def two() -> Iterator[Together]:
    threads = Together(2)
    yield threads
    threads.close()


def told(threads: Together, *acts: Act) -> list[str]:
    """Run all at once; return what came of each, sorted: a status, or the code of the refusal."""
    return sorted(map(str, threads.do(*acts)))


def glass(call: ToolCall, user: User) -> Act:
    seen = steps.shown(call)
    return lambda: break_glass.break_glass(call.pk, actor=user, seen=seen, reason="The house is on fire.").status


def edit(call: ToolCall, user: User) -> Act:
    seen, body = steps.shown(call), canonical.encode({**WRITE, "content": "Better"})
    return lambda: f"round {editing.edit(call.pk, actor=user, seen=seen, arguments=body, comment='So.').round}"


def kinds(call: ToolCall) -> list[str]:
    return sorted(call.decisions.values_list("kind", flat=True))


def test_a_last_yes_against_a_no_at_the_edge_of_the_quorum(world: World, two: Together) -> None:
    first, third = steps.ask(world, "files.delete", DELETE), person("third", "approver")
    for call in copies(first, ROUNDS):
        approve(call, third)()
        said = told(two, approve(call, world.ava), reject(call, world.sam))
        call.refresh_from_db()
        assert said == sorted([call.status, "stale_decision"])
        assert call.status in ("approved", "rejected")
        assert kinds(call) == ["vote", "vote"]
        assert ApprovalToken.objects.filter(request_id=call.pk).count() == (call.status == "approved")
        assert Block.objects.filter(call=call).count() == (call.status == "rejected")
        assert counted(call) == {"tool_call.vote": 2, f"tool_call.{call.status}": 1}


def test_two_of_three_at_the_edge_of_a_quorum_of_two(world: World) -> None:
    threads, third = Together(3), person("third", "approver")
    for call in copies(steps.ask(world, "files.delete", DELETE), ROUNDS):
        said = told(threads, *[approve(call, user) for user in (world.ava, world.sam, third)])
        assert said == ["approved", "pending", "stale_decision"]
        assert ApprovalToken.objects.filter(request_id=call.pk).count() == 1
        assert counted(call) == {"tool_call.vote": 2, "tool_call.approved": 1}
    threads.close()


def test_twenty_equal_posts_of_a_form_are_one_decision(world: World) -> None:
    threads, browser = Together(20), client_of(world.ava)

    def post(call: ToolCall) -> str:
        client = type(browser)()
        client.cookies = browser.cookies.copy()
        return str(client.post(path_of(call), answer_to(call, "approve", world.ava, comment="")).status_code)

    for call in copies(steps.ask(world), max(1, ROUNDS // 10)):
        assert told(threads, *[lambda call=call: post(call)] * 20) == ["303"] * 20
        assert counted(call) == {"tool_call.vote": 1, "tool_call.approved": 1}
        assert call.decisions.count() == ApprovalToken.objects.filter(request_id=call.pk).count() == 1
    threads.close()


def test_a_role_that_is_removed_before_a_claim_begins_counts_no_more(world: World, two: Together) -> None:
    group, members = world.ava.groups.get(), User.groups.through.objects
    for call in copies(steps.ask(world), ROUNDS):
        approve(call, world.ava)()
        moments: dict[str, Any] = {}

        def leave(moments: dict[str, Any] = moments) -> None:
            members.filter(user_id=world.ava.pk).delete()
            moments["left"] = clock.now()

        def claim(call: ToolCall = call, moments: dict[str, Any] = moments) -> str:
            moments["began"] = clock.now()
            return "ran" if steps.claim(call.pk) else "not run"

        said = two.do(leave, claim)
        call.refresh_from_db()
        assert (call.status, call.round) in [("executing", 1), ("pending", 2)], said
        assert (said[1] == "ran") == (call.status == "executing") == Execution.objects.filter(pk=call.pk).exists()
        assert call.status == "pending" or moments["left"] > moments["began"]
        assert counted(call)["tool_call.superseded"] == (call.status == "pending")
        members.create(user_id=world.ava.pk, group_id=group.pk)


def test_the_last_use_of_a_pre_authorisation_is_taken_by_one_of_ten(world: World) -> None:
    threads, agents = Together(10), [steps.external_agent(world, f"outsider{number}") for number in range(10)]
    Agent.objects.filter(pk__in=[agent.pk for agent in agents]).update(max_pending=30_000, max_turns=200)
    asked = [ExternalCall("files.read", b'{"path":"a.txt"}', "It is due.")]
    for number in range(ROUNDS):
        if number % 200 == 0:  # a run takes so many turns
            made = [runs.create(agent=agent, requester=world.riley, goal="Tidy up") for agent in Agent.objects.filter(
                pk__in=[agent.pk for agent in agents])]  # fmt: skip
        row = tokens.issue_preauthorization(
            person=world.ava, agents=[agent.name for agent in agents], requesters=["riley"], tools=["files.read"],
            max_uses=1, expires_in_minutes=60,
        )  # fmt: skip
        keys = [run.pk for run in made]
        AgentRun.objects.filter(pk__in=keys).update(waiting_for="external", preauthorization=row)
        acts = [lambda key=key: proposals.propose_external(key, calls=asked).tool_calls.get().status for key in keys]
        assert told(threads, *acts) == ["approved", *["pending"] * 9]
        row.refresh_from_db()
        assert row.uses == PreauthorizationUse.objects.filter(token=row).count() == 1
        assert Decision.objects.filter(token=row).count() == 1
        assert AuditEvent.objects.filter(subject=f"token:{row.pk}", action="preauthorization.used").count() == 1
    threads.close()


def test_an_edit_against_a_yes_leaves_one_of_them(world: World, two: Together) -> None:
    for call in copies(steps.ask(world), ROUNDS):
        said = told(two, edit(call, world.ava), approve(call, world.sam))
        call.refresh_from_db()
        if call.status == "approved":
            assert said == ["approved", "stale_decision"]
            assert (call.revision, call.round, call.revisions.count(), kinds(call)) == (1, 1, 1, ["vote"])
            assert counted(call) == {"tool_call.vote": 1, "tool_call.approved": 1}
        else:
            assert said == ["round 2", "stale_decision"]
            assert (call.status, call.revision, call.revisions.count(), kinds(call)) == ("pending", 2, 2, [])
            assert counted(call) == {"tool_call.edited": 1}
        assert ApprovalToken.objects.filter(request_id=call.pk).count() == (call.status == "approved")


def test_two_edits_at_once_are_one_and_a_stale_one(world: World, two: Together) -> None:
    for call in copies(steps.ask(world), ROUNDS):
        assert told(two, edit(call, world.ava), edit(call, world.sam)) == ["round 2", "stale_decision"]
        assert call.revisions.count() == 2
        assert counted(call) == {"tool_call.edited": 1}


def test_break_glass_against_a_no(world: World, two: Together) -> None:
    gina = person("gina", "break-glass")
    for call in copies(steps.ask(world, "files.delete", DELETE), ROUNDS):
        said = told(two, glass(call, gina), reject(call, world.sam))
        call.refresh_from_db()
        assert said == sorted([call.status, "stale_decision"])
        events = {"tool_call.vote": 1, f"tool_call.{call.status}": 1}
        if call.status == "approved":
            events["tool_call.break_glass"] = 1
        assert counted(call) == events
        assert kinds(call) == ["break_glass" if call.status == "approved" else "vote"]


def test_break_glass_against_the_last_yes_signs_one_token(world: World, two: Together) -> None:
    gina = person("gina", "break-glass")
    for call in copies(steps.ask(world), ROUNDS):
        assert told(two, glass(call, gina), approve(call, world.sam)) == ["approved", "stale_decision"]
        assert call.decisions.count() == ApprovalToken.objects.filter(request_id=call.pk).count() == 1
        assert counted(call)["tool_call.approved"] == 1


def test_two_reviewers_at_once_are_one_review(world: World, two: Together) -> None:
    gina, auditors = person("gina", "break-glass"), [person(f"aud{number}", "auditor") for number in range(2)]
    for call in copies(steps.ask(world), ROUNDS):
        glass(call, gina)()
        key = call.decisions.get().pk
        acts = [lambda user=user, key=key: break_glass.review(key, actor=user, note="So.").note for user in auditors]
        assert told(two, *acts) == ["So.", "wrong_state"]
        assert DecisionReview.objects.filter(decision=key).count() == 1
        assert counted(call)["break_glass.reviewed"] == 1


def one_vote_of_two(call: ToolCall, two: Together, *users: User) -> None:
    """Have two who are one person vote at once: one of them does."""
    assert told(two, *[approve(call, user) for user in users]) == ["not_eligible", "pending"]
    assert call.decisions.count() == 1
    assert counted(call) == {"tool_call.vote": 1}


def test_somebody_who_is_away_and_their_stand_in_are_one_vote(world: World, two: Together) -> None:
    now, dora = clock.now(), person("dora")
    delegations.delegate(person=world.ava, delegate=dora, starts_at=now, ends_at=now + HOUR, reason="Holidays.")
    for call in copies(steps.ask(world, "files.delete", DELETE), ROUNDS):
        one_vote_of_two(call, two, world.ava, dora)


def test_two_accounts_of_one_person_are_one_vote(world: World, two: Together) -> None:
    accounts = [person(f"vera{number}", "approver") for number in range(2)]
    for account, address in zip(accounts, ("Vera@example.com", "vera@EXAMPLE.com"), strict=True):
        User.objects.filter(pk=account.pk).update(email=address)
        account.refresh_from_db()
    for call in copies(steps.ask(world, "files.delete", DELETE), ROUNDS):
        one_vote_of_two(call, two, *accounts)


def test_two_delegations_that_conflict_are_one(world: World, two: Together) -> None:
    users = [person(name) for name in ("ann", "ben", "cleo")]
    for number in range(ROUNDS):
        begins = clock.now() + timedelta(days=number)
        span = {"starts_at": begins, "ends_at": begins + HOUR, "reason": "Away."}

        def away(at: int, to: int, span: dict[str, Any] = span) -> Act:
            return lambda: delegations.delegate(person=users[at], delegate=users[to], **span).delegate.username

        said = told(two, away(0, 1), away(1, 2))  # ann to ben, who would be away himself
        assert "invalid_field" in said and len(set(said) & {"ben", "cleo"}) == 1, said


def test_the_cap_is_exact_when_two_runs_ask_at_once(world: World, two: Together) -> None:
    agent = steps.external_agent(world, "outsider")
    Agent.objects.filter(pk=agent.pk).update(max_pending=3, max_turns=200)
    agent.refresh_from_db()
    asked = [ExternalCall("files.write", canonical.encode({**WRITE, "path": str(at)}), "It is due.") for at in range(2)]
    for number in range(ROUNDS):
        if number % 200 == 0:
            pair = [runs.create(agent=agent, requester=world.riley, goal="Tidy up") for _ in range(2)]
        keys = [run.pk for run in pair]
        turns = two.do(*[lambda key=key: proposals.propose_external(key, calls=asked) for key in keys])
        states = sorted(status for turn in turns for status in turn.tool_calls.values_list("status", flat=True))
        assert states == ["denied", "pending", "pending", "pending"]
        ToolCall.objects.filter(run__in=keys, status="pending").update(status="expired")
        AgentRun.objects.filter(pk__in=keys).update(waiting_for="external")
