"""What fails before the claim is counted, and has an end; what only comes twice is not counted."""

from datetime import timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.db import OperationalError

from agents import patience, queue, tasks
from agents.executing import dispatch, execution
from agents.models import AgentRun, Execution, Outbox, ToolCall
from agents.queue import Taken
from audit import clock
from policy.models import ApprovalToken
from tests.agents import steps
from tests.agents.steps import approved, claim, events
from tests.world import World, executor_environment

pytestmark = pytest.mark.django_db
CRASH = mock.patch("agents.executing.claiming.claim", side_effect=SystemError("the executor dies of it"))


def later(seconds: float = queue.HOLD_SECONDS + 1) -> None:
    """Let as much time pass for what waits."""
    for row in Outbox.objects.exclude(taken_until=None):
        Outbox.objects.filter(pk=row.pk).update(taken_until=row.taken_until - timedelta(seconds=seconds))


def message(call: ToolCall) -> Outbox:
    """Return what is left of the message that the call is to be executed."""
    return Outbox.objects.get(task=queue.EXECUTE, key=call.pk)


def crash(call: ToolCall, times: int) -> None:
    """Have as many executors die of the call before they have claimed it."""
    for _ in range(times):
        with CRASH, pytest.raises(SystemError):
            tasks.execute(str(call.pk))
        later()


def test_a_call_that_kills_three_executors_is_parked_and_its_run_goes_on(world: World) -> None:
    call = approved(world)
    crash(call, queue.MAX_ATTEMPTS)
    with CRASH as claimed:
        tasks.execute(str(call.pk))
    claimed.assert_not_called()
    call.refresh_from_db()
    assert (call.status, call.note) == ("failed", dispatch.NOTE)
    assert call.ended_at and not Execution.objects.exists() and not Outbox.objects.filter(task=queue.EXECUTE).exists()
    assert events(call)[-1] == "tool_call.failed"
    assert ApprovalToken.objects.get(request_id=call.pk).revoked_at is not None
    assert AgentRun.objects.get(pk=call.run_id).waiting_for == "external", "its agent is told, and may go on"
    assert claim(call) is None


def test_two_executors_that_died_are_no_reason_to_park(world: World) -> None:
    call = approved(world)
    crash(call, queue.MAX_ATTEMPTS - 1)
    with executor_environment(world):
        tasks.execute(str(call.pk))
    call.refresh_from_db()
    assert call.status == "succeeded"


def test_a_database_that_is_away_once_costs_one_attempt(world: World) -> None:
    call = approved(world)
    with mock.patch("agents.approval.standing.warrant", side_effect=OperationalError), pytest.raises(OperationalError):
        tasks.execute(str(call.pk))
    assert message(call).attempts == 1
    assert ToolCall.objects.get(pk=call.pk).status == "approved"


def test_messages_that_come_while_one_executor_is_at_it_are_not_counted(world: World) -> None:
    call = approved(world)
    assert queue.take_up(queue.EXECUTE, call.pk) is Taken.YES
    for _ in range(100):
        assert queue.take_up(queue.EXECUTE, call.pk) is Taken.NO
    assert message(call).attempts == 1


def test_a_call_that_is_halted_for_long_is_not_parked(world: World) -> None:
    call = approved(world)
    with mock.patch("agents.halts.on", return_value="Stop."):
        for _ in range(3 * queue.MAX_ATTEMPTS):
            tasks.execute(str(call.pk))
    assert message(call).attempts == 0
    assert ToolCall.objects.get(pk=call.pk).status == "approved"


def test_a_call_without_an_executor_that_has_its_version_is_not_parked(world: World) -> None:
    call = approved(world)
    with mock.patch("agents.tasks.definitions", return_value={}):
        for _ in range(3 * queue.MAX_ATTEMPTS):
            tasks.execute(str(call.pk))
    assert message(call).attempts == 0


@pytest.mark.parametrize("status", ["pending", "executing", "succeeded", "cancelled", "lost"])
def test_only_an_approved_call_can_be_parked(world: World, status: str) -> None:
    call = approved(world)
    ToolCall.objects.filter(pk=call.pk).update(status=status)
    before = events(call)
    assert dispatch.park(call.pk) is False
    assert (ToolCall.objects.get(pk=call.pk).status, events(call)) == (status, before)


def test_an_attempt_is_on_record_before_it_begins(world: World) -> None:
    call = approved(world)

    def claimed(*_: object, **__: object) -> None:
        assert message(call).attempts == 1

    with mock.patch("agents.executing.claiming.claim", claimed):
        tasks.execute(str(call.pk))


def test_a_run_that_has_spent_its_budget_runs_nothing_more(world: World) -> None:
    call = approved(world)
    AgentRun.objects.filter(pk=call.run_id).update(cost_usd="1.00", budget_usd="1.00")
    assert claim(call) is None
    call.refresh_from_db()
    assert (call.status, call.note) == ("denied", "The run has spent its budget.")
    assert not Execution.objects.exists()


def test_a_turn_that_overspends_asks_nobody(world: World) -> None:
    run = steps.external_run(world)
    AgentRun.objects.filter(pk=run.pk).update(cost_usd="1.01", budget_usd="1.00")
    call = steps.propose(run, ("files.write", steps.WRITE))[0]
    assert (call.status, call.note) == ("denied", "The run has spent its budget.")


def test_the_beat_of_a_worker_whose_call_was_lost_stops_the_tool(world: World) -> None:
    call = approved(world)
    assert claim(call)
    assert execution.beat(call.pk, worker="worker")
    ToolCall.objects.filter(pk=call.pk).update(status="lost")
    until = Execution.objects.get(pk=call.pk).lease_until
    assert not execution.beat(call.pk, worker="worker")
    assert Execution.objects.get(pk=call.pk).lease_until == until


def test_the_hold_ends_by_the_databases_clock(world: World) -> None:
    call = approved(world)
    queue.take_up(queue.EXECUTE, call.pk)
    held = message(call)
    assert held.taken_until and timedelta(0) < held.taken_until - clock.now() <= timedelta(seconds=queue.HOLD_SECONDS)
    later()
    assert queue.take_up(queue.EXECUTE, call.pk) is Taken.YES


def test_a_broker_that_was_away_for_long_gets_every_message_soon_after_it_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, asked = approved(world), []
    monkeypatch.setattr(queue, "send", lambda *key: asked.append(key))  # says that it is away
    Outbox.objects.bulk_create(
        Outbox(task=queue.NOTIFY, key=uuid4(), created_at=clock.now(), next_at=clock.now()) for _ in range(150)
    )
    for _ in range(400):
        Outbox.objects.update(next_at=clock.now())
        assert queue.resend_due() == 0
    assert len(asked) == 400, "it is asked once a sweep, however much waits"
    latest = Outbox.objects.order_by("-next_at")[0].next_at
    assert latest - clock.now() <= timedelta(seconds=queue.RESEND_SECONDS)
    monkeypatch.setattr(queue, "send", lambda *key: True)
    Outbox.objects.update(next_at=clock.now())
    assert queue.resend_due() + queue.resend_due() == 152
    assert message(call).sends == 1


def test_a_result_is_recorded_once_the_database_is_there_and_only_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(patience, "connection", mock.Mock())  # closing it would end the test's transaction
    call, record, tries = approved(world), execution.finish, []

    def finish(*args: Any, **kwargs: Any) -> bool:
        tries.append(args)
        if len(tries) == 3:
            record(*args, **kwargs)  # committed, and the answer never came
        if len(tries) <= 3:
            raise OperationalError("the server closed the connection unexpectedly")
        return record(*args, **kwargs)

    with mock.patch("agents.executing.execution.finish", finish), executor_environment(world):
        tasks.execute(str(call.pk))
    call.refresh_from_db()
    assert (call.status, len(tries)) == ("succeeded", 4)
    assert events(call).count("tool_call.succeeded") == 1
    assert "tool_call.late_result" not in events(call), "it was never late"
