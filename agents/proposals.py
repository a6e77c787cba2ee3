"""From a turn to tool calls: each is checked, stored with its verdict, and denied, put before people, or let go on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from uuid_utils.compat import uuid7

from agents import budgets, configuration, halts, notify, queue, runs
from agents.actors import agent_of
from agents.approval import blocks, decisions, eligibility, pending_cap, quorum, rounds
from agents.approval.seen import Seen
from agents.errors import InvalidFieldError, TooManyPendingError, WrongStateError
from agents.models import AgentRun, Decision, ToolCall, ToolCallRevision, Turn
from agents.planners.base import ToolUse
from agents.states import RunStatus, Status, WaitingFor
from agents.visibility import group_names
from audit import clock, trail
from policy import check, preauthorization, tokens
from policy.check import Asked, Checked
from policy.models import PolicyCheck
from policy.reveal import reveal
from policy.verdict import Outcome, Reason, Verdict

MAX_CALLS, MAX_REASON = 32, 4_000


@dataclass(frozen=True, slots=True)
class ExternalCall:
    """A call that an agent of someone's own asks for; arguments are JSON bytes."""

    tool: str
    arguments: bytes
    reason: str


@transaction.atomic(durable=True)
def propose_external(
    run_id: UUID, *, calls: Sequence[ExternalCall], text: str = "", request_key: UUID | None = None
) -> Turn:
    """Record one turn of an external agent with its calls.

    Raises WrongStateError while earlier calls do not rest, TooManyPendingError while too many wait for people.
    """
    run = runs.lock(run_id)
    if request_key and (earlier := Turn.objects.filter(request_key=request_key).first()):
        return earlier
    if said := pending_cap.reached(run.agent):
        raise TooManyPendingError(why=said, agent=run.agent_id)
    if not 1 <= len(calls) <= MAX_CALLS:
        raise InvalidFieldError(field="calls", problem=f"must hold 1 to {MAX_CALLS} calls")
    if (run.status, run.waiting_for) != (RunStatus.WAITING, WaitingFor.EXTERNAL):
        raise WrongStateError(why=f"the run is {run.status}; it takes calls while it waits for its agent.")
    if run.turn_count >= configuration.read(run.config)["max_turns"]:
        raise WrongStateError(why="the run has taken all its turns.")
    turn = Turn.objects.create(
        run=run, number=run.turn_count + 1, text=text, stop_reason="tool_use", cost_usd=None, created_at=clock.now(),
        request_key=request_key,
    )  # fmt: skip
    AgentRun.objects.filter(pk=run.pk).update(turn_count=turn.number, waiting_for=WaitingFor.CALLS)
    trail.append("turn.recorded", actor=agent_of(run), subject=f"run:{run.pk}", number=turn.number, calls=len(calls))
    uses = [ToolUse(f"call_{position}", one.tool, one.arguments, one.reason) for position, one in enumerate(calls)]
    propose(run, turn, uses)
    runs.resume_if_rested(run)
    return turn


def propose(run: AgentRun, turn: Turn, uses: Sequence[ToolUse]) -> None:
    """Check and store every call of a turn, within the transaction that records the turn; the run is locked."""
    allowed = configuration.allowed_tools(run)
    groups = group_names(run.requester)
    for position, use in enumerate(uses):
        asked = Asked(
            request_id=uuid7(), agent=run.agent.name, environment=run.environment,
            requester=run.requester.get_username(), requester_groups=groups, tool=use.tool, arguments=use.arguments,
            allowed=allowed, halt=halts.on(run.agent_id, use.tool),
        )  # fmt: skip
        _propose(run, turn, position, use, asked)


def _propose(run: AgentRun, turn: Turn, position: int, use: ToolUse, asked: Asked) -> None:
    checked = check.judge(asked)
    if position >= MAX_CALLS:
        checked = _denied(checked, "too_many_calls", f"A turn may ask for {MAX_CALLS} calls at most.")
    elif checked.verdict.outcome != Outcome.DENIED and (refused := _not_asked(run, use, checked)):
        checked = _denied(checked, *refused)
    call = _store(run, turn, position, use, asked, checked)
    _settle_verdict(run, call, asked, checked)


def _not_asked(run: AgentRun, use: ToolUse, checked: Checked) -> tuple[str, str] | None:
    """Return code and sentence of why people are not asked about a call that the rules would put before them."""
    if budgets.is_spent(run):
        return budgets.CODE, budgets.SPENT
    if not use.reason.strip():
        return "no_reason", "The call gives no `reason`, which every call must."
    if said := blocks.answer(run.pk, use.tool, checked.digest):
        return blocks.CODE, said
    if not _may_stand_in(run, checked.verdict) and (said := pending_cap.reached(run.agent)):
        return pending_cap.CODE, said
    return None


def _store(run: AgentRun, turn: Turn, position: int, use: ToolUse, asked: Asked, checked: Checked) -> ToolCall:
    declared = checked.declared
    has_preview = bool(declared.get("preview")) and checked.verdict.outcome != Outcome.DENIED
    call = ToolCall.objects.create(
        request_id=asked.request_id, run=run, turn=turn, position=position, tool_use_id=use.id,
        tool_name=reveal(use.tool[:200], one_line=True)[:200], tool_version=checked.version, headline=checked.headline,
        risk=declared.get("risk", "critical"), reason=use.reason[:MAX_REASON], arguments_digest=checked.digest,
        preview_state="waiting" if has_preview else "none", created_at=clock.now(),
    )  # fmt: skip
    ToolCallRevision.objects.create(
        call=call, number=1, arguments=checked.arguments, digest=checked.digest, created_at=call.created_at
    )
    return call


def _settle_verdict(run: AgentRun, call: ToolCall, asked: Asked, checked: Checked) -> None:
    """Move the call from `proposed` to where its verdict puts it, votes given ahead of time included."""
    verdict = checked.verdict
    if verdict.outcome != Outcome.DENIED:
        verdict = _ask(run, call, checked)
    fields: dict[str, object] = {"status": _MOVED[verdict.outcome]}
    match verdict.outcome:
        case Outcome.DENIED:
            fields |= {"note": " ".join(reason.sentence for reason in verdict.reasons), "ended_at": clock.now()}
        case Outcome.PREAUTHORIZED:
            fields |= {"approved_at": clock.now()}
            queue.put(queue.EXECUTE, call.pk)
        case Outcome.NEEDS_APPROVAL:
            notify.tell(notify.Kind.ASKED, call)
            if call.preview_state == "waiting":
                queue.put(queue.PREVIEW, call.pk)
    row = check.record(asked, checked, verdict, PolicyCheck.Phase.PROPOSAL)
    ToolCall.objects.filter(pk=call.pk).update(check_row=row, **fields)
    trail.append(
        _EVENTS[verdict.outcome], actor=agent_of(run), subject=f"tool_call:{call.pk}", run=run.pk, tool=call.tool_name,
        check=row.pk, codes=[reason.code for reason in verdict.reasons][:20],
    )  # fmt: skip


_MOVED = {
    Outcome.DENIED: Status.DENIED,
    Outcome.NEEDS_APPROVAL: Status.PENDING,
    Outcome.PREAUTHORIZED: Status.APPROVED,
}
_EVENTS = {
    Outcome.DENIED: "tool_call.denied",
    Outcome.NEEDS_APPROVAL: "tool_call.pending",
    Outcome.PREAUTHORIZED: "tool_call.preauthorized",
}


def _ask(run: AgentRun, call: ToolCall, checked: Checked) -> Verdict:
    """Begin the first round, and return the verdict with the vote that was given ahead of time, if one was."""
    verdict = checked.verdict
    ToolCall.objects.filter(pk=call.pk).update(
        status=Status.PENDING, expires_at=clock.now() + rounds.opening(verdict), allow_self=verdict.allow_self,
        sign_in_minutes=verdict.sign_in_minutes,
    )  # fmt: skip
    call.refresh_from_db()
    rounds.begin(call, verdict)
    found = _stand_in(run, call, checked, verdict)
    if found.outcome == Outcome.NEEDS_APPROVAL and (capped := pending_cap.exceeded(run.agent)):
        return Verdict.denied([Reason("", capped, "registry", pending_cap.CODE)])
    return found


def _stand_in(run: AgentRun, call: ToolCall, checked: Checked, verdict: Verdict) -> Verdict:
    """Count the run's pre-authorisation as its issuer's single vote, if it covers the call; say so in the verdict."""
    row = run.preauthorization
    if row is None or not verdict.preauthorization or checked.proposal is None or checked.version is None:
        return verdict
    issuer = get_user_model().objects.get(pk=row.person_id)
    why = preauthorization.why_not(row, checked.proposal, checked.version.digest) or _why_not_issuer(call, issuer)
    if not why and not tokens.use_preauthorization(row, request_id=call.pk, round_=call.round, actor=agent_of(run)):
        why = "The pre-authorisation has no uses left."
    if why:
        return replace(verdict, reasons=(*verdict.reasons, Reason("", why, "none", "preauthorization_not_used")))
    seen = Seen(checked.digest, call.round, Decision.Surface.PLANNER)
    kind = Decision.Kind.PREAUTHORIZATION
    decisions.record(call, issuer, answer=Decision.Answer.APPROVE, seen=seen, kind=kind, token=row)
    used = Reason("", f"{decisions.name_of(issuer)} approved this ahead of time.", "review", "preauthorization_used")
    enough = quorum.is_met(verdict.requirements, {issuer.pk: group_names(issuer)})
    outcome = Outcome.PREAUTHORIZED if enough else verdict.outcome
    return replace(verdict, outcome=outcome, reasons=(*verdict.reasons, used))


def _may_stand_in(run: AgentRun, verdict: Verdict) -> bool:
    """Tell whether a pre-authorisation alone could let the call go on, so that nobody would be asked."""
    people = sum(one.count for one in verdict.requirements)
    return run.preauthorization_id is not None and verdict.preauthorization and people == 1


def _why_not_issuer(call: ToolCall, issuer: AbstractUser) -> str:
    """Return why the issuer's yes does not count for this call, or ""."""
    if call.sign_in_minutes is not None:
        return "A pre-authorisation does not count where a rule asks for a recent sign-in."
    found = eligibility.seat(call, issuer)
    if isinstance(found, str):
        return f"{issuer} gave the pre-authorisation, but: {found}"
    if found.on_behalf_of is not None:
        return f"{issuer} gave the pre-authorisation, and is not in a group that is asked any more."
    return ""


def _denied(checked: Checked, code: str, sentence: str) -> Checked:
    return replace(checked, verdict=Verdict.denied([Reason("", sentence, "registry", code)]))
