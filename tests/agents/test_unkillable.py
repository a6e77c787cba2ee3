"""A tool that cannot be killed: its call is not `cancelled`, since something of it may still act. A person looks."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from agents import tasks, tool_calls
from agents.executing import losing, previews
from agents.models import Execution, ToolCall
from agents.sandbox import process
from agents.sandbox.host import end_marked
from audit.models import AuditPayload
from tests.agents import executor, steps, test_sandbox
from tests.agents.pages import client_of, path_of, text_of
from tests.agents.steps import approved, events
from tests.agents.test_sandbox import within
from tests.killing import is_alive
from tests.people import until
from tests.silent_disk import SilentDisk, silent_disk, why_none
from tests.world import World

MARK = f"TMPDIR=/tmp/m1-tool-{uuid4()}"
# Each link forks the next one and ends: there is always one, and none is there for long. It ends with the file.
LINK = "import os, sys\nwhile not os.path.exists(sys.argv[1]):\n    if os.fork():\n        os._exit(0)"
# Holds no mark itself, and waits for all that nobody else waits for.
CHAINS = """
import ctypes, os, signal, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
marked = {"TMPDIR": sys.argv[1].partition("=")[2]}
for _ in range(4):
    subprocess.Popen([sys.executable, "-S", "-c", *sys.argv[2:]], env=marked)
os.waitpid(-1, 0)
"""


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentDisk]:
    if why := why_none(tmp_path / "try"):
        pytest.skip(why)
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.5)
    with silent_disk(tmp_path / "silent") as found:
        yield found


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(os.environ.get("M1_TEST_DATABASE") == "sqlite", reason="needs PostgreSQL")
def test_a_stopped_call_whose_tool_cannot_be_killed_is_lost_and_not_cancelled(
    world: World, monkeypatch: pytest.MonkeyPatch, disk: SilentDisk, caplog: pytest.LogCaptureFixture
) -> None:
    executor.give(world, monkeypatch, "hostile.look_at")
    call = approved(world, tool="hostile.look_at", arguments={"path": str(disk.place)})

    worker = executor.at_work(call)
    victim = disk.victim(30)
    tool_calls.cancel(call.pk, actor=world.riley, reason="It is wrong.")
    worker.join(30)
    assert is_alive(victim), "else this test shows nothing"
    call = ToolCall.objects.select_related("execution").get(pk=call.pk)
    assert (call.status, call.note, call.execution.error_code) == ("lost", losing.ALIVE, "not_confirmed_dead")
    assert (call.execution.finished_at, call.ended_at, call.run.waiting_for) == (None, None, "calls")
    assert events(call)[-2:] == ["tool_call.stop_asked", "tool_call.lost"]
    payloads = [bytes(body) for body in AuditPayload.objects.values_list("body", flat=True)]
    assert b'{"error_code":"not_confirmed_dead"}' in payloads
    (said,) = [one for one in caplog.records if "could not be killed" in one.getMessage()]
    assert said.levelno == logging.ERROR and "TMPDIR=" in said.getMessage()
    assert losing.ALIVE in text_of(client_of(world.ava).get(path_of(call)))
    disk.end()
    until(lambda: not is_alive(victim), what="the end of the tool")
    tool_calls.settle(call.pk, actor=steps.fresh(world.ava), outcome="failed", note="It has ended now.")


def test_nothing_is_said_about_a_tool_that_could_not_be_killed_but_that(disk: SilentDisk) -> None:
    """Not even that it timed out: whoever reads a result takes it that the tool has ended."""
    asking = threading.Thread(target=disk.victim, args=[30])
    asking.start()
    with pytest.raises(test_sandbox.running.StillAliveError):
        test_sandbox.call("hostile.look_at", limits=within(seconds=1), path=str(disk.place))
    asking.join()
    assert test_sandbox.call("hostile.sleep", seconds=0.0).ok, "the worker goes on"


@pytest.mark.django_db
def test_a_preview_that_cannot_be_killed_is_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def still_alive(*_: object, **__: object) -> None:
        raise test_sandbox.running.StillAliveError

    call = steps.ask(world)
    monkeypatch.setattr(previews.running, "run", still_alive)
    previews.make(call.pk, tasks.definitions(), tasks.limits_of)
    call.refresh_from_db()
    assert (call.preview_state, call.preview) == ("failed", str(test_sandbox.running.StillAliveError()))


@pytest.mark.django_db
def test_a_call_that_is_not_this_workers_any_more_is_not_lost_by_it(world: World) -> None:
    call = approved(world)
    steps.claim(call)
    assert not losing.lose_alive(call.pk, "not_confirmed_dead", worker="another")
    assert steps.run_to(call)
    assert not losing.lose_alive(call.pk, "not_confirmed_dead", worker="worker")
    assert (events(call)[-1], Execution.objects.get(pk=call.pk).error_code) == ("tool_call.succeeded", "")


@pytest.fixture
def sleepers() -> Iterator[None]:
    """Twenty processes that hold the mark and do nothing."""
    many = [subprocess.Popen(["/bin/sleep", "60"], env=dict([MARK.split("=")])) for _ in range(20)]
    yield
    for one in many:
        one.kill()
        one.wait()


@pytest.fixture
def chains(tmp_path: Path) -> Iterator[None]:
    """Processes that hold the mark and are gone before anybody can kill them; their children are there instead."""
    stop = tmp_path / "stop"
    with subprocess.Popen([sys.executable, "-c", CHAINS, MARK, LINK, str(stop)]) as chain:
        try:
            until(holders, what="the first links")
            yield
        finally:
            stop.touch()
            chain.wait()


def test_all_that_hold_the_mark_are_dead_when_that_is_said(sleepers: None) -> None:
    assert len(until(holders)) > 0
    assert end_marked(MARK.encode(), 5) is True
    assert holders() == []
    assert end_marked(MARK.encode(), 5) is True, "none at all"


@pytest.mark.parametrize("times", range(3))
def test_those_that_come_and_go_too_fast_are_not_taken_for_dead(chains: None, times: int) -> None:
    """They may well be too fast for us; then that is what we say."""
    is_said = end_marked(MARK.encode(), 0.5)
    left = [pid for _ in range(20) for pid in holders()]
    assert not (is_said and left)


def holders() -> list[int]:
    """Return the processes that hold the mark."""
    files = Path("/proc").glob("[0-9]*/environ")
    return [int(file.parent.name) for file in files if MARK.encode() in read(file).split(b"\0")]


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
