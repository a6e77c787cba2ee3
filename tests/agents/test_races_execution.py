"""Races for the right to execute: however many executors meet at a call, one runs it, and one attempt counts."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from agents import proposals, queue, runs, tasks
from agents.executing import claiming, dispatch, execution
from agents.models import Agent, Execution, Outbox, ToolCall
from agents.proposals import ExternalCall
from agents.sandbox.values import Result
from audit import clock
from policy import tokens
from policy.models import ApprovalToken, PreauthorizationUse
from tests.agents import steps
from tests.agents.test_races import ROUNDS, Together, approve, copies, counted
from tests.world import World

pytestmark = [
    pytest.mark.races,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL"),
]
WORKERS = 8
EACH = max(1, ROUNDS // 4)  # eight connections a round


@pytest.fixture
def executors() -> Iterator[Together]:
    """Eight executors; psycopg gives each thread a connection of its own."""
    together = Together(WORKERS)
    yield together
    together.close()


def deliver(call: ToolCall, worker: str) -> Callable[[], bool]:
    """Deliver the call's message to a worker, who takes it up and claims it as the task does."""

    def delivered() -> bool:
        if not dispatch.take_up(call.pk):
            return False
        return claiming.claim(call.pk, worker=worker, definitions=tasks.definitions()) is not None

    return delivered


def test_of_many_deliveries_at_one_instant_one_runs_the_call(world: World, executors: Together) -> None:
    for call in copies(steps.ask(world), EACH):
        approve(call, world.ava)()
        said = executors.do(*(deliver(call, f"worker-{number}") for number in range(WORKERS)))
        assert Counter(map(str, said)) == {"True": 1, "False": WORKERS - 1}
        assert Execution.objects.get(pk=call.pk).claimed_by == f"worker-{said.index(True)}"
        assert ApprovalToken.objects.get(request_id=call.pk).uses == 1
        assert counted(call)["tool_call.executing"] == 1
        assert executors.do(*(deliver(call, "late") for _ in range(WORKERS))) == [False] * WORKERS


def test_whoever_waits_its_turn_is_not_taken_for_one_that_died(world: World, executors: Together) -> None:
    call = steps.approved(world)

    def turn() -> set[queue.Taken]:
        said = set()
        for _ in range(EACH):
            said.add(taken := queue.take_up(queue.EXECUTE, call.pk))
            if taken is queue.Taken.YES:
                queue.postpone(queue.EXECUTE, call.pk, 0)
        return said

    assert set().union(*executors.do(*[turn] * WORKERS)) == {queue.Taken.YES, queue.Taken.NO}  # type: ignore[arg-type]


def test_parking_against_a_claim_ends_in_one_of_them(world: World, executors: Together) -> None:
    for call in copies(steps.ask(world), EACH):
        approve(call, world.ava)()
        claims = [deliver(call, f"worker-{number}") for number in range(WORKERS - 1)]
        said = executors.do(lambda call=call: dispatch.park(call.pk), *claims)
        call.refresh_from_db()
        ran = said[1:].count(True)
        assert (said[0], ran, call.status) in [(True, 0, "failed"), (False, 1, "executing")], said
        assert counted(call)["tool_call.failed"] == (call.status == "failed")
        assert not Outbox.objects.filter(task=queue.EXECUTE, key=call.pk).exists()
        token = ApprovalToken.objects.get(request_id=call.pk)
        assert (token.used_at is None) == (token.revoked_at is not None) == (call.status == "failed")


def test_two_results_of_one_call_and_a_cancel_leave_one_end(world: World, executors: Together) -> None:
    bad = Result(False, "", 0, "", False, "crashed", "It crashed.")
    results = [replace(one, output_digest=f"{number}" * 64) for number, one in enumerate([steps.DONE, bad] * 3)]
    for call in copies(steps.ask(world), EACH):
        approve(call, world.ava)()
        assert deliver(call, "mine")()
        ends = [lambda call=call, result=result: execution.finish(call.pk, result, worker="mine") for result in results]
        other = lambda call=call: execution.finish(call.pk, steps.DONE, worker="another")  # noqa: E731
        rest = [lambda call=call: runs.cancel(call.run_id, actor=world.riley)] * (WORKERS - 1 - len(ends))
        said = executors.do(*ends, other, *rest)
        assert said[: len(ends)].count(True) == 1 and said[len(ends)] is False, said
        found = counted(call)
        assert found["tool_call.succeeded"] + found["tool_call.failed"] == 1
        assert found["tool_call.late_result"] == len(ends)


def test_a_hundred_calls_on_a_budget_of_ten_are_ten(world: World, executors: Together) -> None:
    agents = [steps.external_agent(world, f"outsider{number}") for number in range(WORKERS)]
    Agent.objects.update(max_pending=1_000, max_turns=200)
    row = tokens.issue_preauthorization(
        person=world.ava, agents=[agent.name for agent in agents], requesters=["riley"], tools=["files.read"],
        max_uses=10, expires_in_minutes=60,
    )  # fmt: skip
    made = [
        runs.create(agent=agent, requester=world.riley, goal="Tidy up", preauthorization=row.jti)
        for agent in Agent.objects.filter(name__startswith="outsider")
    ]
    asked = [ExternalCall("files.read", b'{"path":"a.txt"}', "It is due.")] * 13

    def ask(key: object) -> list[str]:
        turn = proposals.propose_external(key, calls=asked)  # type: ignore[arg-type]
        return list(turn.tool_calls.values_list("status", flat=True))

    said = executors.do(*(lambda run=run: ask(run.pk) for run in made))
    statuses = Counter(status for one in said for status in one)  # type: ignore[attr-defined]
    assert statuses == {"approved": 10, "pending": WORKERS * 13 - 10}
    row.refresh_from_db()
    assert row.uses == PreauthorizationUse.objects.filter(token=row).count() == 10
    assert ToolCall.objects.filter(status="approved", expires_at__gt=clock.now() - timedelta(hours=1)).count() == 10
