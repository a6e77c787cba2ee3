"""What the worker does with a reply that it holds: it is put down once, whatever the database or M1 itself does."""

from collections.abc import Callable
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from django.db import DataError, OperationalError

from agents import orchestrator, patience, planning, proposals, queue, runs, setbacks, tasks
from agents.models import Outbox, ToolCall
from agents.planners.base import Conversation, PlannerError
from audit import clock
from tests.agents.claude_runs import COST, begin, claude, end_of, plan, told, write
from tests.claude_server import message
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def failing(times: int, error: Exception, real: Callable[..., Any], *, after: bool = False) -> Callable[..., Any]:
    """Return the function, failing so many times, before or after it has done its work."""
    left = [times]

    def call(*args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0 and not after:
            raise error
        found = real(*args, **kwargs)
        if left[0] >= 0:
            raise error
        return found

    return call


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0)


@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "the answer to the commit was lost"])
def test_a_reply_is_kept_while_the_database_is_away_and_recorded_once(
    world: World, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    record = failing(3, OperationalError("server closed the connection"), orchestrator.record, after=after)
    monkeypatch.setattr(orchestrator, "record", record)
    with claude([message(write())]) as server:
        run = plan(begin(world))
    assert (run.status, run.turns.count(), run.tool_calls.count(), run.cost_usd) == ("waiting", 1, 1, COST)
    assert len(server.requests) == 1 and told(run, "turn.discarded") == told(run, "turn.failed") == []


def test_a_database_that_stays_away_leaves_the_run_to_the_next_planner(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(orchestrator, "record", failing(9, OperationalError("no space left"), orchestrator.record))
    with claude([message(write())]):
        run = begin(world)
        with pytest.raises(OperationalError):
            tasks.plan(str(run.pk))
    run.refresh_from_db()
    assert (run.status, run.turn_count, bool(run.lease_until), bool(run.claimed_by)) == ("planning", 0, True, True)


def test_a_failure_is_kept_while_the_database_is_away_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setbacks, "give_up", failing(3, OperationalError("starting up"), setbacks.give_up))
    with claude([]):
        run = plan(begin(world))
    assert (run.status, run.planner_failures) == ("planning", 1)


@pytest.mark.parametrize("error", [DataError("DETAIL: the secret"), ValueError("the secret"), KeyError("the secret")])
def test_a_reply_that_cannot_be_stored_ends_the_run_and_is_not_paid_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    monkeypatch.setattr(proposals, "propose", mock.Mock(side_effect=error))
    with claude(lambda _: message(write())) as server:
        run = plan(begin(world), 3)
    assert end_of(run) == ("failed", "model_error")
    assert type(error).__name__ in run.problem and run.problem.endswith("(request req_0001)")
    assert (len(server.requests), run.turns.count(), ToolCall.objects.count(), run.cost_usd) == (1, 0, 0, 0)
    (failed,) = told(run, "turn.failed")
    assert (failed["provider_request_id"], failed["cost_usd"]) == ("req_0001", "0.0008")
    assert "propose" not in run.problem and "the secret" not in run.problem + caplog.text
    assert "orchestrator.py" in caplog.text


@pytest.mark.parametrize("error", [RecursionError(), UnicodeError("the secret"), MemoryError(), AttributeError("x")])
def test_a_planner_that_breaks_ends_the_run_in_words(world: World, error: Exception) -> None:
    run = begin(world)
    with mock.patch.object(tasks, "_planner", mock.Mock(side_effect=error)):
        run = plan(run)
    assert end_of(run) == ("failed", "model_error")
    assert f"broke off with {type(error).__name__}" in run.problem and "secret" not in run.problem


def test_a_run_that_planners_die_of_is_parked_and_others_go_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    poison, fine = begin(world), begin(world)
    real = orchestrator.take

    def take(run_id: UUID, *, worker: str) -> Conversation | None:
        if run_id == poison.pk:
            raise SystemExit  # as near to kill -9 as one process gets: nothing after this line is done
        return real(run_id, worker=worker)

    monkeypatch.setattr(orchestrator, "take", take)
    for _ in range(queue.MAX_ATTEMPTS):
        with pytest.raises(SystemExit):
            tasks.plan(str(poison.pk))
        tasks.plan(str(poison.pk))  # too soon
        Outbox.objects.filter(key=poison.pk).update(taken_until=clock.now())
    with claude([message(write())]):
        assert plan(fine).status == "waiting"
    poison = plan(poison)
    assert end_of(poison) == ("failed", "model_error") and poison.problem == setbacks.PARKED
    assert [one["error_code"] for one in told(poison, "turn.failed")] == ["unplannable"]


def test_messages_that_come_while_the_model_thinks_are_no_attempts(world: World) -> None:
    run = begin(world)
    assert orchestrator.take(run.pk, worker="thinking")
    run = plan(run, 10)
    assert (run.status, run.claimed_by) == ("planning", "thinking")
    assert Outbox.objects.get(key=run.pk).attempts == 0


def test_a_parked_message_ends_no_run_that_goes_on(world: World) -> None:
    run = begin(world)
    assert orchestrator.take(run.pk, worker="thinking")
    assert setbacks.park(run.pk) is False
    runs.cancel(run.pk, actor=world.riley, reason="Enough.")
    assert setbacks.park(run.pk) is False
    run.refresh_from_db()
    assert (run.status, run.problem) == ("cancelled", "Enough.")


def test_an_error_that_cannot_be_recorded_is_not_taken_for_the_database(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setbacks, "give_up", mock.Mock(side_effect=ValueError))
    monkeypatch.setattr(planning, "_ask", lambda *_: PlannerError())
    with pytest.raises(ValueError):
        plan(begin(world))
