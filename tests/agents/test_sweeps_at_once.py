"""Two housekeeping workers, or four: each sweep does its work once, and waits for nobody for long."""

import os
import threading
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection, transaction

from agents import due, queue, runs, sweeping, sweeps
from agents.models import Outbox, ToolCall
from audit import clock
from tests.agents import stuck
from tests.agents.steps import events
from tests.people import until
from tests.world import World

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.environ.get("M1_TEST_DATABASE") == "sqlite", reason="needs PostgreSQL"),
]
Plant = Callable[[World], ToolCall]


def to_remind(world: World) -> ToolCall:
    return stuck.changed(stuck.ask(world), remind_at=clock.now())


@pytest.mark.parametrize(
    ("plant", "sweep", "event"),
    [
        (stuck.pending_too_long, sweeps.expire_due, "tool_call.expired"),
        (stuck.worker_silent, sweeps.lose_silent, "tool_call.lost"),
        (stuck.unsettled, sweeps.remind_unsettled, "tool_call.reminded"),
        (to_remind, due.remind_due, "tool_call.reminded"),
        (stuck.tool_disabled, sweeps.deny_disabled, "tool_call.denied"),
        (stuck.preview_too_long, sweeps.give_up_previews, "tool_call.previewed"),
        (stuck.waiting_for_nothing, sweeps.resume_stuck, "run.resumed"),
        (stuck.planner_silent, sweeps.resume_stuck, None),
        (stuck.approved_without_row, sweeps.put_missing, None),
        (stuck.message_lost, queue.resend_due, None),
    ],
)
def test_a_sweep_that_runs_four_times_at_once_acts_once(
    world: World, monkeypatch: pytest.MonkeyPatch, plant: Plant, sweep: Callable[[], int], event: str | None
) -> None:
    monkeypatch.setattr(queue, "send", lambda task, key: sent.append((task, key)) or True)
    sent: list[object] = []
    call = plant(world)
    sent.clear()
    monkeypatch.setattr(sweeping, "LOCK_MS", 60_000)
    did: list[int] = []
    with transaction.atomic():
        runs.lock(call.run_id)
        list(Outbox.objects.select_for_update())
        threads = started(lambda: did.append(sweep()), 4)
        until(lambda: waiting() == 4, what="all four have found the row, and wait for it")
    ended(threads)
    assert sum(did) == 1
    if event:
        assert (events(call) + events(call.run_id)).count(event) == 1
    else:
        assert len(sent) == 1
        assert Outbox.objects.count() == 1
    assert sweep() == 0


def waiting() -> int:
    """Return how many connections wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # or a transaction sees one moment only
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                       "AND datname = current_database()")  # fmt: skip
        return int(cursor.fetchone()[0])


def started(work: Callable[[], object], count: int) -> list[threading.Thread]:
    """Do the same in threads with connections of their own."""

    def alone() -> None:
        try:
            work()
        finally:
            connection.close()

    threads = [threading.Thread(target=alone, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def ended(threads: list[threading.Thread]) -> None:
    """Wait for threads, though not for ever."""
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def test_a_row_that_somebody_holds_is_left_to_the_next_turn_and_the_others_are_done(world: World) -> None:
    held, free = stuck.pending_too_long(world), stuck.pending_too_long(world)
    with transaction.atomic():
        runs.lock(held.run_id)
        did: list[int] = []
        ended(started(lambda: did.append(sweeps.expire_due()), 1))
        assert did == [1]
    assert [status(call) for call in (held, free)] == ["pending", "expired"]
    assert "sweep.failed" not in events(held), "busy is not broken"
    assert sweeps.expire_due() == 1
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",), "the connection is as patient as it was"


def test_a_database_that_is_away_ends_the_turn(world: World) -> None:
    calls = [stuck.pending_too_long(world) for _ in range(3)]
    asked: list[object] = []

    def cut_off(run_id: object, request_id: object) -> bool:
        asked.append(request_id)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return True

    def work() -> None:
        keys = ToolCall.objects.order_by("pk").values_list("run_id", "pk")
        with pytest.raises(OperationalError):
            sweeping.each(keys, cut_off, kind="tool_call")
        raised.append(True)

    raised: list[bool] = []
    ended(started(work, 1))
    assert (raised, asked) == ([True], [calls[0].pk])


def status(call: ToolCall) -> str:
    return ToolCall.objects.get(pk=call.pk).status
