"""Stops on everything, an agent or a tool: effective at the next proposal and the next claim."""

from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from agents.actors import actor_of
from agents.errors import InvalidFieldError, NotFoundError
from agents.models import Agent, Halt, ToolCall
from agents.states import Status
from audit import clock, trail
from policy.models import Tool


@transaction.atomic(durable=True)
def set_halt(*, actor: AbstractUser, reason: str, agent: Agent | None = None, tool: Tool | None = None) -> Halt:
    """Stop everything, or one agent, or one tool. Raises InvalidFieldError without a reason, or for both at once."""
    if not reason.strip():
        raise InvalidFieldError(field="reason", problem="must say why")
    if agent and tool:
        raise InvalidFieldError(field="tool", problem="cannot be named together with an agent; set two halts")
    halt = Halt.objects.create(agent=agent, tool=tool, reason=reason, person_id=actor.pk, created_at=clock.now())
    on = f"agent {agent.name}" if agent else f"tool {tool.name}" if tool else "everything"
    trail.append("halt.set", actor=actor_of(actor), subject=f"halt:{halt.pk}", on=on, reason=reason)
    return halt


@transaction.atomic(durable=True)
def lift(halt_id: UUID, *, actor: AbstractUser) -> None:
    """Lift a halt; its length is added to the time that the calls it stopped may wait. Raises NotFoundError."""
    halt = Halt.objects.filter(pk=halt_id, lifted_at=None).first()
    now = clock.now()
    if halt is None or not Halt.objects.filter(pk=halt_id, lifted_at=None).update(lifted_at=now):
        raise NotFoundError(thing="halt in force")
    stopped = ToolCall.objects.filter(_reach(halt), status__in=[Status.PENDING, Status.APPROVED])
    stopped.filter(created_at__lte=halt.created_at).update(expires_at=F("expires_at") + (now - halt.created_at))
    trail.append(
        "halt.lifted", actor=actor_of(actor), subject=f"halt:{halt.pk}", seconds=(now - halt.created_at).seconds
    )


def in_force() -> QuerySet[Halt]:
    """Return the halts that nobody has lifted."""
    return Halt.objects.filter(lifted_at=None).select_related("agent", "tool", "person").order_by("-created_at")


def on(agent_id: UUID, tool_name: str) -> str:
    """Return the sentence that says what halts a call of this agent and tool, or ""."""
    reach = Q(agent=None, tool=None) | Q(agent_id=agent_id) | Q(tool__name=tool_name)
    halt = in_force().filter(reach).first()
    if halt is None:
        return ""
    what = f"The agent {halt.agent.name}" if halt.agent else f"The tool {tool_name}" if halt.tool else "Everything"
    return f"{what} is halted: {halt.reason}"


def stops_call() -> Exists:
    """Return the condition on tool calls that a halt in force stops them."""
    reach = Q(agent=None, tool=None) | Q(agent_id=OuterRef("run__agent_id")) | Q(tool__name=OuterRef("tool_name"))
    return Exists(Halt.objects.filter(reach, lifted_at=None))


def _reach(halt: Halt) -> Q:
    if halt.agent_id:
        return Q(run_id__in=halt.agent.runs.values("pk")) if halt.agent else Q()
    return Q(tool_name=halt.tool.name) if halt.tool else Q()
