"""Celery's way in. A message carries an id; every function behind these may be called twice, late, or for nothing."""

import os
from functools import cache, partial
from uuid import UUID

from celery import shared_task
from django.conf import settings

from agents import due, planning, queue, sweeps, workers
from agents.executing import claiming, dispatch, execution, losing, previews, tries
from agents.executing.lease import Lease
from agents.notifications import calling
from agents.patience import patiently
from agents.planners.base import Planner
from agents.planners.claude import ClaudePlanner
from agents.planners.scripted import ScriptedPlanner
from agents.sandbox.running import Limits, StillAliveError
from policy import registry
from policy.registry import Definition

MODEL_TIMEOUT_SECONDS, MODEL_RETRIES = 600.0, 2
TURN_SECONDS = 1_800
"""Twice the model's time, for the head of a reply and for its body, and what a database that is away may take."""


@shared_task(name=queue.PLAN, time_limit=TURN_SECONDS)
def plan(run_id: str) -> None:
    """Take one turn of a run."""
    if key := _key(run_id, "planner"):
        planning.turn(key, worker=workers.name(), planner_of=_planner)


@shared_task(name=queue.EXECUTE)
def execute(request_id: str) -> None:
    """Claim an approved call and run its tool."""
    worker = workers.name()
    if not (key := _key(request_id, "executor")):
        return
    lease = Lease(partial(execution.beat, key, worker=worker))
    if not dispatch.take_up(key) or (claimed := claiming.claim(key, worker=worker, definitions=definitions())) is None:
        return
    try:
        result = tries.run(
            claimed, limits=limits_of(claimed.definition), environment=os.environ, lease=lease,
            retried=partial(execution.retried, request_id=key, worker=worker),
        )  # fmt: skip
    except StillAliveError as error:
        patiently(partial(losing.lose_alive, key, error.code, worker=worker))
    else:
        patiently(partial(execution.finish, key, result, worker=worker))


@shared_task(name=queue.PREVIEW)
def preview(request_id: str) -> None:
    """Run a tool's preview, which changes nothing, and store what it shows."""
    if key := _key(request_id, "executor"):
        previews.make(key, definitions(), limits_of)


@shared_task(name="agents.sweep_expired")
def sweep_expired() -> None:
    """Move calls whose time is over to `expired`."""
    sweeps.expire_due()


@shared_task(name="agents.sweep_due")
def sweep_due() -> None:
    """Remind approvers, ask further groups where a rule says so, and wait no longer for previews."""
    due.escalate_due()
    due.remind_due()
    sweeps.give_up_previews()


@shared_task(name="agents.sweep_outbox")
def sweep_outbox() -> None:
    """Send again what nobody has taken, and let go on what lost its row, its message or its worker."""
    sweeps.put_missing()
    sweeps.resume_stuck()
    queue.resend_due()


@shared_task(name="agents.sweep_lost")
def sweep_lost() -> None:
    """Move calls whose worker is silent to `lost`, and tell people again of those that nobody has settled."""
    sweeps.lose_silent()
    sweeps.remind_unsettled()


@shared_task(name="agents.sweep_disabled")
def sweep_disabled() -> None:
    """Deny calls that are bound to a tool version which is not enabled any more."""
    sweeps.deny_disabled()


@shared_task(name="agents.sweep_notifications")
def sweep_notifications() -> None:
    """Call the worker that tells people, give up what stayed untold for too long, and forget what is old."""
    calling.call_due()
    calling.give_up_due()
    calling.forget_old()


@cache
def definitions() -> dict[str, Definition]:
    """Return the tools that this executor's own code declares."""
    return registry.load(settings.M1_TOOLS)


def limits_of(definition: Definition) -> Limits:
    """Return what a tool may use: its own time limit, and the same room for all."""
    seconds = definition.timeout_seconds
    return Limits(seconds=seconds, cpu_seconds=seconds, memory_mb=512, output_bytes=262_144, open_files=64)


@cache
def _planner(kind: str) -> Planner:
    if kind == "scripted":
        return ScriptedPlanner()
    return ClaudePlanner(
        api_key=settings.ANTHROPIC_API_KEY, base_url=settings.ANTHROPIC_BASE_URL,
        timeout=MODEL_TIMEOUT_SECONDS, max_retries=MODEL_RETRIES,
    )  # fmt: skip


def _key(text: object, role: str) -> UUID | None:
    """Return the id that a message carries; nothing happens for a forged one, nor for one in another role's queue."""
    try:
        return UUID(text) if isinstance(text, str) and settings.M1_ROLE in ("", role) else None
    except ValueError:
        return None
