"""What people do to a tool call, one function each, the same behind browser, admin, terminal and REST."""

from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from agents import eligibility, queue, rounds, runs, tool_versions
from agents.actors import actor_of, system
from agents.errors import (
    InvalidFieldError,
    NotEligibleError,
    NotFoundError,
    StaleDecisionError,
    StepUpRequiredError,
    ToolNotEnabledError,
    WrongStateError,
)
from agents.models import Decision, Execution, ToolCall
from agents.proposals import name_of
from agents.states import Status
from agents.visibility import calls_visible_to
from audit import clock, trail
from audit.canonical import JSON
from policy import tokens

MAX_COMMENT = 4_000
FRESH_SURFACES = (Decision.Surface.WEB, Decision.Surface.ADMIN)


def approve(
    request_id: UUID, *, actor: AbstractUser, digest_seen: str, round_seen: int, surface: str, comment: str = ""
) -> ToolCall:
    """Record one person's yes; the last one that the round needs approves the call and signs its execution token.

    digest_seen, round_seen   what was on the person's screen
    A repeat of one's own yes changes nothing. Raises StaleDecisionError when someone was faster or the call is not the
    one that was shown, ToolNotEnabledError (the call is denied then), NotEligibleError, StepUpRequiredError,
    NotFoundError.
    """
    try:
        return _approve(request_id, actor, (digest_seen, round_seen), surface, comment)
    except ToolNotEnabledError:
        run_id = ToolCall.objects.values_list("run_id", flat=True).get(pk=request_id)
        tool_versions.deny(run_id, request_id, actor=system())
        raise


@transaction.atomic(durable=True)
def _approve(request_id: UUID, actor: AbstractUser, seen: tuple[str, int], surface: str, comment: str) -> ToolCall:
    call = _locked(request_id, actor)
    if _has_answered(call, actor, Decision.Answer.APPROVE, *seen):
        return call
    _refuse_stale(call, *seen)
    _refuse_ineligible(call, actor, surface)
    if not tool_versions.is_enabled(call):
        raise ToolNotEnabledError(tool=call.tool_name)
    _record(call, actor, Decision.Answer.APPROVE, comment, surface)
    if rounds.missing(call) == 0:
        _pass(call, actor)
    return call


@transaction.atomic(durable=True)
def reject(
    request_id: UUID,
    *,
    actor: AbstractUser,
    digest_seen: str,
    round_seen: int,
    surface: str,
    comment: str,
    stop_run: bool = False,
) -> ToolCall:
    """Record one person's no, which ends the call; the comment goes to the agent as its answer.

    stop_run   cancel the whole run with it
    Raises InvalidFieldError without a comment, and whatever `approve` raises.
    """
    if not comment.strip():
        raise InvalidFieldError(field="comment", problem="must say why; the agent reads it")
    run_id = ToolCall.objects.filter(pk=request_id).values_list("run_id", flat=True).first()
    run = runs.lock(run_id) if run_id else None
    call = _locked(request_id, actor)
    if run is None or _has_answered(call, actor, Decision.Answer.REJECT, digest_seen, round_seen):
        return call
    _refuse_stale(call, digest_seen, round_seen)
    _refuse_ineligible(call, actor, surface)
    _record(call, actor, Decision.Answer.REJECT, comment, surface)
    pending = ToolCall.objects.filter(pk=call.pk, status=Status.PENDING, round=call.round)
    pending.update(status=Status.REJECTED, note=comment, ended_at=clock.now())
    trail.append("tool_call.rejected", actor=actor_of(actor), subject=f"tool_call:{call.pk}", run=run.pk)
    if stop_run:
        runs.cancel_in_transaction(run.pk, actor=actor_of(actor), reason=comment)
    else:
        runs.resume_if_rested(run)
    call.refresh_from_db()
    return call


@transaction.atomic(durable=True)
def settle(request_id: UUID, *, actor: AbstractUser, outcome: str, note: str) -> ToolCall:
    """Say how a lost call ended: a person has looked, and the run goes on. Raises WrongStateError."""
    if outcome not in (Status.SUCCEEDED, Status.FAILED):
        raise InvalidFieldError(field="outcome", problem="must be succeeded or failed")
    if not note.strip():
        raise InvalidFieldError(field="note", problem="must say what you found")
    run_id = calls_visible_to(actor).filter(pk=request_id).values_list("run_id", flat=True).first()
    if run_id is None:
        raise NotFoundError(thing="tool call")
    run = runs.lock(run_id)
    call = _locked(request_id, actor)
    if not actor.is_active or not getattr(actor, "is_person", False):
        raise NotEligibleError(why="Only people settle calls.")
    lost = ToolCall.objects.filter(pk=call.pk, status=Status.LOST)
    if not lost.update(status=outcome, note=note, ended_at=clock.now()):
        raise WrongStateError(why=f"the call is {call.status}, not lost.")
    Execution.objects.filter(call=call).update(settled_by=actor, finished_at=clock.now())
    trail.append("tool_call.settled", actor=actor_of(actor), subject=f"tool_call:{call.pk}", outcome=outcome, note=note)
    runs.resume_if_rested(run)
    call.refresh_from_db()
    return call


def _locked(request_id: UUID, actor: AbstractUser) -> ToolCall:
    """Return the call with its row locked, so that two votes are counted one after the other."""
    if not calls_visible_to(actor).filter(pk=request_id).exists():
        raise NotFoundError(thing="tool call")
    return (
        ToolCall.objects.select_for_update(of=("self",))
        .select_related("run__agent", "tool_version__tool")
        .get(pk=request_id)
    )


def _has_answered(call: ToolCall, actor: AbstractUser, answer: str, digest_seen: str, round_seen: int) -> bool:
    """Tell whether this is the same answer once more: a double click, a proxy's second try."""
    same = {"person_id": actor.pk, "round": round_seen, "answer": answer, "digest_seen": digest_seen}
    return call.decisions.filter(kind=Decision.Kind.VOTE, **same).exists()


def _refuse_stale(call: ToolCall, digest_seen: str, round_seen: int) -> None:
    if call.status != Status.PENDING:
        last = call.decisions.filter(round=call.round).order_by("-created_at").first()
        by = f" {last.person_name} was faster." if last and call.status in (Status.APPROVED, Status.REJECTED) else ""
        raise StaleDecisionError(why=f"the call is {call.status} by now.{by}")
    if (call.arguments_digest, call.round) != (digest_seen, round_seen):
        raise StaleDecisionError(why="the call is not the one that was shown any more; look at it again.")
    if call.expires_at is None or call.expires_at <= clock.now():
        raise StaleDecisionError(why="the time to decide has run out.")


def _refuse_ineligible(call: ToolCall, actor: AbstractUser, surface: str) -> None:
    if surface not in (*FRESH_SURFACES, Decision.Surface.CLI, Decision.Surface.API):
        raise InvalidFieldError(field="surface", problem="must be web, admin, cli or api")
    if why := eligibility.why_not(call, actor):
        raise NotEligibleError(why=why)
    if call.sign_in_minutes is not None:
        oldest = clock.now() - timedelta(minutes=call.sign_in_minutes)
        if surface not in FRESH_SURFACES or actor.last_login is None or actor.last_login < oldest:
            raise StepUpRequiredError(minutes=call.sign_in_minutes)


def _record(call: ToolCall, actor: AbstractUser, answer: str, comment: str, surface: str) -> None:
    if len(comment) > MAX_COMMENT or "\0" in comment:
        raise InvalidFieldError(field="comment", problem=f"must be a text of at most {MAX_COMMENT:,} characters")
    is_own = eligibility.is_own(call, actor)
    Decision.objects.create(
        call=call, round=call.round, person_id=actor.pk, person_name=name_of(actor), answer=answer, surface=surface,
        comment=comment, digest_seen=call.arguments_digest, is_self_approval=is_own, created_at=clock.now(),
    )  # fmt: skip
    trail.append(
        "tool_call.vote", actor=actor_of(actor), subject=f"tool_call:{call.pk}", answer=answer, round=call.round,
        digest_seen=call.arguments_digest, surface=surface, is_self_approval=is_own,
    )  # fmt: skip


def _pass(call: ToolCall, actor: AbstractUser) -> None:
    """Sign the execution token and hand the call over: the round has all the people that it needs."""
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
