"""What comes after a call has come to rest without it changes nothing, and whoever looks can see it."""

import json
from datetime import timedelta

import pytest

from agents import runs, tool_calls
from agents.models import Execution, ToolCall
from agents.sandbox.answer import not_begun
from agents.sandbox.values import Result
from tests.agents import steps, stuck
from tests.agents.pages import client_of, path_of, text_of
from tests.agents.steps import DONE, events
from tests.m1site.rest import Rest
from tests.world import World

pytestmark = pytest.mark.django_db
FAILED = Result(False, "", 0, "", False, "timeout", "It hung, with sesame in its words.")
OTHER = Result(True, '{"ok":false}', 12, "1" * 64, False, "", "")
WAYS = ["lost", "settled as failed", "settled as succeeded", "another worker's", "given in twice", "run cancelled"]


def rested(world: World, way: str) -> tuple[ToolCall, str]:
    """Return a call that has come to rest while its worker was cut off, and that worker's name."""
    if way == "given in twice":
        call = steps.approved(world)
        steps.claim(call)
        assert steps.run_to(call, result=OTHER)
        return call, "worker"
    call = stuck.run_cancelled_and_silent(world) if way == "run cancelled" else stuck.worker_silent(world)
    if way == "another worker's":
        return call, "another"
    from_beat(call)
    if way.startswith("settled"):
        tool_calls.settle(call.pk, actor=steps.fresh(world.sam), outcome=way.split()[-1], note="I looked.")
    return call, "worker"


def from_beat(call: ToolCall) -> None:
    assert stuck.sweeps.lose_silent() == 1
    call.refresh_from_db()


def everything(call: ToolCall) -> object:
    return ToolCall.objects.filter(pk=call.pk).values().get(), Execution.objects.filter(pk=call.pk).values().get()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("result", "words"),
    [(DONE, "the tool finished"), (FAILED, "the tool failed (timeout)"), (not_begun(), "the tool was not begun")],
    ids=["done", "failed", "not begun"],
)
def test_a_late_result_changes_nothing_and_everybody_who_looks_sees_it(
    world: World, way: str, result: Result, words: str
) -> None:
    call, worker = rested(world, way)
    before = everything(call)
    assert not steps.run_to(call, worker=worker, result=result)
    assert everything(call) == before
    assert events(call)[-1] == "tool_call.late_result"
    said = text_of(client_of(world.ava).get(path_of(call)))
    assert "Too late to count" in said and words in said
    (late,) = Rest(world.ava).get(f"tool-calls/{call.pk}").json()["lateResults"]
    assert (late["ok"], late["errorCode"]) == (result.ok, result.error_code)
    assert (late["outputBytes"], late["outputDigest"]) == (result.output_bytes, result.output_digest)
    assert "sesame" not in json.dumps(late) and "sesame" not in said


def test_a_call_that_was_settled_still_shows_what_came_before_and_after(world: World) -> None:
    call, _ = rested(world, "lost")
    assert not steps.run_to(call, result=FAILED)
    tool_calls.settle(call.pk, actor=steps.fresh(world.sam), outcome="failed", note="Nothing is there.")
    assert not steps.run_to(call)
    page = text_of(client_of(world.ava).get(path_of(call)))
    assert page.count("Too late to count") == 2
    assert page.index("the tool failed") < page.index("the tool finished")
    assert "settled by sam" in page


def test_a_cancelled_run_goes_nowhere_when_its_lost_call_is_settled(world: World) -> None:
    call, _ = rested(world, "run cancelled")
    tool_calls.settle(call.pk, actor=steps.fresh(world.sam), outcome="succeeded", note="It is there.")
    call.run.refresh_from_db()
    assert (call.run.status, events(call.run)[-1]) == ("cancelled", "run.cancelled")
    assert call.run.ended_at - call.created_at < timedelta(hours=1)
    assert runs.lock(call.run_id).end_reason == "cancelled"
