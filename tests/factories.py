"""Rows as the functions of M1 leave them, for tests that begin in the middle of the story."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from agents.approval import audience
from agents.models import (
    Agent,
    AgentRun,
    Decision,
    Execution,
    Requirement,
    RequirementGroup,
    ToolCall,
    ToolCallRevision,
    Turn,
)
from agents.states import RUN_TERMINAL, TERMINAL, RunStatus, Status
from audit import canonical, clock, trail
from m1site.accounts import roles
from m1site.accounts.models import User
from policy.models import PolicyCheck, Tool, ToolVersion

PASSWORD = "a-long-password-1"
NUMBERS = itertools.count(1)
RAN = (Status.EXECUTING, Status.SUCCEEDED, Status.FAILED, Status.LOST)
EVENTS = {Status.PENDING: "pending", Status.DENIED: "denied", Status.LOST: "lost", Status.SUCCEEDED: "succeeded"}


def make_user(name: str = "", *groups: str, **fields: Any) -> User:
    """Make a person, in roles and in groups that are made where they are missing."""
    user = User.objects.create_user(name or f"person{next(NUMBERS)}", password=PASSWORD, **fields)
    user.groups.set(groups_named(*groups))
    return user


def groups_named(*names: str) -> list[Group]:
    """Return groups: roles as M1 comes with them, others new where they are missing.

    A test that empties all tables takes the roles of the migration with it; whoever needs one brings them all back.
    """
    found = {group.name: group for group in Group.objects.filter(name__in=names)}
    if not roles.ROLES.keys() & set(names) <= found.keys():
        roles.install()
        return groups_named(*names)
    return [found[name] if name in found else Group.objects.create(name=name) for name in names]


def make_agent(name: str = "", **fields: Any) -> Agent:
    """Make an agent; its owner is somebody who appears nowhere else."""
    facts: dict[str, Any] = {"planner": "scripted", "environment": "test", "created_at": clock.now()} | fields
    owner = facts.pop("owner", None) or make_user()
    return Agent.objects.create(name=name or f"agent{next(NUMBERS)}", owner=owner, **facts)


def make_run(status: str = "waiting", **fields: Any) -> AgentRun:
    """Make a run of an agent for a requester."""
    facts: dict[str, Any] = {"goal": "Tidy up", "config": "{}", "budget_usd": 5, "created_at": clock.now()} | fields
    agent = facts.pop("agent", None) or make_agent()
    requester = facts.pop("requester", None) or make_user()
    if status == RunStatus.WAITING:
        facts.setdefault("waiting_for", "calls")
    if status in RUN_TERMINAL:
        facts = {"end_reason": "answered", "ended_at": clock.now()} | facts
    facts = {"planner": agent.planner, "environment": agent.environment} | facts
    run = AgentRun.objects.create(agent=agent, requester=requester, status=status, **facts)
    _event("run.created", f"run:{run.pk}", f"user:{requester.pk}")
    return run


def make_turn(run: AgentRun | None = None, **fields: Any) -> Turn:
    """Make the next turn of a run."""
    run = run or make_run()
    facts: dict[str, Any] = {"stop_reason": "tool_use", "cost_usd": 0, "created_at": clock.now()} | fields
    return Turn.objects.create(run=run, number=run.turns.count() + 1, **facts)


def make_tool_version(name: str = "files.write", state: str = "enabled", **declared: Any) -> ToolVersion:
    """Make a version of a tool, of which no code exists."""
    facts = {
        "name": name, "description": "A tool.", "schema": {"type": "object"}, "risk": "medium", "read_only": False,
        "external": False, "reversible_with": None, "headline": "Write {path}", "sensitive_arguments": [],
        "sensitive_results": [], "preview": None,
    } | declared  # fmt: skip
    tool, _ = Tool.objects.get_or_create(name=name, defaults={"created_at": clock.now()})
    declaration = canonical.encode(facts)
    version, _ = ToolVersion.objects.get_or_create(
        tool=tool, digest=canonical.digest(declaration),
        defaults={"declaration": declaration.decode(), "state": state, "created_at": clock.now()},
    )  # fmt: skip
    return version


def make_tool_call(
    status: str = "pending",
    *,
    run: AgentRun | None = None,
    turn: Turn | None = None,
    arguments: Mapping[str, Any] | None = None,
    version: ToolVersion | None = None,
    groups: Sequence[str] = ("approver",),
    needed: int = 1,
    output: str = '{"ok":true}',
    **fields: Any,
) -> ToolCall:
    """Make a call at rest in a state, with the rows that lead there: revision, requirement, decisions, execution.

    groups, needed   whom the round asks, and how many
    """
    turn = turn or make_turn(run)
    version = version or make_tool_version()
    body = canonical.encode({"path": "reports/may.txt", "content": "Hello"} if arguments is None else arguments)
    now = clock.now()
    facts: dict[str, Any] = {
        "tool_name": version.tool.name, "headline": "Write reports/may.txt", "risk": version.declared["risk"],
        "reason": "The report is due.", "expires_at": now + timedelta(hours=1), "created_at": now,
    } | fields  # fmt: skip
    if status in TERMINAL:
        facts.setdefault("ended_at", now)
    call = ToolCall.objects.create(
        run=turn.run, turn=turn, position=turn.tool_calls.count(), tool_use_id=f"use_{next(NUMBERS)}",
        tool_version=version, status=status, arguments_digest=canonical.digest(body), **facts,
    )  # fmt: skip
    ToolCallRevision.objects.create(call=call, number=1, arguments=body, digest=call.arguments_digest, created_at=now)
    _ask(call, groups, needed)
    if status in (Status.APPROVED, *RAN):
        for _ in range(needed):
            decide(call, make_user("", *groups[:1]))
    if status in RAN:
        _run(call, output)
    _event(f"tool_call.{EVENTS.get(Status(status), 'pending')}", f"tool_call:{call.pk}", f"agent:{turn.run.agent_id}")
    return call


def decide(call: ToolCall, person: User, answer: str = "approve", comment: str = "", **fields: Any) -> Decision:
    """Put a person's answer on record, and nothing else."""
    facts: dict[str, Any] = {
        "round": call.round, "person_name": person.username, "surface": "web", "digest_seen": call.arguments_digest,
        "created_at": clock.now(),
    } | fields  # fmt: skip
    return Decision.objects.create(call=call, person=person, answer=answer, comment=comment, **facts)


def _ask(call: ToolCall, groups: Sequence[str], needed: int) -> None:
    requirement = Requirement.objects.create(call=call, round=call.round, count=needed)
    RequirementGroup.objects.bulk_create(RequirementGroup(requirement=requirement, name=name) for name in groups)
    audience.tell(call, groups)
    reason = {"rule": "ask", "sentence": "Rule ask asks for review.", "effect": "review", "code": "rule_asks_review"}
    row = PolicyCheck.objects.create(
        request_id=call.pk, phase="proposal", tool_name=call.tool_name, arguments_digest=call.arguments_digest,
        outcome="needs_approval", verdict={"reasons": [reason]}, microseconds=5, created_at=call.created_at,
    )  # fmt: skip
    ToolCall.objects.filter(pk=call.pk).update(check_row=row)
    call.refresh_from_db()


def _run(call: ToolCall, output: str) -> None:
    is_over = call.status in (Status.SUCCEEDED, Status.FAILED)
    Execution.objects.create(
        call=call, claimed_by="worker", lease_until=call.created_at, started_at=call.created_at,
        finished_at=clock.now() if is_over else None, output=output if call.status == Status.SUCCEEDED else "",
        output_bytes=len(output), error="It broke." if call.status == Status.FAILED else "",
    )  # fmt: skip


def _event(action: str, subject: str, actor: str) -> None:
    with transaction.atomic():
        trail.append(action, actor=actor, subject=subject)
