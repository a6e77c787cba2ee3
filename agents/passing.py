"""The last yes: the round has what it needs, so the execution token is signed and the call handed over."""

from uuid import UUID

from django.contrib.auth.models import AbstractUser

from agents import queue
from agents.actors import actor_of
from agents.errors import NotFoundError, StaleDecisionError
from agents.models import ToolCall
from agents.states import Status
from agents.visibility import calls_visible_to
from audit import clock, trail
from audit.canonical import JSON
from policy import tokens


def locked(request_id: UUID, actor: AbstractUser) -> ToolCall:
    """Return a call that the person may see, its row locked: two answers are counted one after the other."""
    if not calls_visible_to(actor).filter(pk=request_id).exists():
        raise NotFoundError(thing="tool call")
    calls = ToolCall.objects.select_for_update(of=("self",))
    return calls.select_related("run__agent", "tool_version__tool").get(pk=request_id)


def passed(call: ToolCall, actor: AbstractUser) -> None:
    """Move a locked pending call to `approved`. Raises CannotSignError outside the web process."""
    token = tokens.issue_execution(actor, request_id=call.pk, round_=call.round, scope=token_scope(call))
    pending = ToolCall.objects.filter(pk=call.pk, status=Status.PENDING, round=call.round)
    if not pending.update(status=Status.APPROVED, approved_at=clock.now()):
        raise StaleDecisionError(why="the call is not pending any more.")
    trail.append("tool_call.approved", actor=actor_of(actor), subject=f"tool_call:{call.pk}", token=token.jti)
    queue.put(queue.EXECUTE, call.pk)
    call.refresh_from_db()


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
