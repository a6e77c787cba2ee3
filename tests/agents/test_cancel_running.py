"""A person's word reaches the tool within a heartbeat, whatever it does against it, and all its processes are dead."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from agents import runs, tool_calls
from agents.executing import execution
from agents.models import Execution, ToolCall
from agents.sandbox.values import Result
from tests.agents import executor
from tests.agents.steps import approved, claim, events
from tests.killing import is_alive
from tests.people import until
from tests.world import World

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.environ.get("M1_TEST_DATABASE") == "sqlite", reason="needs PostgreSQL"),
]
ROUNDS = int(os.environ.get("M1_RACE_ROUNDS", 10))
Stop = Callable[[World, ToolCall], object]


def the_call(world: World, call: ToolCall) -> object:
    return tool_calls.cancel(call.pk, actor=world.riley, reason="It is wrong.")


def its_run(world: World, call: ToolCall) -> object:
    return runs.cancel(call.run_id, actor=world.riley, reason="All is wrong.")


@pytest.fixture
def alive_then(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether a process of the tool was alive when its result was recorded."""
    seen: list[bool] = []
    finish = execution.finish

    def look(request_id: object, result: Result, *, worker: str) -> bool:
        seen.extend(map(is_alive, processes()))
        return finish(request_id, result, worker=worker)  # type: ignore[arg-type]

    monkeypatch.setattr(execution, "finish", look)
    return seen


FILES: list[Path] = []


def processes() -> list[int]:
    """Return the tool and the orphan that it left in a session of its own, deaf to SIGTERM."""
    text = FILES[0].read_text() if FILES[0].exists() else ""
    return [int(pid) for pid in text.split()[1:3]] if text.endswith("\n") else []


@pytest.fixture
def pids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where the tool writes which processes it has."""
    FILES[:] = [tmp_path / "pids"]
    monkeypatch.setenv("M1_TEST_PIDS", str(FILES[0]))
    yield


@pytest.mark.parametrize("stop", [the_call, its_run])
def test_a_tool_that_is_deaf_and_has_offspring_is_dead_before_its_call_is_cancelled(
    world: World, monkeypatch: pytest.MonkeyPatch, pids: None, alive_then: list[bool], stop: Stop
) -> None:
    executor.give(world, monkeypatch, "hostile.survivor")
    call = approved(world, tool="hostile.survivor", arguments={"then": "wait"})

    worker = executor.at_work(call)
    family = until(processes, what="the tool runs")
    assert all(map(is_alive, family))
    assert events(call)[-1] == "tool_call.executing"
    stop(world, call)
    worker.join(30)
    assert alive_then == [False, False]
    call.refresh_from_db()
    assert (call.status, call.run.status) == ("cancelled", "cancelled" if stop is its_run else "waiting")
    assert Execution.objects.get(pk=call.pk).error_code == "cancelled"
    assert events(call)[-1] == "tool_call.cancelled"


@pytest.mark.races
def test_a_stop_and_a_claim_at_the_same_instant_agree(world: World) -> None:
    """Either nothing of it runs, or its worker learns at the first beat that it is to stop."""
    ends = set()
    for _ in range(ROUNDS):
        call = approved(world)
        barrier, claimed = threading.Barrier(2), list[object]()
        work = [lambda: claimed.append(claim(call)), lambda: the_call(world, call)]  # noqa: B023 - they end in the round

        def alone(act: Callable[[], object], barrier: threading.Barrier = barrier) -> None:
            try:
                connection.ensure_connection()
                barrier.wait()
                act()
            finally:
                connection.close()

        threads = [threading.Thread(target=alone, args=[act]) for act in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        call.refresh_from_db()
        ends.add(call.status)
        assert (claimed == [None]) == (call.status == "cancelled") == (not hasattr(call, "execution"))
        assert call.status == "cancelled" or not execution.beat(call.pk, worker="worker")
    assert ends <= {"cancelled", "executing"}
