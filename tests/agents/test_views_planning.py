"""What people read of a run whose agent cannot be asked, or whose reply is no use."""

from datetime import timedelta
from unittest import mock

import pytest

from agents import orchestrator, runs, tasks
from agents.models import AgentRun
from audit import clock
from tests.agents.claude_runs import BUSY, begin, claude, plan, plan_later, write
from tests.agents.pages import client_of, text_of
from tests.claude_server import Answer, error, message, text
from tests.world import World

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>\u202e"


def page(world: World, run: AgentRun) -> str:
    """Return what the requester reads of the run."""
    response = client_of(world.riley).get(f"/runs/{run.pk}/")
    assert response.status_code == 200
    return " ".join(text_of(response).split())


def test_a_run_that_waits_for_another_try_says_what_failed_and_when_it_goes_on(world: World) -> None:
    with claude([BUSY, message(write())]):
        run = plan(begin(world))
        read = page(world, run)
        assert "The agent will be asked again." in read and "The agent is thinking" not in read
        assert "answered 529, overloaded_error, Overloaded (request req_0001). That was try 1 of 6; the next is" in read
        assert "The planner had no reply" in read
        told = client_of(world.riley).get(f"/api/m1/runs/{run.pk}").json()
        assert "(request req_0001)" in told["problem"]
        read = page(world, plan_later(run))
    assert "529" not in read and "request req_0002" in read and "waits until every call" in read


def test_a_worker_that_fell_silent_is_said_while_another_thinks(world: World) -> None:
    run = begin(world)
    assert orchestrator.take(run.pk, worker="dead")
    later = clock.now() + timedelta(seconds=runs.lease_seconds() + 1)
    with mock.patch("audit.clock.now", lambda: later):
        assert orchestrator.take(run.pk, worker="next")
    read = page(world, run)
    assert "The agent is thinking" in read and "The worker fell silent" in read


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            error(400, "invalid_request_error", HOSTILE),
            "answered 400, invalid_request_error, <script>alert(1)</script>",
        ),
        (message(text("Not with me."), stop_reason="refusal"), "The model refused. Not with me. (request req_0001)"),
        (
            message(write(), stop_reason="max_tokens"),
            "The reply was cut off (max_tokens), so nothing in it was proposed",
        ),
        (message(write(), stop_reason=HOSTILE), "does not know the stop reason"),
        (message(stop_reason="tool_use"), "stopped for tool calls but asked for none"),
        (message(write(), write()), "Two tool calls have the same id"),
        (Answer(200, b"<html>Log in to the hotel</html>"), "the reply is not one of the Messages API"),
    ],
)
def test_every_end_is_told_in_words_with_the_providers_request(world: World, answer: Answer, words: str) -> None:
    with claude([answer]):
        run = plan(begin(world))
    response = client_of(world.riley).get(f"/runs/{run.pk}/")
    read = " ".join(text_of(response).split())
    assert "Failed:" in read and words in read and "(request req_0001)" in read
    assert "<script>alert" not in response.content.decode() and "\u202e" not in read


def test_a_reply_that_came_too_late_is_on_the_page(world: World) -> None:
    with claude([message(write())]):
        run = begin(world)
        conversation = orchestrator.take(run.pk, worker="slow")
        assert conversation is not None
        reply = tasks._planner("claude").next_turn(conversation)
    runs.cancel(run.pk, actor=world.riley, reason="Enough.")
    orchestrator.record(run.pk, reply, worker="slow")
    read = page(world, run)
    assert "A reply of the planner came too late and was thrown away" in read and "Enough." in read
