"""Editing before approving: other arguments for the same call, in a new round, judged anew. Who edits does not vote."""

from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from agents import asking, halts, notify, passing, queue, tool_versions
from agents.actors import actor_of
from agents.approval import decisions, eligibility, rounds
from agents.approval.seen import Seen
from agents.errors import InvalidFieldError, NotEligibleError, PolicyDeniesError, ToolNotEnabledError
from agents.models import ToolCall, ToolCallRevision
from agents.states import Status
from agents.visibility import may_view_bodies
from audit import clock, trail
from policy import check
from policy.check import Checked
from policy.models import PolicyCheck
from policy.verdict import Outcome

MAX_REVISIONS = 50
OF_THE_ARGUMENTS = frozenset({"malformed_arguments", "invalid_arguments"})


def edit(request_id: UUID, *, actor: AbstractUser, seen: Seen, arguments: bytes, comment: str) -> ToolCall:
    """Give a pending call other arguments: a new revision, a new round, and the policy's verdict on it.

    arguments   JSON, all of them
    comment     why; the agent reads it together with what was changed
    The votes of the round before count for nothing, and the time to decide does not grow. Raises StaleDecisionError,
    NotEligibleError and StepUpRequiredError for whoever could not decide the call, InvalidFieldError,
    PolicyDeniesError; then nothing changes. ToolNotEnabledError: the call is denied.
    """
    with tool_versions.denial(request_id):
        return _edit(request_id, actor, seen, arguments, comment)


@transaction.atomic(durable=True)
def _edit(request_id: UUID, actor: AbstractUser, seen: Seen, arguments: bytes, comment: str) -> ToolCall:
    call = passing.locked(request_id, actor)
    _refuse(call, actor, seen, comment)
    asked = asking.again(call, arguments, halt=halts.on(call.run.agent_id, call.tool_name))
    checked = check.judge(asked)
    _refuse_verdict(call, checked)
    row = check.record(asked, checked, checked.verdict, PolicyCheck.Phase.PROPOSAL)
    before = call.arguments_digest
    _store(call, actor, checked, row, comment)
    trail.append(
        "tool_call.edited", actor=actor_of(actor), subject=f"tool_call:{call.pk}", revision=call.revision,
        round=call.round, digest_before=before, digest_after=checked.digest, comment=comment.strip(), check=row.pk,
    )  # fmt: skip
    return call


def why_not(call: ToolCall, user: AbstractUser) -> str:
    """Return "" if the person may edit the call now, else why not."""
    if why := eligibility.why_not(call, user):
        return why
    return "" if may_view_bodies(user, call) else "Whoever may not read the arguments does not edit them."


def _refuse(call: ToolCall, actor: AbstractUser, seen: Seen, comment: str) -> None:
    decisions.refuse_stale(call, actor, seen)
    if why := why_not(call, actor):
        raise NotEligibleError(why=why)
    decisions.refuse_old_sign_in(call, seen)
    if not comment.strip() or len(comment) > decisions.MAX_COMMENT or "\0" in comment:
        raise InvalidFieldError(field="comment", problem="must say why; the agent reads it")
    if call.revision >= MAX_REVISIONS:
        raise InvalidFieldError(field="arguments", problem="were edited too often; reject the call")
    if not tool_versions.is_enabled(call):
        raise ToolNotEnabledError(tool=call.tool_name)


def _refuse_verdict(call: ToolCall, checked: Checked) -> None:
    reasons = checked.verdict.reasons
    sentence = " ".join(reason.sentence for reason in reasons)
    if checked.verdict.outcome == Outcome.DENIED:
        if any(reason.code in OF_THE_ARGUMENTS for reason in reasons):
            raise InvalidFieldError(field="arguments", problem=f"are not what the tool takes: {sentence}")
        raise PolicyDeniesError(why=sentence)
    if checked.digest == call.arguments_digest:
        raise InvalidFieldError(field="arguments", problem="are the same as before")


def _store(call: ToolCall, actor: AbstractUser, checked: Checked, row: PolicyCheck, comment: str) -> None:
    now, verdict = clock.now(), checked.verdict
    call.revision += 1
    ToolCallRevision.objects.create(
        call=call, number=call.revision, arguments=checked.arguments, digest=checked.digest, author_id=actor.pk,
        created_at=now,
    )  # fmt: skip
    has_preview = bool(checked.declared.get("preview"))
    until = min(call.expires_at or now, now + rounds.opening(verdict))
    ToolCall.objects.filter(pk=call.pk, status=Status.PENDING, round=call.round).update(
        revision=call.revision, arguments_digest=checked.digest, headline=checked.headline, round=call.round + 1,
        check_row=row, allow_self=verdict.allow_self, sign_in_minutes=verdict.sign_in_minutes, expires_at=until,
        preview="", preview_state="waiting" if has_preview else "none", note=comment.strip(),
    )  # fmt: skip
    call.refresh_from_db()
    rounds.begin(call, verdict)
    notify.tell(notify.Kind.ASKED, call)
    if has_preview:
        queue.done(queue.PREVIEW, call.pk)
        queue.put(queue.PREVIEW, call.pk)
