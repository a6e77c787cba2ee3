"""What brings everything to rest by itself: each bounded, idempotent, and safe to run twice at once."""

from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from agents import halts, notify, queue, runs, setbacks, tool_versions
from agents.actors import system
from agents.executing import execution, losing
from agents.models import AgentRun, Execution, Outbox, ToolCall
from agents.states import RUN_TERMINAL, TERMINAL, RunStatus, Status, WaitingFor
from agents.sweeping import each
from audit import clock, trail
from policy.models import ToolVersion

UNRESTED = sorted(set(Status) - TERMINAL)
PREVIEW_WAITS = timedelta(minutes=5)
CALL, RUN = "tool_call", "run"


def expire_due() -> int:
    """Expire calls whose time is over, except those that a halt stops."""
    open_ = ToolCall.objects.filter(status__in=[Status.PENDING, Status.APPROVED])
    due = open_.filter(~halts.stops_call(), expires_at__lte=clock.now())  # else a batch of halted ones hides the others
    return each(due.order_by("expires_at", "pk").values_list("run_id", "pk"), _expire, kind=CALL)


def lose_silent() -> int:
    """Move executing calls to `lost` whose worker has been silent for longer than its lease."""
    silent = Execution.objects.filter(finished_at=None, lease_until__lte=clock.now(), call__status=Status.EXECUTING)
    return each(silent.order_by("lease_until", "pk").values_list("call__run_id", "pk"), _lose, kind=CALL)


def remind_unsettled() -> int:
    """Tell people again of lost calls that nobody has settled."""
    return each(_unsettled().order_by("remind_at", "pk").values_list("run_id", "pk"), _remind, kind=CALL)


def deny_disabled() -> int:
    """Deny open calls whose tool version was disabled, by whatever means, and that nobody has denied yet."""
    bound = ToolCall.objects.filter(status__in=tool_versions.OPEN, tool_version__state=ToolVersion.State.DISABLED)
    keys = bound.order_by("created_at", "pk").values_list("run_id", "pk")
    return each(keys, partial(tool_versions.deny, actor=system()), kind=CALL)


def put_missing() -> int:
    """Put what waits for an executor into the outbox once more where its row there is gone."""
    return sum(
        each(_unqueued(task).order_by("created_at", "pk").values_list("run_id", "pk"), partial(_put, task), kind=CALL)
        for task in _WAITING
    )


def give_up_previews() -> int:
    """Show "no preview" for what no executor has made in time: people may decide without it."""
    waiting = ToolCall.objects.filter(status=Status.PENDING, preview_state="waiting")
    asked = Outbox.objects.filter(task=queue.PREVIEW, created_at__lte=clock.now() - PREVIEW_WAITS).values("key")
    keys = waiting.filter(pk__in=asked).order_by("created_at", "pk").values_list("run_id", "pk")
    return each(keys, _give_up_preview, kind=CALL)


def resume_stuck() -> int:
    """Let runs go on whose planner died, and runs that wait for calls which have all come to rest."""
    planning = AgentRun.objects.filter(status=RunStatus.PLANNING).order_by("pk").values_list("pk")
    dead = each(planning.filter(lease_until__lte=clock.now()), _replan, kind=RUN)
    idle = each(planning.filter(~_queued(queue.PLAN), lease_until=None), _replan, kind=RUN)
    unrested = Exists(ToolCall.objects.filter(run=OuterRef("pk"), status__in=UNRESTED))
    waiting = AgentRun.objects.filter(~unrested, status=RunStatus.WAITING, waiting_for=WaitingFor.CALLS)
    return dead + idle + each(waiting.order_by("pk").values_list("pk"), _resume, kind=RUN)


_WAITING = {
    queue.EXECUTE: Q(status=Status.APPROVED),
    queue.PREVIEW: Q(status=Status.PENDING, preview_state="waiting"),
}


def _unsettled() -> QuerySet[ToolCall]:
    return ToolCall.objects.filter(Q(remind_at=None) | Q(remind_at__lte=clock.now()), status=Status.LOST)


def _queued(task: str) -> Exists:
    return Exists(Outbox.objects.filter(task=task, key=OuterRef("pk")))


def _unqueued(task: str) -> QuerySet[ToolCall]:
    return ToolCall.objects.filter(_WAITING[task], ~_queued(task)).exclude(run__status__in=RUN_TERMINAL)


@transaction.atomic(durable=True)
def _put(task: str, run_id: UUID, request_id: UUID) -> bool:
    runs.lock(run_id)
    if not _unqueued(task).filter(pk=request_id).exists():
        return False
    queue.put(task, request_id)
    return True


@transaction.atomic(durable=True)
def _give_up_preview(run_id: UUID, request_id: UUID) -> bool:
    runs.lock(run_id)
    waiting = ToolCall.objects.filter(pk=request_id, status=Status.PENDING, preview_state="waiting")
    if not waiting.update(preview_state="failed", preview="No executor made it in time."):
        return False
    queue.done(queue.PREVIEW, request_id)
    trail.append("tool_call.previewed", actor=system(), subject=f"tool_call:{request_id}", state="failed")
    return True


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
    return losing.lose(request_id, losing.SILENT)


@transaction.atomic(durable=True)
def _remind(run_id: UUID, request_id: UUID) -> bool:
    runs.lock(run_id)
    call = ToolCall.objects.get(pk=request_id)
    at, number = clock.now() + losing.REMIND[1], call.reminders + 1
    if not _unsettled().filter(pk=request_id).update(remind_at=at, reminders=number):
        return False
    facts = {"reminder": number, "round": call.round, "status": Status.LOST}
    trail.append("tool_call.reminded", actor=system(), subject=f"tool_call:{request_id}", **facts)
    notify.tell(notify.Kind.LOST, call, number=number)
    return True


@transaction.atomic(durable=True)
def _replan(run_id: UUID) -> bool:
    run = runs.lock(run_id)
    if run.status != RunStatus.PLANNING or (run.lease_until and run.lease_until > clock.now()):
        return False
    if run.lease_until is None and Outbox.objects.filter(task=queue.PLAN, key=run_id).exists():
        return False
    if run.lease_until:
        setbacks.fell_silent(run)
    queue.done(queue.PLAN, run_id)
    queue.put(queue.PLAN, run_id)
    return True


@transaction.atomic(durable=True)
def _resume(run_id: UUID) -> bool:
    return runs.resume_if_rested(runs.lock(run_id))
