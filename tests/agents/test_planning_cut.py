"""Nobody waits for the model's answer any more: the planner hears of it with its heartbeat, and waits no longer."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import httpx2
import pytest
from django.db import connection

from agents import runs, tasks, workers
from agents.models import AgentRun
from agents.planners import line
from agents.planners.bounds import Bounds
from agents.planners.line import Line
from audit import clock
from tests.agents import steps
from tests.agents.claude_runs import begin, claude, told, write
from tests.claude_server import Answer, error, message
from tests.people import until
from tests.policy.raw_server import certificate, context_of
from tests.world import World

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.environ.get("M1_TEST_DATABASE") == "sqlite", reason="needs PostgreSQL"),
]
REPLY = message(write())
End = Callable[[World, AgentRun], object]


@pytest.fixture(autouse=True)
def beats_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "BEAT_SECONDS", 0.1)


def cancelled(world: World, run: AgentRun) -> object:
    return runs.cancel(run.pk, actor=steps.fresh(world.riley), reason="Enough.")


def taken(world: World, run: AgentRun) -> object:
    return AgentRun.objects.filter(pk=run.pk).update(claimed_by="another", lease_until=clock.now())


@contextmanager
def asked(run: AgentRun, is_asked: Callable[[], object]) -> Iterator[threading.Thread]:
    """Have a planner ask the model, which tries again by itself as M1's own does; it has ended after the block."""

    def work() -> None:
        try:
            tasks.plan(str(run.pk))
        finally:
            connection.close()

    with mock.patch.object(tasks, "MODEL_RETRIES", 2):
        planner = threading.Thread(target=work)
        planner.start()
        until(is_asked, what="the model is asked")
        yield planner
        planner.join(20)
        assert not planner.is_alive(), "it still waits for an answer that nobody wants"


@pytest.mark.parametrize("end", [cancelled, taken])
@pytest.mark.parametrize("part", ["nothing", "head", "half"])
def test_the_request_is_broken_off_and_what_is_known_is_on_record(world: World, end: End, part: str) -> None:
    never = threading.Event()
    half = {"nothing": Answer(200, REPLY.body, gate=never), "head": Answer(200, REPLY.body, cut=0, stall=never),
            "half": Answer(200, REPLY.body, cut=40, stall=never)}[part]  # fmt: skip
    with claude([half]) as server:
        run = begin(world)
        with asked(run, lambda: server.requests):
            end(world, run)
        never.set()
        assert len(server.requests) == 1, "and not once more"
    (lost,) = told(run, "turn.discarded")
    assert (lost["error_code"], lost["cost_usd"], lost["input_tokens"]) == ("abandoned", None, None)
    assert lost["provider_request_id"] in ("", "" if part == "nothing" else "req_0001")
    run.refresh_from_db()
    assert (lost["run_status"], run.turn_count, told(run, "turn.failed")) == (run.status, 0, [])
    if end is cancelled:
        assert (run.status, run.end_reason, run.lease_until) == ("cancelled", "cancelled", None)
    else:
        assert (run.status, run.claimed_by) == ("planning", "another")


def seen(heads: threading.Event) -> Callable[[Bounds, httpx2.Response], None]:
    """Return the hook for the head of a reply, which says that one has come."""
    real = Bounds.__call__

    def hook(bounds: Bounds, response: httpx2.Response) -> None:
        real(bounds, response)
        heads.set()

    return hook


def test_a_name_that_the_provider_gave_is_on_record(world: World) -> None:
    """The head has come, and the body is on its way: seen by the planner before the run ends."""
    never, heads = threading.Event(), threading.Event()
    with claude([Answer(200, REPLY.body, cut=40, stall=never)]) as server:
        run = begin(world)
        with mock.patch.object(Bounds, "__call__", seen(heads)), asked(run, heads.is_set):
            cancelled(world, run)
        never.set()
        assert len(server.requests) == 1
    assert [one["provider_request_id"] for one in told(run, "turn.discarded")] == ["req_0001"]


def test_it_does_not_ask_again_when_it_was_told_to_wait(world: World) -> None:
    busy = error(529, "overloaded_error", "Overloaded", retry_after="2")
    with claude([busy, REPLY, REPLY]) as server:
        run = begin(world)
        with asked(run, lambda: server.requests):
            cancelled(world, run)
    assert len(server.requests) == 1
    assert [one["error_code"] for one in told(run, "turn.discarded")] == ["abandoned"]


def test_a_planner_that_is_waited_for_waits(world: World) -> None:
    slow = threading.Event()
    with claude([Answer(200, REPLY.body, gate=slow)]) as server:
        run = begin(world)
        kept = mock.Mock(wraps=tasks.planning.orchestrator.keep)
        with mock.patch.object(tasks.planning.orchestrator, "keep", kept), asked(run, lambda: server.requests):
            until(lambda: kept.call_count >= 3, what="three heartbeats")
            slow.set()
    run.refresh_from_db()
    assert (run.status, run.turn_count, told(run, "turn.discarded")) == ("waiting", 1, [])


def test_the_next_turn_of_the_same_planner_is_asked_as_ever(world: World) -> None:
    never = threading.Event()
    with claude([Answer(200, REPLY.body, gate=never), REPLY]) as server:
        first, second = begin(world), begin(world)
        with asked(first, lambda: server.requests):
            cancelled(world, first)
        never.set()
        with asked(second, lambda: len(server.requests) == 2):
            pass
    second.refresh_from_db()
    assert (second.status, second.turn_count) == ("waiting", 1)


def test_over_tls_too(tmp_path: Path) -> None:
    """The socket that is shut is the one that another thread reads, through OpenSSL."""
    file = certificate(tmp_path, "localhost")
    trusted = ssl.create_default_context(cafile=str(file))
    listener = socket.create_server(("127.0.0.1", 0))
    address, ends = f"https://localhost:{listener.getsockname()[1]}", list[str]()
    lines = list[Line]()

    def ask() -> None:
        with line.held() as held, httpx2.Client(event_hooks={"request": [line.follow]}, verify=trusted) as client:
            lines.append(held)
            try:
                client.get(address, timeout=60)
            except httpx2.TransportError as told:
                ends.append(type(told).__name__)

    asking = threading.Thread(target=ask)
    asking.start()
    with listener, context_of(file).wrap_socket(listener.accept()[0], server_side=True) as silent:
        assert silent.recv(10_000).startswith(b"GET")
        lines[0].cut()
        asking.join(20)
        assert ends and not asking.is_alive()
        assert silent.recv(1) == b"", "the server sees that nobody is there"
