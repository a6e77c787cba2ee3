"""Claim: at most one worker ever takes a call, and only while everything that people said yes to still holds."""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from agents import asking, budgets, halts, looked_up, notify, passing, queue, runs, tool_versions
from agents.actors import agent_of, system
from agents.approval import rounds, standing
from agents.executing import execution
from agents.models import Execution, ToolCall
from agents.states import RUN_TERMINAL, Status
from audit import clock, rows, trail
from audit.prepared import Change, prepared_update
from policy import check, registry
from policy.check import Checked
from policy.models import PolicyCheck
from policy.registry import Definition
from policy.verdict import Outcome, Verdict

ALARMS = frozenset({"arguments_changed"})  # nothing honest leads there: somebody wrote past M1
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
    call = passing.row_of(run, request_id)
    if call.status != Status.APPROVED or run.status in RUN_TERMINAL:
        queue.done(queue.EXECUTE, request_id)  # a message delivered twice, or late
        return None
    with looked_up.for_claim(call), clock.stopped():  # all locks are held; one look serves all that follows
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
        execution.expire(call)
        return None
    return _claim(call, definition, worker)


def _claim(call: ToolCall, definition: Definition, worker: str) -> Claimed | None:
    if not (revisions := looked_up.revisions(call.pk, call.revision)):
        _deny(call, "The arguments that were approved are gone.", "arguments_changed")
        return None
    (revision,) = revisions
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
    if not _execute(call.pk, call.round):
        raise IntegrityError("the call moved although its row is locked")
    lease = now + timedelta(seconds=runs.lease_seconds())
    rows.insert(Execution(call=call, token=warrant.token, claimed_by=worker, lease_until=lease, started_at=now))
    trail.append(
        "tool_call.executing", actor=system(), subject=f"tool_call:{call.pk}", worker=worker, token=warrant.token.jti,
        tool_digest=definition.digest, arguments_digest=call.arguments_digest, people=sorted(map(str, warrant.people)),
    )  # fmt: skip
    return Claimed(call.pk, definition, arguments)


@prepared_update(UUID, int)
def _execute(request_id: UUID, round_: int) -> Change:
    approved = ToolCall.objects.filter(pk=request_id, status=Status.APPROVED, round=round_)
    return approved, {"status": Status.EXECUTING}


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
