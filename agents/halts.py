"""Stops on everything, an agent or a tool: effective at the next proposal and the next claim."""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from agents import said
from agents.actors import actor_of
from agents.errors import InvalidFieldError, NotEligibleError, NotFoundError
from agents.models import Agent, Halt, ToolCall
from agents.principals import is_person
from agents.states import Status
from agents.visibility import User
from audit import clock, trail
from audit.prepared import prepared
from policy.models import Tool

MAX_REASON = 4_000
MOVED = ("expires_at", "round_began_at", "remind_at", "escalate_at")


@transaction.atomic(durable=True)
def set_halt(*, actor: AbstractUser, reason: str, agent: Agent | None = None, tool: Tool | None = None) -> Halt:
    """Stop everything, or one agent, or one tool; who sets the same halt again while it is in force gets the first.

    Raises NotEligibleError, and InvalidFieldError without a reason, or for an agent and a tool at once.
    """
    _refuse_others(actor)
    if not reason.strip() or len(reason) > MAX_REASON or "\0" in reason:
        raise InvalidFieldError(field="reason", problem="must say why")
    if agent and tool:
        raise InvalidFieldError(field="tool", problem="cannot be named together with an agent; set two halts")
    _wait_for_others(actor)
    same = Halt.objects.filter(lifted_at=None, person_id=actor.pk, agent=agent, tool=tool, reason=reason)
    if earlier := same.first():
        return earlier
    halt = Halt.objects.create(agent=agent, tool=tool, reason=reason, person_id=actor.pk, created_at=clock.now())
    on = f"agent {agent.name}" if agent else f"tool {tool.name}" if tool else "everything"
    trail.append("halt.set", actor=actor_of(actor), subject=f"halt:{halt.pk}", on=on, reason=reason)
    return halt


@transaction.atomic(durable=True)
def lift(halt_id: UUID, *, actor: AbstractUser) -> None:
    """Lift a halt. The time that a call was stopped is added to the time that it may wait.

    A repeat changes nothing. Raises NotEligibleError, and NotFoundError for what somebody else has lifted.
    """
    _refuse_others(actor)
    _wait_for_others(actor)
    if said.was_done_by(actor_of(actor), f"halt:{halt_id}", "halt.lifted"):
        return
    halt = Halt.objects.filter(pk=halt_id, lifted_at=None).first()
    now = clock.now()
    if halt is None or not Halt.objects.filter(pk=halt_id, lifted_at=None).update(lifted_at=now):
        raise NotFoundError(thing="halt in force")
    _give_back(halt, now)
    seconds = int((now - halt.created_at).total_seconds())
    trail.append("halt.lifted", actor=actor_of(actor), subject=f"halt:{halt.pk}", seconds=seconds)


def may_halt(user: User) -> bool:
    """Tell whether the person may set and lift halts."""
    return is_person(user) and user.has_perms(["agents.add_halt", "agents.change_halt"])


def in_force() -> QuerySet[Halt]:
    """Return the halts that nobody has lifted."""
    return Halt.objects.filter(lifted_at=None).select_related("agent", "tool", "person").order_by("-created_at")


def on(agent_id: UUID, tool_name: str) -> str:
    """Return the sentence that says what halts a call of this agent and tool, or ""."""
    found = stopping(agent_id, tool_name)
    if not found:
        return ""
    halt = found[0]
    what = f"The agent {halt.agent.name}" if halt.agent else f"The tool {tool_name}" if halt.tool else "Everything"
    return f"{what} is halted: {halt.reason}"


@prepared(UUID, str)
def stopping(agent_id: UUID, tool_name: str) -> QuerySet[Halt]:
    """Say the halts in force that reach a call of this agent and tool."""
    return in_force().filter(_reaching(agent_id, tool_name))


def stops_call() -> Exists:
    """Return the condition on tool calls that a halt in force stops them."""
    reach = Q(agent=None, tool=None) | Q(agent_id=OuterRef("run__agent_id")) | Q(tool__name=OuterRef("tool_name"))
    return Exists(Halt.objects.filter(reach, lifted_at=None))


def _refuse_others(actor: AbstractUser) -> None:
    if not may_halt(actor):
        raise NotEligibleError(why="Only operators and administrators halt M1 and lift halts.")


def _wait_for_others(actor: AbstractUser) -> None:
    """Keep everybody else from setting or lifting a halt beside those in force until the transaction ends.

    Two that are lifted at once would each leave it to the other to give the time back. A person waits for themselves
    too: with no halt in force, two clicks would find no row to wait at.
    """
    people = get_user_model()._default_manager.select_for_update(no_key=True)
    list(people.filter(pk=actor.pk).values_list("pk", flat=True))
    list(Halt.objects.filter(lifted_at=None).order_by("pk").select_for_update().values_list("pk", flat=True))


def _give_back(lifted: Halt, now: datetime) -> None:
    """Move the times of the calls that a lifted halt stopped, where no other halt stops them still.

    Halts may overlap: a call gets back, once, the whole time from the first of them to this end.
    """
    stopped = ToolCall.objects.filter(_reach(lifted), status__in=[Status.PENDING, Status.APPROVED])
    list(stopped.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))  # as cancelling does
    for agent_id, tool_name in set(stopped.values_list("run__agent_id", "tool_name")):
        reach = _reaching(agent_id, tool_name)
        if Halt.objects.filter(reach, lifted_at=None).exists():
            continue
        began = _beginning(lifted, reach)
        calls = stopped.filter(run__agent_id=agent_id, tool_name=tool_name)
        _move(calls.filter(created_at__lte=began), now - began)
        for late in list(calls.filter(created_at__gt=began)):  # proposed at the instant at which the halt was set
            _move(calls.filter(pk=late.pk), now - late.created_at)


def _move(calls: QuerySet[ToolCall], length: timedelta) -> None:
    ids = list(calls.values_list("pk", flat=True))  # an UPDATE of this one table
    ToolCall.objects.filter(pk__in=ids).update(**{name: F(name) + length for name in MOVED})


def _beginning(lifted: Halt, reach: Q) -> datetime:
    """Return when the first of the halts began that stopped the same calls without a gap until now."""
    began = lifted.created_at
    earlier = Halt.objects.filter(reach, lifted_at__isnull=False).exclude(pk=lifted.pk)
    while before := earlier.filter(created_at__lt=began, lifted_at__gte=began).order_by("created_at").first():
        began = before.created_at
    return began


def _reaching(agent_id: UUID, tool_name: str) -> Q:
    return Q(agent=None, tool=None) | Q(agent_id=agent_id) | Q(tool__name=tool_name)


def _reach(halt: Halt) -> Q:
    if halt.agent_id:
        return Q(run__agent_id=halt.agent_id)
    return Q(tool_name=halt.tool.name) if halt.tool else Q()
