"""A small M1 as people would set it up: three people, the tools, a policy, a workspace; and turns of its wheels."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock
from uuid import UUID

from agents import runs, tasks
from agents.models import Agent, AgentRun, Outbox, ToolCall
from audit import clock
from m1site.accounts.models import User
from policy import allowlist, tokens, versions
from policy.models import ApprovalToken, Tool
from policy.registry import Definition, load
from tests.factories import make_user
from tests.rows import made_once

POLICY = Path("m1site/demo/policy.yaml").read_text()
TOOLS = ["policy.tools.files", "policy.tools.email", "policy.tools.http"]
READS = ["files.list", "files.read"]


@dataclass
class World:
    """Who is there. `riley` asks, `ava` and `sam` approve, `author` wrote the policy and decides nothing."""

    riley: User
    ava: User
    sam: User
    author: User
    agent: Agent
    root: Path
    mail: Path

    def run(self, *, scenario: str = "", preauthorized: bool = False, goal: str = "Tidy up") -> AgentRun:
        """Begin a run of the scripted agent."""
        if scenario:
            Agent.objects.filter(pk=self.agent.pk).update(scenario=scenario)
            self.agent.refresh_from_db()
        token = self.preauthorize() if preauthorized else None
        return runs.create(
            agent=self.agent, requester=self.riley, goal=goal, preauthorization=token.jti if token else None
        )

    def preauthorize(self, max_uses: int = 20, tools: list[str] | None = None) -> ApprovalToken:
        """Have ava say yes ahead of time."""
        return tokens.issue_preauthorization(
            person=self.ava, agents=[self.agent.name], requesters=[self.riley.username], tools=tools or READS,
            max_uses=max_uses, expires_in_minutes=60,
        )  # fmt: skip


def person(name: str, *groups: str) -> User:
    """Make a person in roles and in groups, which are made where they are missing."""
    return make_user(name, *groups)


def make_world(root: Path) -> World:
    """Set everything up, files included."""
    workspace, mail = root / "workspace", root / "mail"
    for name, text in {"a.txt": "A\n", "b.txt": "B\n", "archive/ledger.csv": "1,2\n"}.items():
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(text)
    mail.mkdir()
    return World(*set_up(), workspace, mail)


@made_once
def set_up() -> tuple[User, User, User, User, Agent]:
    """Make the people, the tools, the policy and the agent."""
    riley, ava, sam = person("riley", "requester"), person("ava", "approver"), person("sam", "approver")
    author = person("author")
    with mock.patch("policy.registry.load", lambda modules: _declared(tuple(modules))):
        new = allowlist.sync(TOOLS)
    for version in new:
        allowlist.enable(version.pk, actor="system:cli")
    versions.publish(POLICY, author=author, publisher=ava)
    agent = Agent.objects.create(
        name="demo", owner=riley, planner="scripted", environment="test", model="scripted", created_at=clock.now()
    )
    agent.tools.set(Tool.objects.all())
    return riley, ava, sam, author, agent


@cache
def _declared(modules: tuple[str, ...]) -> dict[str, Definition]:
    """Return what the modules declare, read once: a thousand tests have it made."""
    return load(modules)


@contextmanager
def executor_environment(world: World) -> Iterator[None]:
    """Give this process what an executor has."""
    given = {
        "M1_FILES_ROOT": str(world.root), "M1_EMAIL_URL": f"filemail:///{world.mail}", "M1_EMAIL_FROM": "m1@example.com"
    }  # fmt: skip
    with mock.patch.dict(os.environ, given):
        yield


def turn_wheels(world: World, *, most: int = 50) -> None:
    """Do what the workers would do with every message that waits, until none is left that can be done now."""
    work = {"agents.plan": tasks.plan, "agents.execute": tasks.execute, "agents.preview": tasks.preview}
    with executor_environment(world):
        for _ in range(most):
            rows = list(Outbox.objects.order_by("created_at", "id"))
            if not rows:
                return
            for row in rows:
                work[row.task](str(row.key))
    raise AssertionError(f"still waiting: {[(row.task, str(row.key)) for row in rows]}")


def say(world: World, call: ToolCall | UUID) -> ToolCall:
    """Return the call as it is now."""
    return ToolCall.objects.select_related("run").get(pk=getattr(call, "pk", call))
