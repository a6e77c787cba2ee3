"""What keeps a turn from being recorded: the planner's error, a worker that fell silent, a reply that nobody waits for.

Each leaves an event that names the provider's request and what is known of its cost: that is on no turn and in no sum.
"""

from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from agents import queue, runs
from agents.actors import system
from agents.models import AgentRun
from agents.planners.base import AbandonedError, PlannerError, Reply
from agents.pricing import Cost, Usage
from agents.states import EndReason, RunStatus
from audit import clock, trail

MAX_TRIES = 6
FIRST_WAIT_SECONDS = 10
MAX_PROBLEM = 4_000
PARKED = f"No planner could begin this turn: {queue.MAX_ATTEMPTS} in a row took it up and came to no end."
SILENT = "The worker fell silent while the agent was thinking; what the model answered, if it did, is not known."


@transaction.atomic(durable=True)
def give_up(run_id: UUID, error: PlannerError, *, worker: str) -> None:
    """Let the run wait for another try, or end it: the planner has no next turn."""
    run = runs.lock(run_id)
    if not is_held_by(run, worker):
        if error.provider_request_id or isinstance(error, AbandonedError):  # it may have been answered, and paid for
            _discarded(run, error.provider_request_id, error.usage, error.cost, error_code=error.code)
        return
    tries = run.planner_failures + 1
    wait = max(error.retry_after_seconds or 0, FIRST_WAIT_SECONDS * 2 ** (tries - 1))
    again = wait if error.retryable and tries < MAX_TRIES else None
    trail.append(
        "turn.failed", actor=system(), subject=f"run:{run_id}", number=run.turn_count + 1, tries=tries,
        error_code=error.code, status=error.status, provider_request_id=error.provider_request_id,
        retry_in_seconds=None if again is None else round(again), **_spent(error.usage, error.cost),
    )  # fmt: skip
    problem = named(str(error), error.provider_request_id)
    if again is None:
        runs.end(run_id, RunStatus.FAILED, EndReason.MODEL_ERROR, actor=system(), problem=problem)
        return
    _wait(run, tries, again, problem)


@transaction.atomic(durable=True)
def park(run_id: UUID) -> bool:
    """End a run that planners die of before they have begun its turn; False if it is elsewhere, or one is at it."""
    run = runs.lock(run_id)
    if run.status != RunStatus.PLANNING:
        queue.done(queue.PLAN, run_id)
    if run.status != RunStatus.PLANNING or (run.lease_until and run.lease_until > clock.now()):
        return False
    trail.append(
        "turn.failed", actor=system(), subject=f"run:{run_id}", number=run.turn_count + 1, tries=queue.MAX_ATTEMPTS,
        error_code="unplannable", status=None, provider_request_id="", retry_in_seconds=None, **_spent(None, None),
    )  # fmt: skip
    runs.end(run_id, RunStatus.FAILED, EndReason.MODEL_ERROR, actor=system(), problem=PARKED)
    return True


def fell_silent(run: AgentRun) -> None:
    """Count the try of a worker that died, within the caller's transaction: the run is locked, and free afterwards."""
    run.planner_failures, run.lease_until, run.claimed_by = run.planner_failures + 1, None, ""
    AgentRun.objects.filter(pk=run.pk).update(
        planner_failures=run.planner_failures, lease_until=None, claimed_by="", problem=SILENT
    )
    trail.append(
        "turn.failed", actor=system(), subject=f"run:{run.pk}", number=run.turn_count + 1, tries=run.planner_failures,
        error_code="worker_silent", status=None, provider_request_id="", retry_in_seconds=0, **_spent(None, None),
    )  # fmt: skip


def discard(run: AgentRun, reply: Reply) -> None:
    """Put on record, within the caller's transaction, that a reply came which nobody waits for any more."""
    _discarded(run, reply.provider_request_id, reply.usage, reply.cost, error_code="")


def is_held_by(run: AgentRun, worker: str) -> bool:
    """Tell whether a locked run is still this worker's to plan."""
    return run.status == RunStatus.PLANNING and run.claimed_by == worker


def named(problem: str, provider_request_id: str) -> str:
    """Return a problem with the name that the provider gave to the request."""
    room = MAX_PROBLEM - len(provider_request_id) - 20
    return f"{problem[:room]} (request {provider_request_id})" if provider_request_id else problem[:MAX_PROBLEM]


def _wait(run: AgentRun, tries: int, seconds: float, problem: str) -> None:
    """Free a locked run, and have it planned again when the time is over; no message before that is heard."""
    at = clock.now() + timedelta(seconds=seconds)
    told = f"{problem.rstrip('.')}. That was try {tries} of {MAX_TRIES}; the next is at {at:%H:%M:%S} UTC."
    AgentRun.objects.filter(pk=run.pk).update(planner_failures=tries, lease_until=None, claimed_by="", problem=told)
    queue.done(queue.PLAN, run.pk)
    queue.put(queue.PLAN, run.pk, delay_seconds=seconds)


def _discarded(run: AgentRun, request_id: str, usage: Usage | None, cost: Cost, *, error_code: str) -> None:
    trail.append(
        "turn.discarded", actor=system(), subject=f"run:{run.pk}", run_status=run.status, error_code=error_code,
        provider_request_id=request_id, **_spent(usage, cost),
    )  # fmt: skip


def _spent(usage: Usage | None, cost: Cost | None) -> dict[str, object]:
    """Return what a reply has cost that is on no turn; None stands for what is not known."""
    known = usage if usage != Usage() else None
    prompt = sum(asdict(known).values()) - known.output if known else None
    return {
        "input_tokens": prompt, "output_tokens": known.output if known else None, "cost_usd": cost.usd if cost else None
    }  # fmt: skip
