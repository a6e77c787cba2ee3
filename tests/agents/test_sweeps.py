"""What brings everything to rest by itself: expiry, lost workers, lost messages; and each sweep twice at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from kombu.exceptions import OperationalError

from agents import halts, orchestrator, queue, runs, setbacks, sweeping, sweeps, tasks, tool_calls
from agents.errors import InvalidFieldError, NotEligibleError, NotFoundError, WrongStateError
from agents.executing import execution
from agents.models import AgentRun, Execution, Outbox, ToolCall
from agents.sandbox.values import Result
from audit import clock
from tests.agents import steps
from tests.agents.steps import approve, approved, ask, claim, events, propose
from tests.agents.test_decisions import WRITE_AND_STOP
from tests.world import World, person, turn_wheels

pytestmark = pytest.mark.django_db
FAILED = Result(False, "", 0, "", False, "tool_error", "It broke.")
LEASE = timedelta(seconds=16)


def later(by: timedelta) -> Any:
    """Let the database's clock be ahead."""
    at = clock.now() + by
    return mock.patch("audit.clock.now", lambda: at)


def now_of(call: ToolCall) -> ToolCall:
    return ToolCall.objects.get(pk=call.pk)


def due(*calls: ToolCall) -> None:
    ToolCall.objects.filter(pk__in=[call.pk for call in calls]).update(expires_at=clock.now())


def test_calls_whose_time_is_over_expire_and_their_run_goes_on(world: World) -> None:
    pending, accepted, open_ = ask(world), approved(world), ask(world)
    due(pending, accepted)
    assert sweeps.expire_due() == 2
    assert [now_of(call).status for call in (pending, accepted, open_)] == ["expired", "expired", "pending"]
    assert events(pending) == ["tool_call.pending", "tool_call.expired"]
    assert AgentRun.objects.get(pk=pending.run_id).waiting_for == "external"
    assert not Outbox.objects.filter(key=accepted.pk, task="agents.execute").exists()
    assert sweeps.expire_due() == 0
    assert claim(accepted) is None
    assert events(pending).count("tool_call.expired") == 1


def test_an_executing_call_never_expires(world: World) -> None:
    call = approved(world)
    claim(call)
    due(call)
    assert sweeps.expire_due() == 0
    assert now_of(call).status == "executing"


def test_a_halted_call_keeps_its_state_until_the_halt_is_lifted(world: World) -> None:
    call = ask(world)
    halt = halts.set_halt(actor=steps.operator(), reason="Look first.")
    due(call)
    assert sweeps.expire_due() == 0
    with later(timedelta(minutes=5)):
        halts.lift(halt.pk, actor=steps.operator())
        assert sweeps.expire_due() == 0  # the halt has given it its five minutes back
    with later(timedelta(minutes=11)):
        assert sweeps.expire_due() == 1


def test_halted_calls_do_not_hide_others_from_the_sweep(world: World) -> None:
    calls = propose(steps.external_run(world), *[("files.write", {"path": f"{n}", "content": ""}) for n in range(3)])
    other = propose(steps.external_run(world), ("files.delete", {"path": "a.txt"}))[0]
    due(*calls, other)
    halts.set_halt(actor=steps.operator(), reason="Look first.", tool=calls[0].tool_version.tool)  # type: ignore[union-attr]
    with mock.patch.object(sweeping, "BATCH", 2):
        assert sweeps.expire_due() == 1
    assert now_of(other).status == "expired"


def test_a_silent_worker_s_call_is_lost_and_its_run_waits_for_a_person(world: World) -> None:
    call, alive = approved(world), approved(world)
    claim(call)
    with later(LEASE):
        claim(alive)
        assert sweeps.lose_silent() == 1
        assert sweeps.lose_silent() == 0
    assert (now_of(call).status, now_of(alive).status) == ("lost", "executing")
    assert events(call)[-1] == "tool_call.lost"
    assert AgentRun.objects.get(pk=call.run_id).waiting_for == "calls"
    assert claim(call) is None
    assert sweeps.resume_stuck() == 0


def test_a_worker_that_beats_keeps_its_call(world: World) -> None:
    call = approved(world)
    claim(call)
    with later(LEASE):
        assert execution.beat(call.pk, worker="worker")
        assert not execution.beat(call.pk, worker="another")
        assert sweeps.lose_silent() == 0


def test_a_late_result_is_an_event_and_overwrites_nothing(world: World) -> None:
    call = approved(world)
    claim(call)
    with later(LEASE):
        sweeps.lose_silent()
    assert not steps.run_to(call)
    assert now_of(call).status == "lost"
    assert events(call)[-2:] == ["tool_call.lost", "tool_call.late_result"]
    tool_calls.settle(call.pk, actor=world.sam, outcome="failed", note="I looked: nothing was written.")
    assert not steps.run_to(call)
    row = Execution.objects.get(pk=call.pk)
    assert (now_of(call).status, row.output, row.settled_by) == ("failed", "", world.sam)


def test_only_the_holder_of_the_lease_hands_in_a_result_and_once(world: World) -> None:
    call = approved(world)
    claim(call)
    assert not steps.run_to(call, worker="another")
    assert now_of(call).status == "executing"
    assert steps.run_to(call)
    assert not steps.run_to(call, result=FAILED)
    assert (now_of(call).status, Execution.objects.get(pk=call.pk).error) == ("succeeded", "")
    assert events(call)[-3:] == ["tool_call.late_result", "tool_call.succeeded", "tool_call.late_result"]


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_settling_a_lost_call_lets_the_run_go_on_and_the_agent_is_told(world: World, outcome: str) -> None:
    run = world.run(scenario=WRITE_AND_STOP)
    turn_wheels(world)
    call = approve(run.tool_calls.get(), world.ava)
    claim(call)
    with later(LEASE):
        sweeps.lose_silent()
    tool_calls.settle(call.pk, actor=world.sam, outcome=outcome, note="I looked.")
    assert events(call)[-1] == "tool_call.settled"
    conversation = orchestrator.take(run.pk, worker="planner")
    assert conversation is not None
    (told,) = conversation.outcomes
    assert (told.status, told.note, told.settled) == (outcome, "I looked.", True)
    with pytest.raises(WrongStateError):
        tool_calls.settle(call.pk, actor=world.ava, outcome="failed", note="Me too.")


def test_only_a_person_who_sees_it_settles_a_lost_call_with_a_note(world: World) -> None:
    call = approved(world)
    for status in ("approved", "executing", "succeeded", "pending"):
        ToolCall.objects.filter(pk=call.pk).update(status=status)
        with pytest.raises(WrongStateError):
            tool_calls.settle(call.pk, actor=world.sam, outcome="failed", note="I looked.")
    ToolCall.objects.filter(pk=call.pk).update(status="lost")
    account = call.run.agent.service_account
    assert account
    bad: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"note": " "}, InvalidFieldError),
        ({"outcome": "cancelled"}, InvalidFieldError),
        ({"actor": person("stranger")}, NotFoundError),
        ({"actor": account}, NotEligibleError),
    ]
    for fields, error in bad:
        with pytest.raises(error):
            tool_calls.settle(call.pk, **{"actor": world.sam, "outcome": "failed", "note": "I looked."} | fields)
    assert now_of(call).status == "lost"
    assert "tool_call.settled" not in events(call)


def test_a_call_that_is_cancelled_while_it_runs_stops_at_the_next_beat(world: World) -> None:
    call = approved(world)
    claim(call)
    runs.cancel(call.run_id, actor=world.riley, reason="Stop.")
    assert not execution.beat(call.pk, worker="worker")
    stopped = Result(False, "", 0, "", False, "cancelled", "Stopped.")
    assert steps.run_to(call, result=stopped)
    assert now_of(call).status == "cancelled"
    assert AgentRun.objects.get(pk=call.run_id).status == "cancelled"


def test_a_message_that_the_broker_lost_is_sent_again_less_and_less_often(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(queue, "send", lambda task, key: sent.append(f"{task} {key}") or True)
    call = approved(world)
    began, waits = clock.now(), []
    row = Outbox.objects.get(key=call.pk, task="agents.execute")
    for _ in range(8):
        row.refresh_from_db()
        waits.append(row.next_at)
        with mock.patch("audit.clock.now", lambda: row.next_at):  # noqa: B023 - called here and now
            queue.resend_due()
    assert sent.count(f"agents.execute {call.pk}") == 8
    gaps = [(after - before).seconds for before, after in zip(waits, waits[1:], strict=False)]
    assert gaps == [10, 20, 40, 80, 160, 300, 300]
    assert waits[0] - began <= timedelta(seconds=10)
    claim(call)
    assert not Outbox.objects.filter(pk=row.pk).exists()


def test_a_broker_that_is_away_is_a_delay(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(queue.current_app, "send_task", away)
    call = approved(world)
    assert not queue.send("agents.execute", call.pk)
    with later(timedelta(seconds=11)):
        assert queue.resend_due() == 0
    assert Outbox.objects.filter(key=call.pk, task="agents.execute").exists()
    assert claim(call) is not None


def test_a_run_whose_planner_died_is_planned_again(world: World) -> None:
    run = world.run(scenario=WRITE_AND_STOP)
    assert orchestrator.take(run.pk, worker="dead") is not None
    Outbox.objects.all().delete()
    assert sweeps.resume_stuck() == 0
    with later(LEASE):
        assert sweeps.resume_stuck() == 1
        assert sweeps.resume_stuck() == 0
        assert Outbox.objects.filter(task="agents.plan", key=run.pk).count() == 1
        assert orchestrator.take(run.pk, worker="alive") is not None
        assert not orchestrator.keep(run.pk, worker="dead")


def test_a_run_whose_message_is_gone_is_planned(world: World) -> None:
    run = world.run(scenario=WRITE_AND_STOP)
    Outbox.objects.all().delete()
    assert sweeps.resume_stuck() == 1
    assert Outbox.objects.filter(task="agents.plan", key=run.pk).count() == 1
    assert sweeps.resume_stuck() == 0


@pytest.mark.parametrize("first", ["the sweep", "the message"])
def test_a_run_that_kills_its_planners_is_parked_and_the_others_go_on(world: World, first: str) -> None:
    poison, good = world.run(scenario=WRITE_AND_STOP), world.run()
    begun = 0
    for minutes in range(20):
        with later(timedelta(minutes=minutes)):
            if first == "the sweep":
                sweeps.resume_stuck()
            begun += orchestrator.take(poison.pk, worker=f"planner {minutes}") is not None
    assert begun == setbacks.MAX_TRIES
    poison.refresh_from_db()
    assert (poison.status, poison.end_reason) == ("failed", "model_error")
    assert events(poison)[-1] == "run.failed"
    tasks.plan(str(good.pk))
    assert good.turns.count() == 1


def test_a_run_whose_calls_rest_goes_on_even_if_nobody_said_so(world: World) -> None:
    call = ask(world)
    ToolCall.objects.filter(pk=call.pk).update(status="rejected", ended_at=clock.now())
    assert sweeps.resume_stuck() == 1
    assert AgentRun.objects.get(pk=call.run_id).waiting_for == "external"
    assert sweeps.resume_stuck() == 0


@pytest.mark.django_db(transaction=True)
def test_no_event_no_change(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit event that cannot be written takes its change with it, whichever function makes it."""
    pending, accepted, executing = ask(world), approved(world), approved(world)
    claim(executing)
    Execution.objects.filter(pk=executing.pk).update(lease_until=clock.now())
    changes: list[Callable[[], object]] = [
        lambda: approve(pending, world.ava),
        lambda: steps.reject(pending, world.ava),
        lambda: claim(accepted),
        lambda: steps.run_to(executing),
        lambda: runs.cancel(pending.run_id, actor=world.riley),
        lambda: ask(world),
    ]

    def broken(*args: object, **kwargs: object) -> None:
        raise OSError("the trail cannot be written")

    before = state()
    monkeypatch.setattr("audit.rows.insert", broken)
    for change in changes:
        with pytest.raises(OSError, match="trail"):
            change()
        assert state() == before
    assert sweeps.lose_silent() == 0, "a sweep goes on with the next row"
    assert state() == before


def state() -> list[Any]:
    """Return what the tables of the line hold."""
    return [list(model.objects.order_by("pk").values()) for model in (AgentRun, ToolCall, Execution, Outbox)]
