"""The web process's step of every start: people, agents, a policy and a first run, once; then what there is to look at.

It signs a pre-authorisation, so it runs with the web's environment. It answers on standard output, in JSON.
"""

import json
from pathlib import Path
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction

from agents import runs
from agents.models import Agent, AgentRun
from agents.states import RUN_TERMINAL
from audit import trail
from m1site.demo import agents as demo_agents
from m1site.demo import people
from m1site.demo.people import APPROVER, REQUESTER, SECOND_APPROVER
from policy import tokens, versions

POLICY = Path(__file__).with_name("policy.yaml")
GOAL = "Tidy the workspace and tell the customer"
READING = ["files.list", "files.read"]
DAY_MINUTES = 24 * 60


def main(claude: str) -> None:
    """Seed an empty database, switch the agent `claude` on or off, and print what people need to know.

    claude   "yes" if there is a key for the model
    """
    has_claude = claude == "yes"
    passwords = {} if AgentRun.objects.exists() else seed(has_claude)
    demo_agents.switch(demo_agents.CLAUDE, has_claude)
    print(json.dumps({"passwords": passwords, **shown_run()}))


def seed(has_claude: bool) -> dict[str, str]:
    """Make all that the demo begins with, and return the passwords by name."""
    passwords = create(has_claude)
    approver = get_user_model().objects.get(username=APPROVER)
    second = get_user_model().objects.get(username=SECOND_APPROVER)
    versions.publish(
        POLICY.read_text(), author=second, publisher=approver, note="The policy that the demo begins with."
    )
    token = tokens.issue_preauthorization(
        person=approver, agents=[demo_agents.SCRIPTED, demo_agents.CLAUDE], requesters=[REQUESTER], tools=READING,
        max_uses=500, expires_in_minutes=30 * DAY_MINUTES, note="Looking changes nothing.",
    )  # fmt: skip
    begin_run(token.jti)
    return passwords


@transaction.atomic(durable=True)
def create(has_claude: bool) -> dict[str, str]:
    """Create groups, people and agents, and return the passwords by name."""
    passwords = people.create()
    demo_agents.create(get_user_model().objects.get(username=REQUESTER), has_claude)
    trail.append("system.seeded", actor=people.ACTOR, subject="system:demo", people=sorted(passwords))
    return passwords


def begin_run(preauthorization: UUID) -> AgentRun:
    """Give the scripted agent its goal, as the requester would."""
    agent = Agent.objects.get(name=demo_agents.SCRIPTED)
    requester = get_user_model().objects.get(username=REQUESTER)
    return runs.create(agent=agent, requester=requester, goal=GOAL, preauthorization=preauthorization)


def shown_run() -> dict[str, str]:
    """Return the newest run that goes on, else the newest that has ended."""
    newest = AgentRun.objects.order_by("-created_at")
    run = newest.exclude(status__in=RUN_TERMINAL).first() or newest.get()
    return {"run": str(run.pk), "goal": run.goal, "agent": run.agent.name, "status": run.status}
