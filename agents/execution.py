"""Claim and finish: at most one worker ever takes a call, and only its own result counts."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from agents import asking, budgets, halts, notify, queue, rounds, runs, standing, tool_versions
from agents.actors import agent_of, system
from agents.models import AgentRun, Execution, ToolCall, ToolCallRevision
from agents.sandbox_values import Result
from agents.states import RUN_TERMINAL, Status
from audit import clock, trail
from policy import check, registry
from policy.check import Checked
from policy.models import PolicyCheck
from policy.registry import Definition
from policy.verdict import Outcome, Verdict

ALARMS = frozenset({"arguments_changed"})  # nothing honest leads there: somebody wrote past M1
BODIES = ("check_row__policy_version__document", "check_row__policy_version__canonical")
HALTED_RETRY_SECONDS, NO_VERSION_RETRY_SECONDS = 5, 10


@dataclass(frozen=True, slots=True)
class Claimed:
    """A call that this worker, and no other, is to run now."""

    request_id: UUID
    definition: Definition
    arguments: bytes = field(repr=False)


@transaction.atomic(durable=True)
def claim(request_id: UUID, *, worker: str, definitions: dict[str, Definition]) -> Claimed | None:
    """Take an approved call if everything still holds, or move it to where it now belongs; None: nothing to run.

    definitions   the tools that this process's own code declares
    Trusts no row: the token's signature, the digests computed anew, the policy now in force, the approvers' standing.
    """
    run = runs.lock_of(request_id)
    if run is None:
        queue.done(queue.EXECUTE, request_id)
        return None
    calls = ToolCall.objects.select_for_update(of=("self",))
    call = calls.select_related("tool_version__tool", "check_row__policy_version").defer(*BODIES).get(pk=request_id)
    call.run = run
    if call.status != Status.APPROVED or run.status in RUN_TERMINAL:
        queue.done(queue.EXECUTE, request_id)  # a message delivered twice, or late
        return None
    with clock.stopped():  # all locks are held; one look at the time serves all that follows
        return _take(call, definitions, worker)


def _take(call: ToolCall, definitions: dict[str, Definition], worker: str) -> Claimed | None:
    run = call.run
    definition = definitions.get(call.tool_name)
    if definition is None or call.tool_version is None or definition.digest != call.tool_version.digest:
        _leave(call)
        return None
    if budgets.is_spent(run):
        _deny(call, budgets.SPENT, budgets.CODE)
        return None
    if halts.on(run.agent_id, call.tool_name):
        queue.postpone(queue.EXECUTE, call.pk, HALTED_RETRY_SECONDS)
        return None
    if call.expires_at is None or call.expires_at <= clock.now():
        expire(call)
        return None
    return _claim(call, definition, worker)


def _claim(call: ToolCall, definition: Definition, worker: str) -> Claimed | None:
    revision = ToolCallRevision.objects.filter(call=call, number=call.revision).first()
    if revision is None:
        _deny(call, "The arguments that were approved are gone.", "arguments_changed")
        return None
    asked = asking.again(call, bytes(revision.arguments))
    checked = check.judge(asked)
    row = check.record(asked, checked, checked.verdict, PolicyCheck.Phase.CLAIM)
    queue.done(queue.EXECUTE, call.pk)
    if why := _why_denied(call, definition, checked):
        _deny(call, *why)
        return None
    warrant = standing.warrant(call, checked)
    if isinstance(warrant, standing.Refused):
        _refuse(call, checked.verdict, row, warrant)
        return None
    return _begin(call, definition, bytes(revision.arguments), warrant, worker)


def _why_denied(call: ToolCall, definition: Definition, checked: Checked) -> tuple[str, str] | None:
    """Return note and code of what is not as it was when people said yes."""
    if not registry.is_unchanged(definition):
        return "The tool's code on disk is not the code that was approved.", "tool_changed"
    if checked.digest != call.arguments_digest:
        return "The arguments are not those that were approved.", "arguments_changed"
    if checked.verdict.outcome == Outcome.DENIED:
        return " ".join(reason.sentence for reason in checked.verdict.reasons), "denied_at_claim"
    return None


def _begin(
    call: ToolCall, definition: Definition, arguments: bytes, warrant: standing.Warrant, worker: str
) -> Claimed | None:
    now = clock.now()
    warrant.consume(system())
    moved = ToolCall.objects.filter(pk=call.pk, status=Status.APPROVED, round=call.round).update(
        status=Status.EXECUTING
    )
    if not moved:
        raise IntegrityError("the call moved although its row is locked")
    lease = now + timedelta(seconds=runs.lease_seconds())
    Execution.objects.create(call=call, token=warrant.token, claimed_by=worker, lease_until=lease, started_at=now)
    trail.append(
        "tool_call.executing", actor=system(), subject=f"tool_call:{call.pk}", worker=worker, token=warrant.token.jti,
        tool_digest=definition.digest, arguments_digest=call.arguments_digest, people=sorted(map(str, warrant.people)),
    )  # fmt: skip
    return Claimed(call.pk, definition, arguments)


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
    status = Status.SUCCEEDED if result.ok else Status.CANCELLED if result.error_code == "cancelled" else Status.FAILED
    facts = {
        "output_bytes": result.output_bytes,
        "output_digest": result.output_digest,
        "error_code": result.error_code,
    }
    executing = ToolCall.objects.filter(pk=request_id, status=Status.EXECUTING)
    mine = Execution.objects.filter(pk=request_id, claimed_by=worker, finished_at=None)
    if not (executing.exists() and mine.update(
        finished_at=now, output=result.output, is_truncated=result.truncated, error=result.error, **facts
    )):  # fmt: skip
        if Execution.objects.filter(pk=request_id, claimed_by=worker, finished_at__isnull=False, **facts).exists():
            return True  # it was recorded, and the database went away before it could say so
        trail.append("tool_call.late_result", actor=system(), subject=f"tool_call:{request_id}", ok=result.ok, **facts)
        return False
    executing.update(status=status, ended_at=now)
    trail.append(f"tool_call.{status}", actor=system(), subject=f"tool_call:{request_id}", **facts)
    runs.resume_if_rested(run)
    return True


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


def _leave(call: ToolCall) -> None:
    """Leave the call to an executor that has the approved version, while that version may be used at all."""
    version = call.tool_version
    if version is None or version.state != version.State.ENABLED:
        tool_versions.void(call, actor=system())
    else:
        queue.postpone(queue.EXECUTE, call.pk, NO_VERSION_RETRY_SECONDS)


def _deny(call: ToolCall, note: str, code: str) -> None:
    approved = ToolCall.objects.filter(pk=call.pk, status=Status.APPROVED)
    approved.update(status=Status.DENIED, note=note, ended_at=clock.now())
    queue.done(queue.EXECUTE, call.pk)
    if code in ALARMS:
        trail.append("attack.refused", actor=agent_of(call.run), subject=f"tool_call:{call.pk}", reason=note)
    trail.append("tool_call.denied", actor=system(), subject=f"tool_call:{call.pk}", codes=[code])
    runs.resume_if_rested(call.run)


def _refuse(call: ToolCall, verdict: Verdict, row: PolicyCheck, refused: standing.Refused) -> None:
    """Put the call before people once more: a token that expired asks for one click, one that is forged is an alarm.

    row   the evaluation that the new round stands on
    """
    if refused.is_attack:
        trail.append("attack.refused", actor=agent_of(call.run), subject=f"tool_call:{call.pk}", reason=refused.why)
    approved = ToolCall.objects.filter(pk=call.pk, status=Status.APPROVED, round=call.round)
    call.round += 1
    approved.update(
        status=Status.PENDING, round=call.round, approved_at=None, note=refused.why, check_row=row,
        allow_self=verdict.allow_self, sign_in_minutes=verdict.sign_in_minutes,
    )  # fmt: skip
    rounds.begin(call, verdict)
    notify.tell(notify.Kind.ASKED, call)
    if call.preview_state == "waiting":  # a pre-authorised call had nobody to show it to
        queue.put(queue.PREVIEW, call.pk)
    trail.append(
        "tool_call.superseded", actor=system(), subject=f"tool_call:{call.pk}", why=refused.why, round=call.round
    )
