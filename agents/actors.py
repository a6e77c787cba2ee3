"""Who did it, as the trail names it."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser

from agents.models import AgentRun


def actor_of(user: AbstractUser) -> str:
    """Return the actor that stands for a person or service account."""
    return f"user:{user.pk}"


def agent_of(run: AgentRun) -> str:
    """Return the actor that stands for the run's agent."""
    return f"agent:{run.agent_id}"


def system() -> str:
    """Return the actor that stands for this process."""
    return f"system:{settings.M1_ROLE or 'cli'}"
