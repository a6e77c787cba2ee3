"""One row that cannot be changed, whatever is wrong with it, stops no other; and somebody is told."""

import logging
from collections.abc import Callable

import pytest
from django.db import connection
from django.db.models import Model

from agents import orchestrator, sweeping, sweeps
from agents.models import AgentRun, Outbox, ToolCall
from audit import clock
from tests.agents import stuck
from tests.agents.steps import claim, events
from tests.world import World

pytestmark = pytest.mark.django_db
Plant = Callable[[World], ToolCall]
SECRET = "sesame"


def break_row(model: type[Model], column: str, key: object) -> None:
    """Have the database refuse every change of a row, in words that no log may repeat."""
    table, name = model._meta.db_table, f"broken_{model._meta.model_name}_{str(key).replace('-', '')}"
    event = "INSERT" if model is Outbox else "UPDATE"
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            same = f"NEW.{column} = '{str(key).replace('-', '')}'"
            cursor.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {same} "
                           f"BEGIN SELECT RAISE(ABORT, '{SECRET}'); END")  # fmt: skip
            return
        cursor.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                       f"$$ BEGIN RAISE EXCEPTION '{SECRET}'; END $$")  # fmt: skip
        cursor.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW "
                       f"WHEN (NEW.{column} = '{key}') EXECUTE FUNCTION {name}()")  # fmt: skip


def of_call(call: ToolCall) -> None:
    break_row(ToolCall, "request_id", call.pk)


def of_run(call: ToolCall) -> None:
    break_row(AgentRun, "id", call.run_id)


def of_outbox(call: ToolCall) -> None:
    break_row(Outbox, "key", call.pk)


@pytest.mark.parametrize(
    ("plant", "broken", "sweep", "rested"),
    [
        (stuck.pending_too_long, of_call, sweeps.expire_due, lambda call: "tool_call.expired" in events(call)),
        (stuck.worker_silent, of_call, sweeps.lose_silent, lambda call: "tool_call.lost" in events(call)),
        (stuck.planner_silent, of_run, sweeps.resume_stuck,
         lambda call: orchestrator.take(call.run_id, worker="alive") is not None),
        (stuck.approved_without_row, of_outbox, sweeps.put_missing, lambda call: claim(call) is not None),
    ],
)  # fmt: skip
def test_a_row_that_fails_stops_no_other_and_is_told_of_once(
    world: World, caplog: pytest.LogCaptureFixture, plant: Plant, broken: Callable[[ToolCall], None],
    sweep: Callable[[], int], rested: Callable[[ToolCall], bool],
) -> None:  # fmt: skip
    bad, good = plant(world), plant(world)
    broken(bad)
    before = ToolCall.objects.filter(pk=bad.pk).values().get(), AgentRun.objects.filter(pk=bad.run_id).values().get()
    with caplog.at_level(logging.ERROR, "agents.sweeping"):
        assert [sweep(), sweep(), sweep()] == [1, 0, 0]
    assert rested(good)
    after = ToolCall.objects.filter(pk=bad.pk).values().get(), AgentRun.objects.filter(pk=bad.run_id).values().get()
    assert after == before
    assert (events(bad) + events(bad.run_id)).count("sweep.failed") == 1, "not every two seconds"
    assert len(caplog.records) == 3
    assert "agents/" in caplog.text
    assert SECRET not in caplog.text, "the database's words may hold a row"


def test_many_rows_that_fail_hide_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "BATCH", 2)
    calls = [stuck.pending_too_long(world) for _ in range(5)]
    for call in calls[:4]:
        of_call(call)
    late = clock.now()
    ToolCall.objects.filter(pk=calls[4].pk).update(expires_at=late)
    assert sweeps.expire_due() == 1
    assert ToolCall.objects.get(pk=calls[4].pk).status == "expired"


def test_a_trail_that_cannot_be_written_stops_the_change_and_not_the_sweep(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise OSError(SECRET)

    calls = [stuck.pending_too_long(world) for _ in range(2)]
    monkeypatch.setattr("audit.rows.insert", broken)
    assert sweeps.expire_due() == 0
    assert ToolCall.objects.filter(pk__in=[call.pk for call in calls], status="pending").count() == 2
    assert caplog.text.count("nor could that be put on the trail: OSError") == 2
    assert SECRET not in caplog.text
