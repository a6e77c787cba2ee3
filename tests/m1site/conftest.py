"""A world to call over REST: people with keys, an external agent with its account, a run with one pending call.

And the `m1` command as somebody on a machine of theirs calls it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from django.contrib.auth.models import Permission
from pytest_django.live_server_helper import LiveServer

from agents import proposals, runs
from agents.models import Agent, AgentRun, ToolCall
from agents.proposals import ExternalCall
from audit import canonical, clock
from m1site.accounts import api_keys
from m1site.accounts.models import User
from m1site.cli import group
from policy.models import Tool
from tests.m1site.rest import Rest
from tests.targets import HttpTarget, SmtpTarget, serving
from tests.world import World, make_world

M1 = Callable[..., Result]


@dataclass
class Site:
    """The world, who calls it, and an agent of someone's own."""

    world: World
    robot: User
    external: Agent
    stranger: User

    def run(self) -> AgentRun:
        """Begin a run of the external agent."""
        return runs.create(agent=self.external, requester=self.world.riley, goal="Tidy up")

    def pending(self, tool: str = "files.write", **arguments: str) -> ToolCall:
        """Have the external agent ask for something that people must decide."""
        run = self.run()
        given = arguments or {"path": "a.txt", "content": "new\n"}
        call = ExternalCall(tool, canonical.encode(given), "The goal\x1b[2J asks for it.")
        turn = proposals.propose_external(run.pk, calls=[call], text="I want to write.")
        return turn.tool_calls.get()

    @property
    def ava(self) -> Rest:
        """An approver with a key for everything."""
        return Rest(self.world.ava)

    @property
    def riley(self) -> Rest:
        """The requester with a key for everything."""
        return Rest(self.world.riley)


@pytest.fixture
def site(db: None, tmp_path: Path) -> Site:
    """The world with an external agent."""
    world = make_world(tmp_path)
    robot = User.objects.create(username="robot", kind=User.Kind.SERVICE)
    external = Agent.objects.create(
        name="robot", owner=world.author, service_account=robot, planner="external", environment="test",
        created_at=clock.now(),
    )  # fmt: skip
    external.tools.set(Tool.objects.all())
    world.ava.user_permissions.add(Permission.objects.get(codename="add_approvaltoken"))
    return Site(world, robot, external, User.objects.create_user("stranger"))


def decision(call: ToolCall, **more: object) -> dict[str, object]:
    """Return the body of a decision on the call as it is."""
    return {"argumentsDigest": call.arguments_digest, "round": call.round, **more}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live_server: LiveServer) -> Path:
    """A person's machine, which knows where M1 is."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("M1_URL", live_server.url)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("M1_API_KEY", raising=False)
    return tmp_path


@pytest.fixture
def m1(site: Site, home: Path, monkeypatch: pytest.MonkeyPatch) -> M1:
    """Call `m1` as somebody."""

    def call(*argv: str, by: User | None = None, typed: str = "") -> Result:
        if by is not None:
            monkeypatch.setenv("M1_API_KEY", api_keys.create(by, name="cli", scopes=api_keys.SCOPES, days=1)[1])
        return CliRunner().invoke(group, argv, input=typed)

    return call


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def http() -> Iterator[HttpTarget]:
    """A server that notifications go to, over HTTP."""
    target = HttpTarget()
    with serving(target.http):
        yield target


@pytest.fixture
def smtp() -> Iterator[SmtpTarget]:
    """A server that notifications go to, by mail."""
    target = SmtpTarget()
    with serving(target):
        yield target
