"""What can go wrong while the agent is thinking: it comes to rest, makes no second turn, and is on record."""

import threading
from datetime import timedelta
from unittest import mock

import pytest
from django.db import connection
from uuid_utils.compat import uuid7

from agents import orchestrator, runs, setbacks, tasks
from agents.models import AgentRun, Outbox, ToolCall, Turn
from agents.planners.base import PlannerError
from audit import clock
from tests.agents.claude_runs import (
    BUSY,
    COST,
    OVER,
    begin,
    claude,
    end_of,
    plan,
    plan_later,
    told,
    waits,
    write,
)
from tests.claude_server import Answer, error, message, overloaded, text
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("answer", "reason", "problem"),
    [
        (message(text("I will not."), stop_reason="refusal"), "refused", "The model refused. I will not."),
        (message(write(), stop_reason="refusal"), "refused", "The model refused."),
        (message(write(), stop_reason="max_tokens"), "model_error", "cut off (max_tokens)"),
        (message(write(), stop_reason="model_context_window_exceeded"), "model_error", "cut off"),
        (message(write(), stop_reason="end_turn"), "model_error", "none was proposed"),
        (message(write(), stop_reason="compaction"), "model_error", "does not know the stop reason"),
        (message(write(), write()), "model_error", "same id"),
        (message(*[write(f"toolu_{n}") for n in range(257)]), "model_error", "257 tool calls"),
        (error(400, "invalid_request_error", "prompt is too long"), "model_error", "answered 400"),
        (Answer(200, b"<html>"), "model_error", "not one of the Messages API"),
    ],
)
def test_a_reply_that_is_no_turn_ends_the_run_and_proposes_nothing(
    world: World, answer: Answer, reason: str, problem: str
) -> None:
    with claude([answer]):
        run = plan(begin(world))
    assert end_of(run) == ("failed", reason)
    assert problem in run.problem and run.problem.endswith("(request req_0001)")
    assert not ToolCall.objects.exists()
    is_recorded = answer.status == 200 and b"<" not in answer.body
    assert run.turn_count == run.turns.count() == is_recorded
    failed = told(run, "turn.failed")
    assert [(one["provider_request_id"], one["tries"]) for one in failed] == [("req_0001", 1)] * (not is_recorded)


def test_a_busy_provider_is_asked_again_later_and_not_for_ever(world: World) -> None:
    with claude(lambda _: BUSY) as server:
        run = begin(world)
        for tries in range(1, setbacks.MAX_TRIES):
            run = plan_later(run)
            assert (run.status, run.lease_until, run.claimed_by, run.planner_failures) == ("planning", None, "", tries)
            assert f"529, overloaded_error, Overloaded (request req_{tries:04d}). That was try {tries}" in run.problem
            (wait,) = waits(run)
            assert timedelta(seconds=5 * 2**tries - 5) < wait <= timedelta(seconds=5 * 2**tries)
        run = plan_later(run)
        plan(run)
    assert end_of(run) == ("failed", "model_error")
    assert "529" in run.problem and run.problem.endswith(f"(request req_{setbacks.MAX_TRIES:04d})")
    assert len(server.requests) == setbacks.MAX_TRIES and not run.turns.exists()
    facts = [(one["tries"], one["status"], one["provider_request_id"], one["retry_in_seconds"], one["cost_usd"])
             for one in told(run, "turn.failed")]  # fmt: skip
    again = [10, 20, 40, 80, 160, None]
    assert facts == [(n, 529, f"req_{n:04d}", wait, None) for n, wait in enumerate(again, start=1)]


def test_no_message_makes_a_waiting_run_ask_again_before_its_time(world: World) -> None:
    with claude(lambda _: BUSY) as server:
        run = plan(begin(world), 10)
        assert (len(server.requests), run.planner_failures, len(waits(run))) == (1, 1, 1)
        assert plan_later(run).planner_failures == len(server.requests) == 2


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (overloaded(), 10),
        (error(429, "x", "x", retry_after="600"), 600),
        (error(429, "x", "x", retry_after="9e99"), 3600),
    ],
)
def test_a_wait_that_the_provider_names_is_kept_and_a_short_one_does_not_use_up_the_tries(
    world: World, answer: Answer, seconds: int
) -> None:
    with claude([answer]):
        (wait,) = waits(plan(begin(world)))
    assert timedelta(seconds=seconds - 5) < wait <= timedelta(seconds=seconds)


def test_a_turn_that_works_forgets_earlier_failures(world: World) -> None:
    with claude([BUSY, BUSY, message(write())]):
        run = plan_later(begin(world), 3)
    assert (run.status, run.waiting_for, run.planner_failures, waits(run)) == ("waiting", "calls", 0, [])
    assert run.problem == ""


def test_a_message_that_comes_again_later_makes_no_second_turn(world: World) -> None:
    with claude([message(write()), OVER]) as server:
        run = plan(begin(world), 3)
        assert (run.status, run.turns.count(), run.tool_calls.count()) == ("waiting", 1, 1)
        for forged in (str(uuid7()), "not an id", ""):
            tasks.plan(forged)
    assert len(server.requests) == 1


@pytest.mark.django_db(transaction=True)
def test_a_message_that_comes_to_four_workers_at_once_makes_one_turn(world: World) -> None:
    gate, barrier, ended = threading.Event(), threading.Barrier(4), threading.Semaphore(0)
    run = begin(world)

    def work() -> None:
        try:
            barrier.wait(30)
            tasks.plan(str(run.pk))
        finally:
            connection.close()
            ended.release()

    with claude(lambda _: Answer(200, message(write()).body, gate=gate)) as server:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        losers = [ended.acquire(timeout=30) for _ in range(3)]  # while the model is still thinking
        gate.set()
        for thread in threads:
            thread.join()
    assert all(losers) and len(server.requests) == 1
    run.refresh_from_db()
    assert (run.status, run.turn_count, run.turns.count(), run.tool_calls.count()) == ("waiting", 1, 1, 1)
    assert run.cost_usd == COST
    assert not Outbox.objects.filter(task="agents.plan").exists()


def test_a_reply_under_a_lost_lease_stores_nothing_but_what_it_cost(world: World) -> None:
    with claude(lambda _: message(write())):
        run = begin(world)
        conversation = orchestrator.take(run.pk, worker="slow")
        assert conversation is not None and orchestrator.take(run.pk, worker="hasty") is None
        first, second = (tasks._planner("claude").next_turn(conversation) for _ in range(2))
    later = clock.now() + timedelta(seconds=runs.lease_seconds() + 1)
    with mock.patch("audit.clock.now", lambda: later):
        assert orchestrator.take(run.pk, worker="next") is not None
    assert [one["error_code"] for one in told(run, "turn.failed")] == ["worker_silent"]
    assert not orchestrator.keep(run.pk, worker="slow")
    assert orchestrator.record(run.pk, first, worker="slow") is False
    setbacks.give_up(run.pk, PlannerError(), worker="slow")
    setbacks.give_up(run.pk, PlannerError(provider_request_id="req_9"), worker="slow")
    assert (Turn.objects.count(), ToolCall.objects.count()) == (0, 0)
    run.refresh_from_db()
    assert (run.status, run.claimed_by, run.turn_count, bool(run.cost_usd)) == ("planning", "next", 0, False)
    assert orchestrator.record(run.pk, second, worker="next") is True
    assert orchestrator.record(run.pk, second, worker="next") is True  # the answer to a commit can be lost
    assert orchestrator.record(run.pk, first, worker="slow") is False
    assert (Turn.objects.count(), ToolCall.objects.count()) == (1, 1)
    run.refresh_from_db()
    assert (run.cost_usd, run.problem) == (COST, "")
    spent = [(one["provider_request_id"], one["cost_usd"], one["input_tokens"]) for one in told(run, "turn.discarded")]
    assert spent == [("req_0001", "0.0008", 100), ("req_9", None, None), ("req_0001", "0.0008", 100)]


def test_a_reply_to_a_run_that_was_cancelled_meanwhile_stores_nothing_but_what_it_cost(world: World) -> None:
    with claude([message(write())]):
        run = begin(world)
        conversation = orchestrator.take(run.pk, worker="one")
        assert conversation is not None
        reply = tasks._planner("claude").next_turn(conversation)
    runs.cancel(run.pk, actor=world.riley)
    assert end_of(AgentRun.objects.get(pk=run.pk)) == ("cancelled", "cancelled")
    assert orchestrator.record(run.pk, reply, worker="one") is False
    setbacks.give_up(run.pk, PlannerError(retryable=True), worker="one")
    run.refresh_from_db()
    assert (run.status, run.cost_usd, run.turns.count(), waits(run)) == ("cancelled", 0, 0, [])
    (told_,) = told(run, "turn.discarded")
    assert (told_["run_status"], told_["provider_request_id"]) == ("cancelled", "req_0001")
