"""Rows for `m1 bench inbox`: thousands of calls that wait for people, written in bulk as M1's functions leave them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import models

from agents.approval import audience
from agents.models import (
    Agent,
    AgentRun,
    AskedGroup,
    Requirement,
    RequirementGroup,
    RunGroup,
    ToolCall,
    ToolCallRevision,
    Turn,
)
from audit import canonical, clock
from m1site.accounts.models import User
from policy.models import Tool, ToolVersion

PER_RUN, RUNS_PER_AGENT, BATCH = 20, 10, 500
RISKS = ("low", "medium", "medium", "high", "critical")
ASKED = "approver"
DECLARED = {
    "name": "files.write", "description": "Writes a file.", "schema": {"type": "object"}, "risk": "medium",
    "read_only": False, "external": False, "reversible_with": None, "headline": "Write {path}",
    "sensitive_arguments": [], "sensitive_results": [], "preview": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class People:
    """Who looks: `ava` is asked about everything, `eve` about nothing, `omar` sees everything, `riley` asked for it."""

    ava: User
    eve: User
    omar: User
    riley: User


def make(count: int, *, are_alike: bool) -> People:
    """Fill empty tables with so many pending calls and as many that have ended, and return who looks at them.

    are_alike   every call of one agent asks for exactly the same; else none does
    """
    people = People(_user("ava", ASKED), _user("eve", "legal"), _user("omar", "auditor"), _user("riley"))
    version = _tool_version()
    AskedGroup.objects.create(key=audience.digest([ASKED]), name=ASKED)
    for status in ("pending", "succeeded"):
        for start in range(0, count, PER_RUN * RUNS_PER_AGENT):
            agent = _agent(f"{status}-{start}", people.riley)
            runs = [_run(agent, people.riley, status) for _ in range(RUNS_PER_AGENT)]
            turns = [Turn(run=run, number=1, stop_reason="tool_use", created_at=run.created_at) for run in runs]
            AgentRun.objects.bulk_create(runs)
            Turn.objects.bulk_create(turns)
            RunGroup.objects.bulk_create([RunGroup(run=run, name=ASKED) for run in runs])
            bodies = [_body(0 if are_alike else start + number) for number in range(PER_RUN * RUNS_PER_AGENT)]
            _calls(turns, bodies, version, status)
    return people


def _calls(turns: list[Turn], bodies: list[bytes], version: ToolVersion, status: str) -> None:
    found = [
        _call(turn, position, bodies[place * PER_RUN + position], version, status)
        for place, turn in enumerate(turns) for position in range(PER_RUN)
    ]  # fmt: skip
    _write(found)
    rows = zip(found, bodies, strict=True)
    _write(
        ToolCallRevision(call=one, number=1, arguments=body, digest=one.arguments_digest, created_at=one.created_at)
        for one, body in rows
    )
    asked = [Requirement(call=one, round=1, count=2 if place % 7 == 0 else 1) for place, one in enumerate(found)]
    _write(asked)
    _write(RequirementGroup(requirement=one, name=ASKED) for one in asked)


def _call(turn: Turn, position: int, body: bytes, version: ToolVersion, status: str) -> ToolCall:
    place = int.from_bytes(turn.pk.bytes[-2:]) + position
    ended = {"ended_at": clock.now(), "approved_at": clock.now()} if status != "pending" else {}
    call = ToolCall(
        run=turn.run, turn=turn, position=position, tool_use_id=f"use_{position}", tool_name=version.tool.name,
        tool_version=version, headline=f"Write reports/{place}.txt", risk=RISKS[place % len(RISKS)],
        reason="The report is due.", status=status, arguments_digest=canonical.digest(body),
        expires_at=clock.now() + timedelta(minutes=60 + place % 600), created_at=clock.now(), agent=turn.run.agent,
        requester=turn.run.requester, asked_key=audience.digest([ASKED]), **ended,
    )  # fmt: skip
    call.like_key = audience.like_key(call)
    return call


def _run(agent: Agent, requester: User, status: str) -> AgentRun:
    facts: dict[str, Any] = {"status": "waiting", "waiting_for": "calls"}
    if status != "pending":
        facts = {"status": "completed", "end_reason": "answered", "ended_at": clock.now()}
    return AgentRun(
        agent=agent, requester=requester, goal="Write the reports", config="{}", planner="scripted",
        environment="bench", budget_usd=5, turn_count=1, created_at=clock.now(), **facts,
    )  # fmt: skip


def _agent(name: str, owner: User) -> Agent:
    return Agent.objects.create(name=name, owner=owner, planner="scripted", environment="bench", created_at=clock.now())


def _user(name: str, *groups: str) -> User:
    user = User.objects.create(username=name, email=f"{name}@example.com")
    user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    return user


def _tool_version() -> ToolVersion:
    tool = Tool.objects.create(name="files.write", created_at=clock.now())
    text = canonical.encode(DECLARED)
    return ToolVersion.objects.create(
        tool=tool, digest=canonical.digest(text), declaration=text.decode(), state="enabled", created_at=clock.now()
    )


def _body(number: int) -> bytes:
    return canonical.encode({"path": f"reports/{number}.txt", "content": "All is well.\n" * 5})


def _write(rows: Iterator[Any] | list[Any]) -> None:
    kept = list(rows)
    if kept:
        model: type[models.Model] = type(kept[0])
        model._default_manager.bulk_create(kept, batch_size=BATCH)
