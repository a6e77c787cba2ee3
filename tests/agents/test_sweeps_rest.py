"""Every state that must not last comes to rest by the schedule's own sweeps: a table, the same as in the documentation.

Each state is planted as a fault leaves it, the beat's tasks run twice, and what must come true has.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from agents import orchestrator, queue, runs, sweeps
from agents.models import Notification, ToolCall
from m1site.celery import SWEEP_SECONDS, SWEEPS, app
from tests.agents import stuck
from tests.agents.steps import claim, events
from tests.world import World

pytestmark = pytest.mark.django_db
DOCUMENT = Path("docs/execution.md").read_text()
LEASE = runs.lease_seconds()
HOUR = 3600


@dataclass(frozen=True)
class Case:
    """A state that must not last.

    state   as the documentation names it
    sweep   the task that ends it, once it has lasted for `due` seconds
    rested  whether that has come true which must
    """

    state: str
    plant: Callable[[World], ToolCall]
    sweep: str
    due: int
    rested: Callable[[ToolCall], bool]


def is_now(**fields: object) -> Callable[[ToolCall], bool]:
    return lambda call: ToolCall.objects.filter(pk=call.pk, **fields).exists()


def is_sent(call: ToolCall) -> bool:
    return (queue.EXECUTE, call.pk) in SENT and claim(call) is not None


def is_planned(call: ToolCall) -> bool:
    return (queue.PLAN, call.run_id) in SENT and orchestrator.take(call.run_id, worker="alive") is not None


def is_told(call: ToolCall) -> bool:
    told = Notification.objects.filter(call=call, kind="lost").order_by("number").values_list("number", flat=True)
    return list(told) == [0, 1] and events(call)[-2:] == ["tool_call.lost", "tool_call.reminded"]


SENT: list[tuple[str, UUID]] = []
CASES = [
    Case("`pending`, its time over", stuck.pending_too_long, "expired", 0, is_now(status="expired")),
    Case("`approved`, its time over", stuck.approved_too_long, "expired", 0, is_now(status="expired")),
    Case("`approved`, its outbox row gone", stuck.approved_without_row, "outbox", 0, is_sent),
    Case("`approved`, its message lost", stuck.message_lost, "outbox", queue.RESEND_SECONDS, is_sent),
    Case("`executing`, its worker silent", stuck.worker_silent, "lost", LEASE, is_now(status="lost")),
    Case("the same, and a person had asked to stop it", stuck.stopped_and_silent, "lost", LEASE, is_now(status="lost")),
    Case("the same, and its run cancelled", stuck.run_cancelled_and_silent, "lost", LEASE, is_now(status="lost")),
    Case("run `planning`, its planner silent", stuck.planner_silent, "outbox", LEASE, is_planned),
    Case("run `planning`, its outbox row gone", stuck.planning_without_row, "outbox", 0, is_planned),
    Case("run `waiting` for calls that all rest", stuck.waiting_for_nothing, "outbox", 0, is_planned),
    Case("preview awaited, its outbox row gone", stuck.preview_without_row, "outbox", 0,
         lambda call: (queue.PREVIEW, call.pk) in SENT),
    Case("preview awaited for too long", stuck.preview_too_long, "due", int(sweeps.PREVIEW_WAITS.total_seconds()),
         is_now(status="pending", preview_state="failed")),
    Case("open, its tool's version disabled", stuck.tool_disabled, "disabled", 0, is_now(status="denied")),
    Case("open, its time over, and halted", stuck.halted, "expired", 0, is_now(status="pending")),
    Case("`lost`, and nobody has settled it", stuck.unsettled, "lost", HOUR, is_told),
]  # fmt: skip


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what goes to the broker, but for whom to tell: that is called again until somebody comes."""
    SENT.clear()
    kept = (queue.EXECUTE, queue.PLAN, queue.PREVIEW)
    monkeypatch.setattr(queue, "send", lambda task, key: task not in kept or SENT.append((task, key)) or True)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.state)
def test_a_state_that_must_not_last_comes_to_rest_within_two_beats(
    world: World, case: Case, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    call = case.plant(world)
    SENT.clear()
    with django_capture_on_commit_callbacks(execute=True):
        beat(f"agents.sweep_{case.sweep}")
    first = sorted(SENT)
    with django_capture_on_commit_callbacks(execute=True):
        for name in SWEEPS:
            beat(name)
    assert sorted(SENT) == first, "the second time there is nothing left to do"
    assert case.rested(call)


def beat(name: str) -> None:
    """Do what a task of the schedule does."""
    (entry,) = [one for one in app.conf.beat_schedule.values() if one["task"] == name]
    assert entry["schedule"] == SWEEP_SECONDS
    app.tasks[name].run()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.state)
def test_the_documentation_says_by_when(case: Case) -> None:
    within = f"{case.due + 2 * SWEEP_SECONDS:,} s"
    (line,) = [line for line in DOCUMENT.splitlines() if line.startswith(f"| {case.state} |")]
    assert f"| `agents.sweep_{case.sweep}` | {within} |" in line


def test_every_sweep_of_the_schedule_has_a_task_and_an_end() -> None:
    assert set(SWEEPS) == {entry["task"] for entry in app.conf.beat_schedule.values()} <= app.tasks.keys()
    assert {f"agents.sweep_{case.sweep}" for case in CASES} | {"agents.sweep_notifications"} == set(SWEEPS)
