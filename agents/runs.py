"""Every change of a run's state, one function each. Locks go run first, then call: two changes cannot deadlock."""

from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import QuerySet

from agents import configuration, preauthorizations, queue, said
from agents.actors import actor_of, system
from agents.errors import InvalidFieldError, NotFoundError, WrongStateError
from agents.models import Agent, AgentRun, Execution, ToolCall
from agents.states import RUN_TERMINAL, TERMINAL, EndReason, RunStatus, Status, WaitingFor
from audit import clock, trail
from audit.prepared import prepared
from policy import tokens

MAX_GOAL = 10_000


@transaction.atomic(durable=True)
def create(
    *,
    agent: Agent,
    requester: AbstractUser,
    goal: str,
    preauthorization: UUID | None = None,
    budget_usd: Decimal | None = None,
    request_key: UUID | None = None,
) -> AgentRun:
    """Begin a run: the agent's configuration is frozen in it, and its planner is called after the commit.

    request_key   of an idempotent request: a second call returns the first one's run
    Raises InvalidFieldError, NotFoundError for a pre-authorisation that is not the requester's to name, and
    PreauthorizationEndedError for one that was.
    """
    if request_key and (earlier := AgentRun.objects.filter(request_key=request_key).first()):
        return earlier
    budget = _budget(agent, budget_usd)
    goal = _goal(goal)
    if not agent.is_enabled:
        raise InvalidFieldError(field="agent", problem="names an agent that is switched off")
    if preauthorization:
        preauthorizations.refuse_unusable(preauthorization, agent=agent, requester=requester)
    is_external = agent.planner == Agent.Planner.EXTERNAL
    run = AgentRun.objects.create(
        agent=agent, requester_id=requester.pk, goal=goal, config=configuration.freeze(agent), planner=agent.planner,
        environment=agent.environment, preauthorization_id=preauthorization, budget_usd=budget,
        status=RunStatus.WAITING if is_external else RunStatus.PLANNING,
        waiting_for=WaitingFor.EXTERNAL if is_external else "", created_at=clock.now(), request_key=request_key,
    )  # fmt: skip
    trail.append(
        "run.created", actor=actor_of(requester), subject=f"run:{run.pk}", agent=agent.pk, planner=agent.planner
    )
    if not is_external:
        queue.put(queue.PLAN, run.pk)
    return run


@transaction.atomic(durable=True)
def cancel(run_id: UUID, *, actor: AbstractUser, reason: str = "") -> None:
    """End a run: what waits is cancelled, what executes is asked to stop. A repeat changes nothing.

    Raises WrongStateError if it has ended otherwise, or somebody else has cancelled it.
    """
    run, who = lock(run_id), actor_of(actor)
    if run.status == RunStatus.CANCELLED and said.was_done_by(who, f"run:{run_id}", "run.cancelled"):
        return  # said once more: the answer to the first was lost on the way
    cancel_in_transaction(run_id, actor=who, reason=reason)


def cancel_in_transaction(run_id: UUID, *, actor: str, reason: str) -> None:
    """End a locked run within the caller's transaction."""
    end(run_id, RunStatus.CANCELLED, EndReason.CANCELLED, actor=actor, problem=reason)
    # Locked, or a last vote at this instant moves a call from pending to approved between the look and the change.
    open_ = ToolCall.objects.filter(run_id=run_id, status__in=[Status.PENDING, Status.APPROVED]).order_by("pk")
    for call in open_.select_for_update():
        cancel_call(call, actor=actor, reason=reason, note="The run was cancelled.")
    Execution.objects.filter(call__run_id=run_id, finished_at=None).update(is_cancel_asked=True)


def cancel_call(call: ToolCall, *, actor: str, reason: str, note: str) -> None:
    """Withdraw a locked call that has not begun, and what was signed for it, within the caller's transaction.

    note   a sentence for people and agent
    """
    waiting = ToolCall.objects.filter(pk=call.pk, status=call.status)
    if waiting.update(status=Status.CANCELLED, note=note, ended_at=clock.now()):
        tokens.withdraw(call.pk, actor=actor, reason=note)
        queue.done(queue.EXECUTE, call.pk)
        queue.done(queue.PREVIEW, call.pk)
        trail.append("tool_call.cancelled", actor=actor, subject=f"tool_call:{call.pk}", reason=reason)


@transaction.atomic(durable=True)
def finish(run_id: UUID, *, actor: AbstractUser, answer: str) -> None:
    """End a run as its external agent says. The same answer once more changes nothing.

    Raises WrongStateError while a call of it has not come to rest, and if it has ended otherwise.
    """
    run, who = lock(run_id), actor_of(actor)
    if run.planner != Agent.Planner.EXTERNAL:
        raise WrongStateError(why="this run's planner ends it by itself.")
    is_same = (run.status, run.answer) == (RunStatus.COMPLETED, answer)
    if is_same and said.was_done_by(who, f"run:{run_id}", "run.completed"):
        return
    if ToolCall.objects.filter(run=run).exclude(status__in=TERMINAL).exists():
        raise WrongStateError(why="a tool call of this run has not come to rest.")
    end(run_id, RunStatus.COMPLETED, EndReason.ANSWERED, actor=who, answer=answer)


def end(run_id: UUID, status: RunStatus, reason: EndReason, *, actor: str, answer: str = "", problem: str = "") -> None:
    """Move an open run to its end, within the caller's transaction. Raises WrongStateError if it has ended."""
    open_ = AgentRun.objects.filter(pk=run_id).exclude(status__in=RUN_TERMINAL)
    moved = open_.update(
        status=status, end_reason=reason, waiting_for="", answer=answer, problem=problem, ended_at=clock.now(),
        lease_until=None, claimed_by="",
    )  # fmt: skip
    if not moved:
        raise WrongStateError(why="the run has ended.")
    queue.done(queue.PLAN, run_id)
    trail.append(f"run.{status}", actor=actor, subject=f"run:{run_id}", end_reason=reason)


def lock(run_id: UUID) -> AgentRun:
    """Return the run with its row locked until the caller's transaction ends. Raises NotFoundError."""
    run = AgentRun.objects.select_for_update(of=("self",)).select_related("agent").filter(pk=run_id).first()
    if run is None:
        raise NotFoundError(thing="run")
    return run


def lock_of(request_id: UUID) -> AgentRun | None:
    """Return the run of a call with its row locked, as `lock` does, agent and requester with it; None: no such call."""
    return next(iter(_locked_of(request_id)), None)


@prepared(UUID)
def _locked_of(request_id: UUID) -> QuerySet[AgentRun]:
    locked = AgentRun.objects.select_for_update(of=("self",)).select_related("agent", "requester")
    return locked.filter(tool_calls=request_id)


def resume_if_rested(run: AgentRun) -> bool:
    """Let a locked run go on once every call of it rests (`lost` does not); its outcomes go back to the planner."""
    if _unrested(run.pk):
        return False
    is_external = run.planner == Agent.Planner.EXTERNAL
    waiting = AgentRun.objects.filter(pk=run.pk, status=RunStatus.WAITING, waiting_for=WaitingFor.CALLS)
    if is_external:
        moved = waiting.update(waiting_for=WaitingFor.EXTERNAL)
    else:
        moved = waiting.update(status=RunStatus.PLANNING, waiting_for="")
    if moved:
        trail.append("run.resumed", actor=system(), subject=f"run:{run.pk}")
    if moved and not is_external:
        queue.put(queue.PLAN, run.pk)
    return bool(moved)


@prepared(UUID)
def _unrested(run_id: UUID) -> QuerySet[ToolCall, UUID]:
    return ToolCall.objects.filter(run_id=run_id).exclude(status__in=TERMINAL).values_list("pk", flat=True)[:1]


def _goal(goal: str) -> str:
    if not goal.strip() or len(goal) > MAX_GOAL or "\0" in goal:
        raise InvalidFieldError(field="goal", problem=f"must be a text of 1 to {MAX_GOAL:,} characters")
    return goal


def _budget(agent: Agent, asked: Decimal | None) -> Decimal:
    if asked is not None and not (asked.is_finite() and 0 <= asked <= agent.budget_usd):
        raise InvalidFieldError(
            field="budget_usd", problem=f"must be between 0 and the agent's {agent.budget_usd} dollars"
        )
    return agent.budget_usd if asked is None else asked


def lease_seconds() -> int:
    """Return how long a worker may be silent before it counts as dead."""
    return int(settings.LEASE_SECONDS)
