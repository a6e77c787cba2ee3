"""What people do to a tool call, one function each, the same behind browser, admin, terminal and REST."""

from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import QuerySet

from agents import looked_up, passing, runs, said, tool_versions
from agents.actors import actor_of
from agents.approval import blocks, decisions, rounds
from agents.approval.decisions import MAX_COMMENT
from agents.approval.seen import Seen
from agents.errors import (
    InvalidFieldError,
    NotEligibleError,
    ToolNotEnabledError,
    WrongStateError,
)
from agents.executing import settling
from agents.models import Decision, Execution, ToolCall
from agents.states import TERMINAL, Status
from audit import clock, trail
from audit.prepared import prepared

__all__ = ["MAX_COMMENT", "approve", "cancel", "reject", "settle"]
STOPPED = "A person asked to stop it:"
STOPS = ("tool_call.stop_asked", "tool_call.cancelled")
Answer = Decision.Answer


def approve(request_id: UUID, *, actor: AbstractUser, seen: Seen, comment: str = "") -> ToolCall:
    """Record one person's yes; the last one that the round needs approves the call and signs its execution token.

    A repeat of one's own yes changes nothing. Raises StaleDecisionError when someone was faster or the call is not the
    one that was shown, ToolNotEnabledError (the call is denied then), NotEligibleError, StepUpRequiredError,
    NotFoundError.
    """
    with tool_versions.denial(request_id):
        return _approve(request_id, actor, seen, comment)


@transaction.atomic(durable=True)
def _approve(request_id: UUID, actor: AbstractUser, seen: Seen, comment: str) -> ToolCall:
    call = passing.locked(request_id, actor)
    with looked_up.for_approval(call, actor), clock.stopped():
        if _has_answered(call, actor, Answer.APPROVE, seen):
            return call
        decisions.record(call, actor, answer=Answer.APPROVE, seen=seen, comment=comment)
        if not tool_versions.is_enabled(call):  # told only to who may decide; nothing of the vote stays
            raise ToolNotEnabledError(tool=call.tool_name)
        if rounds.missing(call) == 0:
            passing.passed(call, actor)
    return call


@transaction.atomic(durable=True)
def reject(request_id: UUID, *, actor: AbstractUser, seen: Seen, comment: str, stop_run: bool = False) -> ToolCall:
    """Record one person's no, which ends the call; the comment goes to the agent as its answer.

    stop_run   cancel the whole run with it
    The same arguments are not put before people again in this run. Raises InvalidFieldError without a comment, and
    whatever `approve` raises.
    """
    if not comment.strip():
        raise InvalidFieldError(field="comment", problem="must say why; the agent reads it")
    call = passing.locked(request_id, actor)
    if _has_answered(call, actor, Answer.REJECT, seen):
        return call
    decisions.record(call, actor, answer=Answer.REJECT, seen=seen, comment=comment)
    pending = ToolCall.objects.filter(pk=call.pk, status=Status.PENDING, round=call.round)
    pending.update(status=Status.REJECTED, note=comment, ended_at=clock.now())
    blocks.begin(call)
    trail.append("tool_call.rejected", actor=actor_of(actor), subject=f"tool_call:{call.pk}", run=call.run_id)
    if stop_run:
        runs.cancel_in_transaction(call.run_id, actor=actor_of(actor), reason=comment)
    else:
        runs.resume_if_rested(call.run)
    call.refresh_from_db()
    return call


@transaction.atomic(durable=True)
def settle(request_id: UUID, *, actor: AbstractUser, outcome: str, note: str) -> ToolCall:
    """Say how a lost call ended: a person has looked, and the run goes on. A repeat changes nothing.

    Raises NotEligibleError for service accounts and for those behind the request, WrongStateError, InvalidFieldError
    without a note, NotFoundError.
    """
    if outcome not in (Status.SUCCEEDED, Status.FAILED):
        raise InvalidFieldError(field="outcome", problem="must be succeeded or failed")
    if not note.strip() or len(note) > MAX_COMMENT or "\0" in note:
        raise InvalidFieldError(field="note", problem="must say what you found")
    call = passing.locked(request_id, actor)
    if why := settling.why_not_settle(call, actor):
        raise NotEligibleError(why=why)
    mine = Execution.objects.filter(call=call, settled_by_id=actor.pk)
    if (call.status, call.note) == (outcome, note) and mine.exists():
        return call  # said once more: the answer to the first was lost on the way
    lost = ToolCall.objects.filter(pk=call.pk, status=Status.LOST)
    if not lost.update(status=outcome, note=note, ended_at=clock.now()):
        raise WrongStateError(why=f"the call is {call.status}, not lost.")
    Execution.objects.filter(call=call).update(settled_by=actor, finished_at=clock.now())
    trail.append("tool_call.settled", actor=actor_of(actor), subject=f"tool_call:{call.pk}", outcome=outcome, note=note)
    runs.resume_if_rested(call.run)
    call.refresh_from_db()
    return call


@transaction.atomic(durable=True)
def cancel(request_id: UUID, *, actor: AbstractUser, reason: str) -> ToolCall:
    """Stop one call that was let go; its run goes on with the others, and the agent reads the reason.

    An approved call is cancelled now. A tool that runs is asked to stop, at its worker's next heartbeat; the call is
    cancelled when every process of it is dead, and keeps its result if the tool was faster. A repeat changes nothing.
    Whoever sees the run may, as they may cancel all of it. Raises WrongStateError, InvalidFieldError without a reason,
    NotFoundError.
    """
    if not reason.strip() or len(reason) > MAX_COMMENT or "\0" in reason:
        raise InvalidFieldError(field="reason", problem="must say why; the agent reads it")
    call = passing.locked(request_id, actor)
    if why := settling.why_not_stop(call):
        if call.status in TERMINAL and said.was_done_by(actor_of(actor), f"tool_call:{call.pk}", *STOPS):
            return call
        raise WrongStateError(why=why)
    if call.status == Status.EXECUTING:
        _ask_to_stop(call, actor, reason)
    else:
        runs.cancel_call(call, actor=actor_of(actor), reason=reason, note=f"{STOPPED} {reason}")
        runs.resume_if_rested(call.run)
    call.refresh_from_db()
    return call


def _ask_to_stop(call: ToolCall, actor: AbstractUser, reason: str) -> None:
    running = Execution.objects.filter(pk=call.pk, finished_at=None, is_cancel_asked=False)
    if running.update(is_cancel_asked=True):
        ToolCall.objects.filter(pk=call.pk, status=Status.EXECUTING).update(note=f"{STOPPED} {reason}")
        subject = f"tool_call:{call.pk}"
        trail.append("tool_call.stop_asked", actor=actor_of(actor), subject=subject, run=call.run_id, reason=reason)


def _has_answered(call: ToolCall, actor: AbstractUser, answer: str, seen: Seen) -> bool:
    """Tell whether this is the same answer once more: a double click, a proxy's second try.

    Of an earlier round it is none: people are asked anew, and an old page must not pass for an answer to that.
    """
    is_shown = (seen.digest, seen.round) == (call.arguments_digest, call.round)
    return is_shown and bool(_votes(call.pk, actor.pk, call.round, answer))


@prepared(UUID, UUID, int, str)
def _votes(call_id: UUID, person_id: UUID, round_: int, answer: str) -> QuerySet[Decision, UUID]:
    votes = Decision.objects.filter(
        call=call_id, kind=Decision.Kind.VOTE, person=person_id, round=round_, answer=answer
    )
    return votes.values_list("pk", flat=True)
