"""Calls and runs as faults leave them: each in a state that must not last, for the tests of the sweeps."""

from agents import halts, runs, sweeps, tasks, tool_calls
from agents.models import AgentRun, Execution, NotificationTarget, Outbox, ToolCall
from audit import clock
from policy import allowlist
from tests.agents import steps
from tests.agents.steps import approved, ask, claim
from tests.agents.test_decisions import WRITE_AND_STOP
from tests.world import World


def changed(call: ToolCall, **fields: object) -> ToolCall:
    """Change a call past every check, and return it as it was."""
    ToolCall.objects.filter(pk=call.pk).update(**fields)
    return call


def pending_too_long(world: World) -> ToolCall:
    """Nobody has decided in time."""
    return changed(ask(world), expires_at=clock.now())


def approved_too_long(world: World) -> ToolCall:
    """No executor has taken it in time."""
    return changed(approved(world), expires_at=clock.now())


def approved_without_row(world: World) -> ToolCall:
    """Nothing says any more that it is to run."""
    call = approved(world)
    Outbox.objects.all().delete()
    return call


def message_lost(world: World) -> ToolCall:
    """It was sent, and nobody came."""
    call = approved(world)
    Outbox.objects.exclude(task="agents.execute").delete()
    Outbox.objects.update(next_at=clock.now())
    return call


def worker_silent(world: World) -> ToolCall:
    """Its executor is dead, or cut off."""
    call = approved(world)
    claim(call)
    Execution.objects.filter(pk=call.pk).update(lease_until=clock.now())
    return call


def stopped_and_silent(world: World) -> ToolCall:
    """A person asked a dead executor to stop it."""
    call = worker_silent(world)
    return tool_calls.cancel(call.pk, actor=world.riley, reason="Stop.")


def run_cancelled_and_silent(world: World) -> ToolCall:
    """The run has ended, and the executor of one of its calls is dead."""
    call = worker_silent(world)
    runs.cancel(call.run_id, actor=world.riley, reason="Stop.")
    return call


def planner_silent(world: World) -> ToolCall:
    """Its run's planner is dead."""
    return _planning(world, claimed_by="dead", lease_until=clock.now())


def planning_without_row(world: World) -> ToolCall:
    """Nothing says any more that its run is to be planned."""
    return _planning(world)


def waiting_for_nothing(world: World) -> ToolCall:
    """Its run waits for calls, and all of them rest."""
    call = _planning(world)
    AgentRun.objects.filter(pk=call.run_id).update(status="waiting", waiting_for="calls")
    return call


def preview_without_row(world: World) -> ToolCall:
    """Nothing says any more that a preview is to be made."""
    call = ask(world)
    Outbox.objects.all().delete()
    return call


def preview_too_long(world: World) -> ToolCall:
    """No executor has made its preview."""
    call = ask(world)
    Outbox.objects.update(created_at=clock.now() - sweeps.PREVIEW_WAITS)
    return call


def tool_disabled(world: World) -> ToolCall:
    """Its tool was disabled by somebody who died before they denied it."""
    call = approved(world)
    assert call.tool_version
    allowlist.disable(call.tool_version.pk, actor="system:cli")
    return call


def halted(world: World) -> ToolCall:
    """Its time is over, and a halt stops it."""
    call = pending_too_long(world)
    halts.set_halt(actor=steps.operator(), reason="Look first.")
    return call


def unsettled(world: World) -> ToolCall:
    """It is lost, and nobody has looked."""
    call = worker_silent(world)
    NotificationTarget.objects.create(identity="1" * 64, label="desk", created_at=clock.now())
    sweeps.lose_silent()
    return changed(call, remind_at=clock.now())


def _planning(world: World, **fields: object) -> ToolCall:
    """Return a rejected call of a run that is at its next turn."""
    run = world.run(scenario=WRITE_AND_STOP)
    tasks.plan(str(run.pk))
    Outbox.objects.all().delete()
    AgentRun.objects.filter(pk=run.pk).update(status="planning", waiting_for="", **fields)
    return changed(run.tool_calls.get(), status="rejected", ended_at=clock.now())
