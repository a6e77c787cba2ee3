"""From a turn to tool calls: each is checked, stored with its verdict, and denied, put before people, or let go on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from uuid_utils.compat import uuid7

from agents import configuration, halts, queue, quorum, rounds, runs
from agents.actors import agent_of
from agents.eligibility import is_own, standing
from agents.errors import InvalidFieldError, WrongStateError
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
    """Record one turn of an external agent with its calls. Raises WrongStateError while earlier calls do not rest."""
    run = runs.lock(run_id)
    if request_key and (earlier := Turn.objects.filter(request_key=request_key).first()):
        return earlier
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
    elif not use.reason.strip() and checked.verdict.outcome != Outcome.DENIED:
        checked = _denied(checked, "no_reason", "The call gives no `reason`, which every call must.")
    call = _store(run, turn, position, use, asked, checked)
    _settle_verdict(run, call, asked, checked)


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
    fields: dict[str, object] = {}
    event = "tool_call.denied"
    if verdict.outcome == Outcome.DENIED:
        note = " ".join(reason.sentence for reason in verdict.reasons)
        fields = {"status": Status.DENIED, "note": note, "ended_at": clock.now()}
    else:
        open_until = clock.now() + rounds.opening(verdict)
        fields = {"status": Status.PENDING, "expires_at": open_until, "allow_self": verdict.allow_self}
        fields["sign_in_minutes"] = verdict.sign_in_minutes
        ToolCall.objects.filter(pk=call.pk).update(**fields)
        call.refresh_from_db()
        rounds.begin(call, verdict)
        verdict = _stand_in(run, call, checked, verdict)
        event = "tool_call.pending"
        if verdict.outcome == Outcome.PREAUTHORIZED:
            fields |= {"status": Status.APPROVED, "approved_at": clock.now()}
            event = "tool_call.preauthorized"
            queue.put(queue.EXECUTE, call.pk)
        elif call.preview_state == "waiting":
            queue.put(queue.PREVIEW, call.pk)
    row = check.record(asked, checked, verdict, PolicyCheck.Phase.PROPOSAL)
    ToolCall.objects.filter(pk=call.pk).update(check_row=row, **fields)
    trail.append(
        event, actor=agent_of(run), subject=f"tool_call:{call.pk}", run=run.pk, tool=call.tool_name,
        check=row.pk, codes=[reason.code for reason in verdict.reasons][:20],
    )  # fmt: skip


def _stand_in(run: AgentRun, call: ToolCall, checked: Checked, verdict: Verdict) -> Verdict:
    """Count the run's pre-authorisation as its issuer's single vote, if it covers the call; say so in the verdict."""
    row = run.preauthorization
    if row is None or not verdict.preauthorization or checked.proposal is None or checked.version is None:
        return verdict
    why = preauthorization.why_not(row, checked.proposal, checked.version.digest)
    issuer = get_user_model().objects.get(pk=row.person_id)
    why = why or (f"{issuer} gave the pre-authorisation, but: {said}" if (said := standing(call, issuer)) else "")
    actor = agent_of(run)
    if not why and not tokens.use_preauthorization(row, request_id=call.pk, round_=call.round, actor=actor):
        why = "The pre-authorisation has no uses left."
    if why:
        return replace(verdict, reasons=(*verdict.reasons, Reason("", why, "none", "preauthorization_not_used")))
    Decision.objects.create(
        call=call, round=call.round, person=issuer, person_name=name_of(issuer), answer=Decision.Answer.APPROVE,
        kind=Decision.Kind.PREAUTHORIZATION, token=row, surface=Decision.Surface.PLANNER,
        digest_seen=checked.digest, is_self_approval=is_own(call, issuer), created_at=clock.now(),
    )  # fmt: skip
    trail.append("tool_call.vote", actor=actor, subject=f"tool_call:{call.pk}", token=row.jti, round=call.round)
    used = Reason("", f"{name_of(issuer)} approved this ahead of time.", "review", "preauthorization_used")
    enough = quorum.is_met(verdict.requirements, {issuer.pk: group_names(issuer)})
    outcome = Outcome.PREAUTHORIZED if enough else verdict.outcome
    return replace(verdict, outcome=outcome, reasons=(*verdict.reasons, used))


def name_of(person: object) -> str:
    """Return a person's name as decisions keep it."""
    full = str(getattr(person, "get_full_name", str)())
    username = str(getattr(person, "username", person))
    return f"{full} ({username})" if full else username


def _denied(checked: Checked, code: str, sentence: str) -> Checked:
    return replace(checked, verdict=Verdict.denied([Reason("", sentence, "registry", code)]))
