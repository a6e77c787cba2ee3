"""Single steps of the line, for tests that begin in its middle: ask, answer, claim; each as its own process would."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from agents import proposals, runs, tasks, tool_calls
from agents.approval.seen import Seen
from agents.executing import claiming, execution
from agents.models import Agent, AgentRun, ToolCall
from agents.proposals import ExternalCall
from agents.sandbox.values import Result
from audit import clock
from audit.models import AuditEvent
from m1site.accounts.models import User
from policy import versions
from policy.models import ApprovalToken, Tool
from tests.world import World, person

WRITE = {"path": "reports/may.txt", "content": "Hello"}
DONE = Result(True, '{"ok":true}', 11, "0" * 64, False, "", "")


def external_agent(world: World, name: str = "outsider") -> Agent:
    """Make an agent of somebody's own; `author` owns it."""
    account = User.objects.create_user(f"{name}-account", kind="service")
    agent = Agent.objects.create(
        name=name, owner=world.author, service_account=account, planner="external", environment="test",
        created_at=clock.now(),
    )  # fmt: skip
    agent.tools.set(Tool.objects.all())
    return agent


def external_run(world: World, **fields: Any) -> AgentRun:
    """Begin a run of the external agent, for riley."""
    agent = Agent.objects.filter(name="outsider").first() or external_agent(world)
    return runs.create(agent=agent, requester=fresh(world.riley), goal="Tidy up", **fields)


def operator() -> User:
    """Return the one who halts M1."""
    return User.objects.filter(username="omar").first() or person("omar", "operator")


def propose(run: AgentRun, *calls: tuple[str, dict[str, Any]]) -> list[ToolCall]:
    """Have the external agent ask for calls, in one turn."""
    asked = [ExternalCall(tool, json.dumps(arguments).encode(), "It is due.") for tool, arguments in calls]
    turn = proposals.propose_external(run.pk, calls=asked, text="I need this.")
    return list(turn.tool_calls.order_by("position"))


def ask(world: World, tool: str = "files.write", arguments: dict[str, Any] | None = None, **fields: Any) -> ToolCall:
    """Begin a run whose only call is this one."""
    return propose(external_run(world, **fields), (tool, WRITE if arguments is None else arguments))[0]


def approve(call: ToolCall, person: User, **seen: Any) -> ToolCall:
    """Have a person say yes to the call as it stands, or as they saw it."""
    return tool_calls.approve(call.pk, actor=fresh(person), seen=shown(call, **seen))


def reject(call: ToolCall, person: User, comment: str = "Not today.", stop_run: bool = False, **seen: Any) -> ToolCall:
    """Have a person say no."""
    shown_ = shown(call, **seen)
    return tool_calls.reject(call.pk, actor=fresh(person), comment=comment, seen=shown_, stop_run=stop_run)


def approved(world: World, *people: User, **fields: Any) -> ToolCall:
    """Return a call that people, or ava, have approved."""
    call = ask(world, **fields)
    for one in people or (world.ava,):
        call = approve(call, one)
    assert call.status == "approved", call.note
    return call


def claim(call: ToolCall | UUID, worker: str = "worker") -> claiming.Claimed | None:
    """Have an executor take the call."""
    key = call.pk if isinstance(call, ToolCall) else call
    return claiming.claim(key, worker=worker, definitions=tasks.definitions())


def run_to(call: ToolCall, *, worker: str = "worker", result: Result = DONE) -> bool:
    """Have the worker hand in a result."""
    return execution.finish(call.pk, result, worker=worker)


def token_of(call: ToolCall) -> ApprovalToken:
    """Return the execution token of the call's current round."""
    return ApprovalToken.objects.get(request_id=call.pk, round=call.round)


def publish(world: World, text: str) -> None:
    """Put another policy in force."""
    versions.publish(text, author=world.author, publisher=world.ava, override="Tests put rules beside each other.")


def fresh(person: User) -> User:
    """Return the person as another request would load them: groups and sign-in as they are now."""
    return User.objects.get(pk=person.pk)


def events(subject: object) -> list[str]:
    """Return the names of a call's, run's or token's events, in order."""
    found = AuditEvent.objects.filter(subject__endswith=f":{getattr(subject, 'pk', subject)}")
    return list(found.order_by("xid", "id").values_list("action", flat=True))


@contextmanager
def without_triggers() -> Iterator[None]:
    """Write as somebody does who owns the database: past every trigger."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL")
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = origin")


def shown(call: ToolCall, **seen: Any) -> Seen:
    """Return what a person saw who saw the call as it stands, or as they say."""
    return Seen(**{"digest": call.arguments_digest, "round": call.round, "surface": "web"} | seen)
