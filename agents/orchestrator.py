"""One turn of a run: take it, ask the planner outside any transaction, and record turn, calls and verdicts at once."""

from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from agents import budgets, configuration, masking, proposals, queue, runs, setbacks
from agents.actors import agent_of, system
from agents.approval import edits
from agents.models import AgentRun, ToolCall, Turn
from agents.planners.base import CallOutcome, Conversation, PastTurn, Reply, Stop
from agents.pricing import UNPRICED
from agents.states import EndReason, RunStatus, Status, WaitingFor
from audit import clock, trail
from audit.plain import to_json


@transaction.atomic(durable=True)
def take(run_id: UUID, *, worker: str) -> Conversation | None:
    """Take the run for one turn; None when it is not to be planned now, or by someone else, or has spent its means."""
    if not AgentRun.objects.filter(pk=run_id, status=RunStatus.PLANNING).exists():
        queue.done(queue.PLAN, run_id)  # nothing left to plan, or an id that somebody made up
        return None
    run = runs.lock(run_id)
    now = clock.now()
    if run.status != RunStatus.PLANNING or (run.lease_until and run.lease_until > now):
        return None  # a live worker's row stays until it has recorded
    if run.lease_until:
        setbacks.fell_silent(run)  # a dead worker is a try, or it never ends
    if reason := _spent(run):
        runs.end(run_id, RunStatus.FAILED, reason, actor=system(), problem=_SPENT[reason])
        return None
    until = now + timedelta(seconds=runs.lease_seconds())
    AgentRun.objects.filter(pk=run_id).update(claimed_by=worker, lease_until=until)
    turns = list(run.turns.order_by("number"))
    past = tuple(PastTurn(turn.number, turn.request, turn.reply) for turn in turns)
    outcomes = tuple(_outcome(call) for call in _calls(turns[-1])) if turns else ()
    return Conversation(run.pk, run.goal, configuration.run_config(run), past, outcomes)


def keep(run_id: UUID, *, worker: str) -> bool:
    """Renew the lease while the planner works; False when the run is not this worker's any more."""
    mine = AgentRun.objects.filter(pk=run_id, status=RunStatus.PLANNING, claimed_by=worker)
    return bool(mine.update(lease_until=clock.now() + timedelta(seconds=runs.lease_seconds())))


@transaction.atomic(durable=True)
def record(run_id: UUID, reply: Reply, *, worker: str) -> bool:
    """Store the turn with its calls and verdicts and move the run on; True also if that was done already.

    False, and nothing but an event, for a run that is not this worker's any more.
    """
    run = runs.lock(run_id)
    if not setbacks.is_held_by(run, worker):
        if _is_recorded(run, reply):
            return True
        setbacks.discard(run, reply)
        return False
    turn = _store(run, reply)
    queue.done(queue.PLAN, run_id)
    match reply.stop:
        case Stop.CALLS:
            _move(run, RunStatus.WAITING, WaitingFor.CALLS)
            trail.append("run.waiting", actor=system(), subject=f"run:{run_id}", waiting_for=WaitingFor.CALLS)
            proposals.propose(run, turn, reply.uses)
            runs.resume_if_rested(run)
        case Stop.PAUSED:
            _move(run, RunStatus.PLANNING, "")
            queue.put(queue.PLAN, run_id)
        case Stop.DONE:
            runs.end(run_id, RunStatus.COMPLETED, EndReason.ANSWERED, actor=system(), answer=reply.text)
        case Stop.REFUSED:
            _fail(run_id, EndReason.REFUSED, f"The model refused. {reply.text}".strip(), reply)
        case Stop.TRUNCATED:
            cut = f"The reply was cut off ({reply.stop_reason}), so nothing in it was proposed."
            _fail(run_id, EndReason.MODEL_ERROR, cut, reply)
        case Stop.FAILED:
            _fail(run_id, EndReason.MODEL_ERROR, reply.problem, reply)
    return True


_SPENT = {
    EndReason.BUDGET: budgets.SPENT,
    EndReason.TURN_LIMIT: "The run has taken all its turns.",
    EndReason.MODEL_ERROR: f"{setbacks.MAX_TRIES} tries to plan this turn failed; the last worker fell silent.",
}


def _spent(run: AgentRun) -> EndReason | None:
    config = configuration.read(run.config)
    if run.planner_failures >= setbacks.MAX_TRIES:
        return EndReason.MODEL_ERROR
    if run.turn_count >= config["max_turns"]:
        return EndReason.TURN_LIMIT
    return EndReason.BUDGET if budgets.is_spent(run) else None


def _calls(turn: Turn) -> list[ToolCall]:
    return list(turn.tool_calls.select_related("execution", "tool_version").order_by("position"))


def _outcome(call: ToolCall) -> CallOutcome:
    execution = getattr(call, "execution", None)
    settled = bool(execution and execution.settled_by_id)
    is_error = call.status != Status.SUCCEEDED
    return CallOutcome(
        call.tool_use_id,
        call.tool_name,
        call.status,
        masking.for_model(call),
        is_error,
        call.note,
        settled,
        edits.told(call),
    )


def _store(run: AgentRun, reply: Reply) -> Turn:
    usage, cost = reply.usage, reply.cost if settings.COST_TRACKING_ENABLED else UNPRICED
    turn = Turn.objects.create(
        run=run, number=run.turn_count + 1, request=reply.request, reply=reply.reply,
        stop_reason=reply.stop_reason[:64], text=reply.text, model=reply.model[:200], message_id=reply.message_id[:200],
        provider_request_id=reply.provider_request_id[:200], retries=reply.retries, input_tokens=usage.input,
        output_tokens=usage.output, cache_read_tokens=usage.cache_read, cache_write_5m_tokens=usage.cache_write_5m,
        cache_write_1h_tokens=usage.cache_write_1h, rates=to_json(dict(cost.rates)), cost_usd=cost.usd,
        latency_ms=reply.latency_ms, is_scripted=reply.scripted, created_at=clock.now(),
    )  # fmt: skip
    run.turn_count, run.cost_usd = turn.number, run.cost_usd + (cost.usd or 0)
    run.tokens_used += sum(asdict(usage).values())
    AgentRun.objects.filter(pk=run.pk).update(
        turn_count=run.turn_count,
        cost_usd=run.cost_usd,
        tokens_used=run.tokens_used,
        planner_failures=0,
        problem="",
    )
    trail.append(
        "turn.recorded", actor=agent_of(run), subject=f"run:{run.pk}", number=turn.number, calls=len(reply.uses),
        stop_reason=turn.stop_reason, model=turn.model, cost_usd=turn.cost_usd,
        provider_request_id=turn.provider_request_id,
    )  # fmt: skip
    return turn


def _move(run: AgentRun, status: RunStatus, waiting_for: str) -> None:
    run.status, run.waiting_for = status, waiting_for
    AgentRun.objects.filter(pk=run.pk).update(status=status, waiting_for=waiting_for, lease_until=None, claimed_by="")


def _fail(run_id: UUID, reason: EndReason, problem: str, reply: Reply) -> None:
    told = setbacks.named(problem, reply.provider_request_id)
    runs.end(run_id, RunStatus.FAILED, reason, actor=system(), problem=told)


def _is_recorded(run: AgentRun, reply: Reply) -> bool:
    """Tell whether this very reply is on record: a commit whose answer was lost is not taken for another reply."""
    same = run.turns.filter(message_id=reply.message_id[:200], provider_request_id=reply.provider_request_id[:200])
    return same.filter(reply=reply.reply).exists()
