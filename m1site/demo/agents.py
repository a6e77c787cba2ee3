"""The agents of the demo: one that plays a scenario, and one that asks Claude, with the same tools."""

from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from agents.models import Agent
from audit import clock, trail
from m1site.demo.people import ACTOR
from policy.models import Tool

SCRIPTED, CLAUDE = "demo", "claude"
SCENARIO = Path(__file__).with_name("scenario.yaml")
CLAUDE_MODEL = "claude-opus-5-5"
ENVIRONMENT = "demo"
SYSTEM_PROMPT = """\
You look after the workspace of a small shop. You act through tools only, and people decide about what you ask for:
a call may take days, and it may be rejected with a comment. Take a rejection or a denial as an answer: do not ask for
the same thing again in other words. Look before you change anything, ask for one thing per call, and give each call a
reason that a busy person can judge it by. Close with a short report of what was done and what was not.
"""


def create(owner: AbstractUser, has_claude: bool) -> None:
    """Create both agents within the caller's transaction. Their owner can never approve what they ask for."""
    _create(SCRIPTED, owner, planner=Agent.Planner.SCRIPTED, scenario=SCENARIO.read_text())
    claude = {"model": CLAUDE_MODEL, "system_prompt": SYSTEM_PROMPT, "is_enabled": has_claude}
    _create(CLAUDE, owner, planner=Agent.Planner.CLAUDE, **claude)


def _create(name: str, owner: AbstractUser, **fields: Any) -> None:
    agent = Agent(name=name, owner_id=owner.pk, environment=ENVIRONMENT, created_at=clock.now(), **fields)
    agent.full_clean()
    agent.save()
    agent.tools.set(Tool.objects.all())
    trail.append("agent.changed", actor=ACTOR, subject=f"agent:{agent.pk}", name=name, is_enabled=agent.is_enabled)


@transaction.atomic(durable=True)
def switch(name: str, is_enabled: bool) -> None:
    """Switch an agent on or off. Saying what is so already changes nothing."""
    changed = Agent.objects.filter(name=name).exclude(is_enabled=is_enabled)
    for agent in changed:
        Agent.objects.filter(pk=agent.pk, is_enabled=not is_enabled).update(is_enabled=is_enabled)
        trail.append("agent.changed", actor=ACTOR, subject=f"agent:{agent.pk}", name=name, is_enabled=is_enabled)
