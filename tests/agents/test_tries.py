"""A further try belongs to the same claim, the same key and a tool that may be run twice; nobody else gets one."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from agents import tasks
from agents.executing import tries
from agents.executing.lease import Lease
from agents.models import Execution, ToolCall
from agents.runs import cancel
from agents.sandbox.values import Result
from audit.models import AuditEvent
from policy import allowlist, registry
from tests.agents import steps
from tests.agents.steps import approved, events, publish
from tests.world import POLICY, TOOLS, World

pytestmark = pytest.mark.django_db
MODULES = [*TOOLS, "tests.tools.shaky"]
SHAKY = ["shaky.idempotent", "shaky.other"]
NO_WAIT = (0.01, 0.01)


@pytest.fixture(autouse=True)
def shaky(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the tools that ask to be run again, in an executor that does not wait between tries."""
    for version in allowlist.sync(MODULES):
        if version.tool.name in SHAKY:
            allowlist.enable(version.pk, actor="system:cli")
    publish(world, POLICY.replace("tools: [files.write]", f"tools: [files.write, {', '.join(SHAKY)}]"))
    definitions = registry.load(MODULES)
    monkeypatch.setattr(tasks, "definitions", lambda: definitions)
    monkeypatch.setattr(tries.time, "sleep", lambda seconds: None)
    yield


def executed(world: World, tool: str, path: Path, failures: int, words: str = "busy") -> ToolCall:
    """Return a call of the tool after an executor had it."""
    call = approved(world, tool=tool, arguments={"path": str(path), "failures": failures, "words": words})
    tasks.execute(str(call.pk))
    call.refresh_from_db()
    return call


@pytest.mark.parametrize(
    ("tool", "failures", "status", "begun", "code"),
    [
        ("shaky.idempotent", 0, "succeeded", 1, ""),
        ("shaky.idempotent", 1, "succeeded", 2, ""),
        ("shaky.idempotent", 2, "succeeded", 3, ""),
        ("shaky.idempotent", 3, "failed", 3, "unfinished"),
        ("shaky.idempotent", 99, "failed", 3, "unfinished"),
        ("shaky.other", 1, "failed", 1, "unfinished"),
    ],
)  # fmt: skip
def test_a_tool_is_run_again_if_it_asks_and_may(
    world: World, tmp_path: Path, tool: str, failures: int, status: str, begun: int, code: str
) -> None:
    call = executed(world, tool, tmp_path / "tries", failures)
    assert (call.status, call.execution.error_code, call.execution.tries) == (status, code, begun)
    assert (tmp_path / "tries").read_text().splitlines() == [str(call.pk)] * begun
    assert events(call).count("tool_call.retried") == begun - 1
    assert events(call).count("tool_call.executing") == events(call).count(f"tool_call.{status}") == 1
    assert AuditEvent.objects.filter(action="token.consumed").count() == 1


def test_what_a_tool_says_between_tries_is_bounded_and_shows_what_is_hidden(world: World, tmp_path: Path) -> None:
    call = executed(world, "shaky.other", tmp_path / "tries", 1, words="a\u202eb" + "x" * 9_000)
    assert "\u202e" not in call.execution.error and "⟦U+202E" in call.execution.error
    assert len(call.execution.error) <= 2_000


@pytest.mark.parametrize("when", ["cancelled", "lost", "taken over"])
def test_nothing_is_run_again_for_a_call_that_is_not_ours_any_more(world: World, tmp_path: Path, when: str) -> None:
    def meanwhile(seconds: float) -> None:
        if when == "cancelled":
            cancel(call.run_id, actor=world.riley)
        elif when == "lost":
            ToolCall.objects.filter(pk=call.pk).update(status="lost")
        else:
            Execution.objects.filter(pk=call.pk).update(claimed_by="another")

    path = tmp_path / "tries"
    call = approved(world, tool="shaky.idempotent", arguments={"path": str(path), "failures": 2})
    with mock.patch.object(tries.time, "sleep", meanwhile):
        tasks.execute(str(call.pk))
    assert len(path.read_text().splitlines()) == 1
    call.refresh_from_db()
    assert call.status == {"cancelled": "cancelled", "lost": "lost", "taken over": "executing"}[when]
    assert "tool_call.retried" not in events(call)
    assert ("tool_call.late_result" in events(call)) is (when != "cancelled")


def test_the_key_is_the_request_id_and_nothing_of_the_first_try_is_left_for_the_second(
    world: World, tmp_path: Path
) -> None:
    with mock.patch.dict(os.environ, {"M1_REQUEST_ID": "somebody else's"}):
        call = executed(world, "shaky.idempotent", tmp_path / "tries", 1)
    assert set((tmp_path / "tries").read_text().split()) == {str(call.pk)}
    assert steps.token_of(call).uses == 1


def test_a_further_try_that_comes_too_late_is_not_begun_and_does_not_hide_the_one_before(
    world: World, tmp_path: Path
) -> None:
    arguments = {"path": str(tmp_path / "tries"), "failures": 1, "words": "busy"}
    claimed = steps.claim(approved(world, tool="shaky.idempotent", arguments=arguments))
    lease = Lease(lambda: True)

    def freeze(number: int, before: Result) -> bool:
        lease.until = 0.0
        return True

    assert claimed is not None
    limits = tasks.limits_of(claimed.definition)
    result = tries.run(claimed, limits=limits, environment=os.environ, lease=lease, retried=freeze)
    assert (result.error_code, result.error) == ("cancelled", "Stopped before try 2. busy")
    assert len((tmp_path / "tries").read_text().splitlines()) == 1
