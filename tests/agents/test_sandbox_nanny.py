"""One nanny serves many tools, and none of them learns of another, or keeps it from the next."""

from __future__ import annotations

import json
import os
import secrets
import signal
from typing import Any

import pytest

from agents.sandbox import process
from agents.sandbox.values import Result
from policy import registry
from tests.agents import test_sandbox
from tests.agents.test_sandbox import LIMITS, REQUEST, is_alive, nothing_stays, within

__all__ = ["nothing_stays"]
test_sandbox.TOOLS.update(registry.load(["tests.tools.prying"]))


def call(name: str, **words: Any) -> Result:
    return test_sandbox.call(f"prying.{name}", **words)


def held() -> dict[str, int]:
    return dict(json.loads(call("hold", note="").output))


def test_a_nanny_stays_from_call_to_call_and_each_tool_is_a_process_of_its_own() -> None:
    first, second = held(), held()
    assert first["nanny"] == second["nanny"]
    assert first["tool"] != second["tool"]
    assert not is_alive(second["tool"])


def test_nothing_of_one_tool_is_in_the_memory_of_the_next() -> None:
    canary = f"canary-{secrets.token_hex(16)}"
    assert call("hold", note=canary, environment={"M1_TEST_GRANTED": canary}).ok
    assert json.loads(call("remember").output) == {"found": 0}


def test_a_tool_cannot_open_the_nanny() -> None:
    assert json.loads(call("open").output) == {"opened": []}


def test_the_kernel_shows_whose_process_it_is_and_no_secret() -> None:
    shown = json.loads(call("shown", environment={"M1_TEST_GRANTED": "secret"}).output)["shown"]
    assert [part.partition("=")[0] for part in shown] == ["TMPDIR", "M1_REQUEST_ID"]
    assert f"M1_REQUEST_ID={REQUEST}" in shown


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_nanny_that_was_killed_between_two_calls_is_replaced(number: int) -> None:
    nanny = held()["nanny"]
    ended = os.pidfd_open(nanny)
    os.kill(nanny, number)
    os.waitid(os.P_PIDFD, ended, os.WEXITED | os.WNOWAIT)
    os.close(ended)
    assert held()["nanny"] != nanny


def test_a_tool_that_kills_the_nanny_does_not_end_the_next_one() -> None:
    assert test_sandbox.call("hostile.kill_parent").error_code == "crashed"
    assert held()["tool"]


def test_a_tool_that_stops_the_nanny_is_stopped_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.5)
    before = held()["nanny"]
    result = call("stop_nanny", limits=within(seconds=0.5))
    assert (result.ok, result.error_code) == (False, "timeout")
    assert not is_alive(before)
    assert held()["nanny"] != before


def test_a_worker_that_forks_has_nannies_of_its_own() -> None:
    ours = held()["nanny"]
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.write(writing, b"%d" % held()["nanny"])
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reading, 20)) != ours
    assert held()["nanny"] == ours


def test_limits_of_one_tool_do_not_bind_the_next() -> None:
    assert test_sandbox.call("hostile.memory", limits=within(memory_mb=64), megabytes=100).error_code == "memory"
    assert test_sandbox.call("hostile.memory", limits=LIMITS, megabytes=100).ok
