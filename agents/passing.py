"""The last yes: the round has what it needs, so the execution token is signed and the call handed over."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import QuerySet

from agents import queue, runs
from agents.actors import actor_of
from agents.errors import NotFoundError, StaleDecisionError
from agents.models import AgentRun, ToolCall
from agents.states import Status
from agents.visibility import calls_visible_to
from audit import clock, trail
from audit.canonical import JSON
from audit.prepared import Change, prepared, prepared_update
from policy import tokens

TEXTS = ("check_row__policy_version__document", "check_row__policy_version__canonical")


def locked(request_id: UUID, actor: AbstractUser) -> ToolCall:
    """Return a call that the person may see, its run's row locked and then its own: answers count one after the other.

    Raises NotFoundError, also for what the person may not see.
    """
    run = runs.lock_of(request_id) if calls_visible_to(actor).filter(pk=request_id).exists() else None
    if run is None:
        raise NotFoundError(thing="tool call")
    return row_of(run, request_id)


def row_of(run: AgentRun, request_id: UUID) -> ToolCall:
    """Return a call of a locked run, its row locked; of the policy behind it without the texts."""
    (call,) = _row(request_id)
    call.run = run
    return call


@prepared(UUID)
def _row(request_id: UUID) -> QuerySet[ToolCall]:
    calls = ToolCall.objects.select_for_update(of=("self",)).filter(pk=request_id)
    return calls.select_related("tool_version__tool", "check_row__policy_version").defer(*TEXTS)


def passed(call: ToolCall, actor: AbstractUser) -> None:
    """Move a locked pending call to `approved`. Raises CannotSignError outside the web process."""
    token = tokens.issue_execution(actor, request_id=call.pk, round_=call.round, scope=token_scope(call))
    now = clock.now()
    if not _approve(call.pk, call.round, now):
        raise StaleDecisionError(why="the call is not pending any more.")
    call.status, call.approved_at = Status.APPROVED, now
    trail.append("tool_call.approved", actor=actor_of(actor), subject=f"tool_call:{call.pk}", token=token.jti)
    queue.put(queue.EXECUTE, call.pk)


@prepared_update(UUID, int, datetime)
def _approve(request_id: UUID, round_: int, now: datetime) -> Change:
    pending = ToolCall.objects.filter(pk=request_id, status=Status.PENDING, round=round_)
    return pending, {"status": Status.APPROVED, "approved_at": now}


def token_scope(call: ToolCall) -> dict[str, JSON]:
    """Return what an execution token of this call is bound to; the claim compares it with the row."""
    policy = call.check_row.policy_version if call.check_row else None
    return {
        "requestId": str(call.pk),
        "round": call.round,
        "tool": call.tool_name,
        "toolDigest": call.tool_version.digest if call.tool_version else "",
        "argumentsDigest": call.arguments_digest,
        "policyVersion": policy.number if policy else 0,
    }
