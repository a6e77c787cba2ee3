"""An execution from its claim to its result: only the worker that claimed it renews it, and only its result counts."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from agents import queue, runs
from agents.actors import system
from agents.models import AgentRun, Execution, ToolCall
from agents.sandbox.answer import NOT_BEGUN
from agents.sandbox.values import Result
from agents.states import Status
from audit import clock, trail
from audit.prepared import Change, prepared, prepared_update


def beat(request_id: UUID, *, worker: str) -> bool:
    """Renew the lease; False when the call is not this worker's any more, or a person asked to stop it."""
    return bool(_mine(request_id, worker).update(lease_until=clock.now() + timedelta(seconds=runs.lease_seconds())))


@transaction.atomic(durable=True)
def retried(number: int, before: Result, *, request_id: UUID, worker: str) -> bool:
    """Put a further try on record before it begins; False as for `beat`.

    before   the result of the try before it
    """
    if not _mine(request_id, worker).update(tries=number):
        return False
    subject = f"tool_call:{request_id}"
    trail.append("tool_call.retried", actor=system(), subject=subject, number=number, error_code=before.error_code)
    return True


def _mine(request_id: UUID, worker: str) -> QuerySet[Execution]:
    """Return the execution while the worker holds it: claimed, neither finished nor lost, and nobody asked to stop."""
    return Execution.objects.filter(
        pk=request_id, claimed_by=worker, finished_at=None, is_cancel_asked=False, call__status=Status.EXECUTING
    )


@transaction.atomic(durable=True)
def finish(request_id: UUID, result: Result, *, worker: str) -> bool:
    """Store the result of the lease's holder, once; a late one is kept as an event and changes nothing (False)."""
    run = runs.lock_of(request_id)
    if run is None:
        raise ToolCall.DoesNotExist
    with clock.stopped():
        return _finish(run, request_id, result, worker)


def _finish(run: AgentRun, request_id: UUID, result: Result, worker: str) -> bool:
    now = clock.now()
    status = _status_of(request_id, result)
    facts = {
        "output_bytes": result.output_bytes,
        "output_digest": result.output_digest,
        "error_code": result.error_code,
    }
    mine = Execution.objects.filter(pk=request_id, claimed_by=worker, finished_at=None)
    if not (_executing(request_id) and mine.update(
        finished_at=now, output=result.output, is_truncated=result.truncated, error=result.error, **facts
    )):  # fmt: skip
        if Execution.objects.filter(pk=request_id, claimed_by=worker, finished_at__isnull=False, **facts).exists():
            return True  # it was recorded, and the database went away before it could say so
        trail.append("tool_call.late_result", actor=system(), subject=f"tool_call:{request_id}", ok=result.ok, **facts)
        return False
    _end(request_id, status, now)
    trail.append(f"tool_call.{status}", actor=system(), subject=f"tool_call:{request_id}", **facts)
    runs.resume_if_rested(run)
    return True


def _status_of(request_id: UUID, result: Result) -> Status:
    if result.ok:
        return Status.SUCCEEDED
    asked = Execution.objects.filter(pk=request_id, is_cancel_asked=True)
    is_stopped = result.error_code == "cancelled" or (result.error_code == NOT_BEGUN and asked.exists())
    return Status.CANCELLED if is_stopped else Status.FAILED


@prepared(UUID)
def _executing(request_id: UUID) -> QuerySet[ToolCall, UUID]:
    return ToolCall.objects.filter(pk=request_id, status=Status.EXECUTING).values_list("pk", flat=True)


@prepared_update(UUID, str, datetime)
def _end(request_id: UUID, status: str, now: datetime) -> Change:
    return ToolCall.objects.filter(pk=request_id, status=Status.EXECUTING), {"status": status, "ended_at": now}


def expire(call: ToolCall) -> bool:
    """Move a call whose time is over to `expired`, within a transaction that has locked its run."""
    open_ = ToolCall.objects.filter(
        pk=call.pk, status__in=[Status.PENDING, Status.APPROVED], expires_at__lte=clock.now()
    )
    if not open_.update(status=Status.EXPIRED, ended_at=clock.now(), note="Nobody decided in time."):
        return False
    queue.done(queue.EXECUTE, call.pk)
    trail.append("tool_call.expired", actor=system(), subject=f"tool_call:{call.pk}")
    runs.resume_if_rested(call.run)
    return True
