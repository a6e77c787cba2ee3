"""What brings everything to rest by itself: each bounded, idempotent, and safe to run twice at once."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.db import transaction

from agents import execution, halts, notify, queue, runs, tool_versions
from agents.actors import system
from agents.models import AgentRun, Execution, Outbox, ToolCall
from agents.states import TERMINAL, RunStatus, Status, WaitingFor
from audit import clock, trail
from policy.models import ToolVersion

BATCH = 100


def expire_due() -> int:
    """Expire calls whose time is over, except those that a halt stops."""
    open_ = ToolCall.objects.filter(status__in=[Status.PENDING, Status.APPROVED])
    due = open_.filter(~halts.stops_call(), expires_at__lte=clock.now())  # else a batch of halted ones hides the others
    return _each(list(due.order_by("expires_at").values_list("run_id", "pk")[:BATCH]), _expire)


def lose_silent() -> int:
    """Move executing calls to `lost` whose worker has been silent for longer than its lease."""
    silent = Execution.objects.filter(finished_at=None, lease_until__lte=clock.now(), call__status=Status.EXECUTING)
    return _each(list(silent.order_by("lease_until").values_list("call__run_id", "pk")[:BATCH]), _lose)


def deny_disabled() -> int:
    """Deny open calls whose tool version was disabled, by whatever means, and that nobody has denied yet."""
    bound = ToolCall.objects.filter(status__in=tool_versions.OPEN, tool_version__state=ToolVersion.State.DISABLED)
    keys = list(bound.order_by("created_at").values_list("run_id", "pk")[:BATCH])
    return _each(keys, partial(tool_versions.deny, actor=system()))


def resume_stuck() -> int:
    """Let runs go on whose planner died, and runs that wait for calls which have all come to rest."""
    now = clock.now()
    dead = AgentRun.objects.filter(status=RunStatus.PLANNING, lease_until__lte=now).values_list("pk", flat=True)[:BATCH]
    queued = Outbox.objects.filter(task=queue.PLAN).values("key")
    idle = AgentRun.objects.filter(status=RunStatus.PLANNING, lease_until=None).exclude(pk__in=queued)
    resumed = sum(_replan(run_id) for run_id in {*dead, *idle.values_list("pk", flat=True)[:BATCH]})
    unrested = ToolCall.objects.exclude(status__in=TERMINAL).values("run_id")
    waiting = AgentRun.objects.filter(status=RunStatus.WAITING, waiting_for=WaitingFor.CALLS).exclude(pk__in=unrested)
    return resumed + sum(_resume(run_id) for run_id in list(waiting.values_list("pk", flat=True)[:BATCH]))


def _each(keys: list[tuple[UUID, UUID]], change: Callable[[UUID, UUID], bool]) -> int:
    return sum(change(run_id, request_id) for run_id, request_id in keys)


@transaction.atomic(durable=True)
def _expire(run_id: UUID, request_id: UUID) -> bool:
    run = runs.lock(run_id)
    call = ToolCall.objects.get(pk=request_id)
    call.run = run
    return not halts.on(run.agent_id, call.tool_name) and execution.expire(call)


@transaction.atomic(durable=True)
def _lose(run_id: UUID, request_id: UUID) -> bool:
    runs.lock(run_id)
    if not Execution.objects.filter(pk=request_id, finished_at=None, lease_until__lte=clock.now()).exists():
        return False
    executing = ToolCall.objects.filter(pk=request_id, status=Status.EXECUTING)
    note = "The worker that ran it fell silent; whether the tool has acted is not known."
    if not executing.update(status=Status.LOST, note=note):
        return False
    trail.append("tool_call.lost", actor=system(), subject=f"tool_call:{request_id}")
    notify.tell(notify.Kind.LOST, ToolCall.objects.get(pk=request_id))
    return True


@transaction.atomic(durable=True)
def _replan(run_id: UUID) -> bool:
    run = runs.lock(run_id)
    if run.status != RunStatus.PLANNING or (run.lease_until and run.lease_until > clock.now()):
        return False
    failures = run.planner_failures + (run.lease_until is not None)
    AgentRun.objects.filter(pk=run_id).update(lease_until=None, claimed_by="", planner_failures=failures)
    queue.done(queue.PLAN, run_id)
    queue.put(queue.PLAN, run_id)
    return True


@transaction.atomic(durable=True)
def _resume(run_id: UUID) -> bool:
    return runs.resume_if_rested(runs.lock(run_id))
