"""How many calls of one agent may wait for people at once: whoever is asked too much looks at nothing."""

from agents.models import Agent, ToolCall
from agents.states import Status

CODE = "too_many_pending"


def reached(agent: Agent) -> str:
    """Return the sentence that says no further call of the agent may wait, or "".

    The agent's row is locked until the caller's transaction ends: two runs of it do not both take the last place.
    """
    return _said(agent, room_for=1)


def exceeded(agent: Agent) -> str:
    """Return the sentence that says more calls of the agent wait than may, or ""."""
    return _said(agent, room_for=0)


def _said(agent: Agent, *, room_for: int) -> str:
    cap = Agent.objects.select_for_update(no_key=True).values_list("max_pending", flat=True).get(pk=agent.pk)
    waiting = ToolCall.objects.filter(run__agent_id=agent.pk, status=Status.PENDING).count()
    if waiting + room_for <= cap:
        return ""
    return (
        f"The agent {agent.name} may have {cap} calls waiting for people at once, and they do. "
        "Ask again when some of them have been decided."
    )
