"""Runs that Claude plans, for tests: through the task, the real SDK and a server that refuses what the API refuses."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

from django.db import connection
from django.test import override_settings

from agents import tasks, workers
from agents.models import Agent, AgentRun, Outbox
from audit import clock
from audit.models import AuditEvent, AuditPayload
from tests.agents.steps import events
from tests.claude_server import KEY, Answer, ClaudeServer, Script, error, message, tool_use
from tests.world import World

COST = Decimal("0.0008")  # 100 tokens in at 4 dollars a million, 20 out at 20
BUSY = error(529, "overloaded_error", "Overloaded")
OVER = error(500, "api_error", "asked once too often")


@contextmanager
def claude(script: Script) -> Iterator[ClaudeServer]:
    """Put the script behind the address that M1 is configured with; every further attempt is left to M1."""
    unseen = connection.in_atomic_block  # what the test has written, the heartbeat's own connection does not find
    with (
        mock.patch.object(workers, "BEAT_SECONDS", 3_600 if unseen else workers.BEAT_SECONDS),
        ClaudeServer(script) as server,
        override_settings(ANTHROPIC_BASE_URL=server.url, ANTHROPIC_API_KEY=KEY),
        mock.patch.object(tasks, "MODEL_RETRIES", 0),
    ):
        tasks._planner.cache_clear()
        yield server
    tasks._planner.cache_clear()


def begin(world: World, **fields: Any) -> AgentRun:
    """Begin a run of an agent that Claude plans."""
    wanted = {"planner": "claude", "model": "claude-opus-5-5", "budget_usd": 5} | fields
    Agent.objects.filter(pk=world.agent.pk).update(**wanted)
    world.agent.refresh_from_db()
    return world.run()


def plan(run: AgentRun, times: int = 1) -> AgentRun:
    """Deliver the message that many times, and return the run as it is then."""
    for _ in range(times):
        tasks.plan(str(run.pk))
    return AgentRun.objects.get(pk=run.pk)


def plan_later(run: AgentRun, times: int = 1) -> AgentRun:
    """Deliver the message that many times, each when the wait before it is over."""
    for _ in range(times):
        Outbox.objects.filter(key=run.pk).update(next_at=clock.now(), taken_until=None)
        plan(run)
    return AgentRun.objects.get(pk=run.pk)


def write(use_id: str = "toolu_1", path: str = "reports/may.txt", **fields: Any) -> dict[str, Any]:
    """Return a call of files.write as Claude asks for it."""
    return tool_use(use_id, "files__write", {"path": path, "content": "Hello", "reason": "It is due."} | fields)


def listing() -> Answer:
    """Return a call that policy denies at once, so that the run goes straight on: the agent names no reason."""
    return message(tool_use("toolu_1", "files__list", {"path": "."}))


def last_message(server: ClaudeServer) -> dict[str, Any]:
    """Return the last message of the last request."""
    found: dict[str, Any] = server.requests[-1].json["messages"][-1]
    return found


def end_of(run: AgentRun) -> tuple[str, str]:
    """Return how the run ended, having checked that nothing of it is left over."""
    assert not Outbox.objects.filter(key=run.pk).exists()
    assert (run.lease_until, run.claimed_by, run.waiting_for) == (None, "", "")
    assert events(run)[-1] == f"run.{run.status}"
    return run.status, run.end_reason


def waits(run: AgentRun) -> list[timedelta]:
    """Return in how long the messages that wait for the run are sent."""
    return [row.next_at - clock.now() for row in Outbox.objects.filter(task="agents.plan", key=run.pk)]


def told(run: AgentRun, action: str) -> list[dict[str, Any]]:
    """Return what the events of that name say about the run, in order."""
    found = AuditEvent.objects.filter(subject=f"run:{run.pk}", action=action).order_by("xid", "id")
    return [json.loads(bytes(AuditPayload.objects.get(event=event).body)) for event in found]
