"""Turns of a run that Claude plans: through the task, the real SDK and a server that refuses what the API refuses."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.db import connection, transaction
from django.test import override_settings
from uuid_utils.compat import uuid7

from agents import orchestrator, runs, tasks
from agents.models import Agent, AgentRun, Outbox, ToolCall, Turn
from agents.planners.base import PlannerError
from audit import clock
from tests.agents import steps
from tests.agents.steps import events
from tests.claude_server import KEY, Answer, ClaudeServer, Script, error, message, overloaded, text, tool_use
from tests.world import World, turn_wheels

pytestmark = pytest.mark.django_db
COST = Decimal("0.0008")  # 100 tokens in at 4 dollars a million, 20 out at 20
BUSY = error(529, "overloaded_error", "Overloaded")
OVER = error(500, "api_error", "asked once too often")
IMPOSSIBLE = [
    ("files__write", '{"path":"a","path":"b","content":"","reason":"r"}', "not usable JSON"),
    ("files__write", '{"path":"a","content":"\\ud800","reason":"r"}', "not usable JSON"),
    ("files__write", '[{"reason":"r"}]', "must be a JSON object"),
    ("files__write", '{"path":7,"content":"","reason":"r"}', "must be text"),
    ("files__write", '{"path":"a","content":"","mode":"x","reason":"r"}', "unknown fields"),
    ("files__write", '{"path":"a","content":""}', "reason"),
    ("files__write", '{"path":"a","content":"","reason":"  "}', "no `reason`"),
    ("files__write", '{"path":"a","content":"","reason":["r"]}', "reason"),
    ("files__format", '{"reason":"r"}', "no tool named"),
    ("rm -rf", '{"reason":"r"}', "no tool named"),
    ("files__delete", '{"path":"archive/ledger.csv","reason":"r"}', "kept for seven years"),
]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave every further attempt to M1; the SDK's own have tests with the planner."""
    monkeypatch.setattr(tasks, "MODEL_RETRIES", 0)


@contextmanager
def claude(script: Script) -> Iterator[ClaudeServer]:
    """Put the script behind the address that M1 is configured with."""
    with ClaudeServer(script) as server, override_settings(ANTHROPIC_BASE_URL=server.url, ANTHROPIC_API_KEY=KEY):
        tasks._planner.cache_clear()
        yield server
    tasks._planner.cache_clear()


def begin(world: World, **fields: Any) -> AgentRun:
    """Begin a run of an agent that Claude plans."""
    wanted = {"planner": "claude", "model": "claude-opus-5-5", "budget_usd": 5} | fields
    Agent.objects.filter(pk=world.agent.pk).update(**wanted)
    world.agent.refresh_from_db()
    return world.run()


def plan(run: AgentRun, times: int = 1) -> AgentRun:
    """Deliver the message that many times, and return the run as it is then."""
    for _ in range(times):
        tasks.plan(str(run.pk))
    return AgentRun.objects.get(pk=run.pk)


def write(use_id: str = "toolu_1", path: str = "reports/may.txt", **fields: Any) -> dict[str, Any]:
    """Return a call of files.write as Claude asks for it."""
    return tool_use(use_id, "files__write", {"path": path, "content": "Hello", "reason": "It is due."} | fields)


def listing() -> Answer:
    """Return a call that policy denies at once, so that the run goes straight on: the agent names no reason."""
    return message(tool_use("toolu_1", "files__list", {"path": "."}))


def last_message(server: ClaudeServer) -> dict[str, Any]:
    """Return the last message of the last request."""
    found: dict[str, Any] = server.requests[-1].json["messages"][-1]
    return found


def end_of(run: AgentRun) -> tuple[str, str]:
    """Return how the run ended, having checked that nothing of it is left over."""
    assert not Outbox.objects.filter(key=run.pk).exists()
    assert (run.lease_until, run.claimed_by, run.waiting_for) == (None, "", "")
    assert events(run)[-1] == f"run.{run.status}"
    return run.status, run.end_reason


def waits(run: AgentRun) -> list[timedelta]:
    """Return in how long the messages that wait for the run are sent."""
    return [row.next_at - clock.now() for row in Outbox.objects.filter(task="agents.plan", key=run.pk)]


def test_a_run_goes_from_calls_through_people_to_an_answer(world: World) -> None:
    asked = message(text("I write two files."), write("toolu_a", "a/new.txt"), write("toolu_b", "b/new.txt"))
    with claude([asked, message(text("One is written."))]) as server:
        run = begin(world)
        turn_wheels(world)
        first, second = run.tool_calls.order_by("position")
        assert (first.status, first.tool_name, first.reason) == ("pending", "files.write", "It is due.")
        revision = first.revisions.get()
        assert bytes(revision.arguments) == b'{"content":"Hello","path":"a/new.txt"}'
        steps.reject(second, world.ava, comment="Folder b is frozen.")
        assert plan(run).status == "waiting" and len(server.requests) == 1  # one call is still open
        steps.approve(first, world.ava)
        turn_wheels(world)
    run.refresh_from_db()
    assert (run.answer, *end_of(run)) == ("One is written.", "completed", "answered")
    assert (world.root / "a/new.txt").read_text() == "Hello"
    assert not (world.root / "b").exists()
    assert [one["role"] for one in server.requests[1].json["messages"]] == ["user", "assistant", "user"]
    done, rejected = last_message(server)["content"]
    assert (done["tool_use_id"], rejected["tool_use_id"]) == ("toolu_a", "toolu_b")
    assert "is_error" not in done and json.loads(done["content"])["path"] == "a/new.txt"
    assert rejected["is_error"] and "Folder b is frozen." in rejected["content"]
    assert events(run) == ["run.created", "turn.recorded", "run.waiting", "run.resumed", "turn.recorded",
                           "run.completed"]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "reason", "problem"),
    [
        (message(text("I will not."), stop_reason="refusal"), "refused", "The model refused. I will not."),
        (message(write(), stop_reason="refusal"), "refused", "The model refused."),
        (message(write(), stop_reason="max_tokens"), "model_error", "cut off (max_tokens)"),
        (message(write(), stop_reason="model_context_window_exceeded"), "model_error", "cut off"),
        (message(write(), stop_reason="end_turn"), "model_error", "none was proposed"),
        (message(write(), stop_reason="compaction"), "model_error", "does not know the stop reason"),
        (message(write(), write()), "model_error", "same id"),
        (error(400, "invalid_request_error", "prompt is too long"), "model_error", "(request req_0001)"),
        (Answer(200, b"<html>"), "model_error", "(request req_0001)"),
    ],
)
def test_a_reply_that_is_no_turn_ends_the_run_and_proposes_nothing(
    world: World, answer: Answer, reason: str, problem: str
) -> None:
    with claude([answer]):
        run = plan(begin(world))
    assert end_of(run) == ("failed", reason)
    assert problem in run.problem
    assert not ToolCall.objects.exists()
    assert run.turn_count == run.turns.count() == (0 if "request" in problem else 1)


def test_a_paused_turn_goes_on_without_a_user_message(world: World) -> None:
    with claude([message(text("Still at it."), stop_reason="pause_turn"), message(text("Done."))]) as server:
        run = plan(begin(world))
        assert (run.status, run.lease_until, len(waits(run))) == ("planning", None, 1)
        run = plan(run)
    assert (run.answer, *end_of(run)) == ("Done.", "completed", "answered")
    assert [one["role"] for one in server.requests[1].json["messages"]] == ["user", "assistant"]
    assert run.turns.get(number=2).request == ""


def test_a_busy_provider_is_asked_again_later_and_not_for_ever(world: World) -> None:
    with claude(lambda _: BUSY) as server:
        run = begin(world)
        for tries in range(1, orchestrator.MAX_TRIES):
            run = plan(run)
            assert (run.status, run.lease_until, run.claimed_by, run.planner_failures) == ("planning", None, "", tries)
            (wait,) = waits(run)
            assert timedelta(seconds=5 * 2**tries - 5) < wait <= timedelta(seconds=5 * 2**tries)
        run = plan(run)
        plan(run)
    assert end_of(run) == ("failed", "model_error")
    assert "529" in run.problem and run.problem.endswith(f"(request req_{orchestrator.MAX_TRIES:04d})")
    assert len(server.requests) == orchestrator.MAX_TRIES and not run.turns.exists()


@pytest.mark.parametrize(("answer", "seconds"), [(overloaded(), 10), (error(429, "x", "x", retry_after="600"), 600)])
def test_a_wait_that_the_provider_names_is_kept_and_a_short_one_does_not_use_up_the_tries(
    world: World, answer: Answer, seconds: int
) -> None:
    with claude([answer]):
        (wait,) = waits(plan(begin(world)))
    assert timedelta(seconds=seconds - 5) < wait <= timedelta(seconds=seconds)


def test_a_turn_that_works_forgets_earlier_failures(world: World) -> None:
    with claude([BUSY, BUSY, message(write())]):
        run = plan(begin(world), 3)
    assert (run.status, run.waiting_for, run.planner_failures, waits(run)) == ("waiting", "calls", 0, [])


def test_a_message_that_comes_again_later_makes_no_second_turn(world: World) -> None:
    with claude([message(write()), OVER]) as server:
        run = plan(begin(world), 3)
        assert (run.status, run.turns.count(), run.tool_calls.count()) == ("waiting", 1, 1)
        for forged in (str(uuid7()), "not an id", ""):
            tasks.plan(forged)
    assert len(server.requests) == 1


@pytest.mark.django_db(transaction=True)
def test_a_message_that_comes_to_four_workers_at_once_makes_one_turn(world: World) -> None:
    gate, barrier, ended = threading.Event(), threading.Barrier(4), threading.Semaphore(0)
    run = begin(world)

    def work() -> None:
        try:
            barrier.wait(30)
            tasks.plan(str(run.pk))
        finally:
            connection.close()
            ended.release()

    with claude(lambda _: Answer(200, message(write()).body, gate=gate)) as server:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        losers = [ended.acquire(timeout=30) for _ in range(3)]  # while the model is still thinking
        gate.set()
        for thread in threads:
            thread.join()
    assert all(losers) and len(server.requests) == 1
    run.refresh_from_db()
    assert (run.status, run.turn_count, run.turns.count(), run.tool_calls.count()) == ("waiting", 1, 1, 1)
    assert run.cost_usd == COST
    assert not Outbox.objects.filter(task="agents.plan").exists()


def test_a_reply_under_a_lost_lease_stores_nothing(world: World) -> None:
    with claude(lambda _: message(write())):
        run = begin(world)
        conversation = orchestrator.take(run.pk, worker="slow")
        assert conversation is not None and orchestrator.take(run.pk, worker="hasty") is None
        reply = tasks._planner("claude").next_turn(conversation)
    later = clock.now() + timedelta(seconds=runs.lease_seconds() + 1)
    with mock.patch("audit.clock.now", lambda: later):
        assert orchestrator.take(run.pk, worker="next") is not None
    before = events(run)
    assert not orchestrator.keep(run.pk, worker="slow")
    assert orchestrator.record(run.pk, reply, worker="slow") is False
    orchestrator.give_up(run.pk, PlannerError(), worker="slow")
    assert (Turn.objects.count(), ToolCall.objects.count(), events(run)) == (0, 0, before)
    run.refresh_from_db()
    assert (run.status, run.claimed_by, run.turn_count, bool(run.cost_usd)) == ("planning", "next", 0, False)
    assert orchestrator.record(run.pk, reply, worker="next") is True
    assert orchestrator.record(run.pk, reply, worker="next") is False
    assert (Turn.objects.count(), ToolCall.objects.count()) == (1, 1)


def test_a_reply_to_a_run_that_was_cancelled_meanwhile_stores_nothing(world: World) -> None:
    with claude([message(write())]):
        run = begin(world)
        conversation = orchestrator.take(run.pk, worker="one")
        assert conversation is not None
        reply = tasks._planner("claude").next_turn(conversation)
    runs.cancel(run.pk, actor=world.riley)
    assert orchestrator.record(run.pk, reply, worker="one") is False
    orchestrator.give_up(run.pk, PlannerError(retryable=True), worker="one")
    run.refresh_from_db()
    assert end_of(run) == ("cancelled", "cancelled")
    assert not run.turns.exists()


def test_calls_that_cannot_be_are_denied_and_the_model_is_told_why(world: World) -> None:
    asked = message(*[tool_use(f"toolu_{n}", name, f"ARGUMENTS {n}.") for n, (name, _, _) in enumerate(IMPOSSIBLE)])
    body = asked.body
    for n, (_, arguments, _) in enumerate(IMPOSSIBLE):
        body = body.replace(f'"ARGUMENTS {n}."'.encode(), arguments.encode())
    with claude([Answer(200, body), message(text("Sorry."))]) as server:
        run = plan(begin(world))
        assert (run.status, len(waits(run))) == ("planning", 1)
        calls = list(run.tool_calls.order_by("position"))
        for call in calls:
            assert (call.status, call.preview_state, events(call)) == ("denied", "none", ["tool_call.denied"])
        assert Outbox.objects.count() == 1
        run = plan(run)
    assert end_of(run) == ("completed", "answered")
    for n, result in enumerate(last_message(server)["content"]):
        name, _, told = IMPOSSIBLE[n]
        assert (result["tool_use_id"], result["is_error"]) == (f"toolu_{n}", True)
        assert "policy denied" in result["content"] and told in result["content"], (name, result)
        assert told in calls[n].note


def test_calls_over_the_limit_of_a_turn_are_denied_and_every_one_is_answered(world: World) -> None:
    asked = message(*[write(f"toolu_{number}", f"{number}.txt") for number in range(33)])
    with claude([asked, message(text("Fewer, then."))]) as server:
        Agent.objects.update(max_pending=100)
        run = plan(begin(world))
        *fine, over = run.tool_calls.order_by("position")
        assert ({call.status for call in fine}, over.status) == ({"pending"}, "denied")
        run.tool_calls.filter(status="pending").update(status="expired", ended_at=clock.now())
        with transaction.atomic():
            assert runs.resume_if_rested(runs.lock(run.pk))
        plan(run)
    results = last_message(server)["content"]
    assert [one["tool_use_id"] for one in results] == [f"toolu_{number}" for number in range(33)]
    assert "32 calls at most" in results[-1]["content"]


def test_cost_and_tokens_are_counted_once(world: World) -> None:
    usage = {"input_tokens": 100, "output_tokens": 20, "cache_read_input_tokens": 1000,
             "cache_creation_input_tokens": 10}  # fmt: skip
    with claude([BUSY, listing(), message(text("Done."), usage=usage)]):
        run = plan(begin(world), 6)
    first, second = run.turns.all()
    assert (first.cost_usd, first.input_tokens, first.output_tokens) == (COST, 100, 20)
    assert (float(first.rates["input"]), float(first.rates["output"])) == (4, 20)
    assert first.cost_usd and second.cost_usd and second.cost_usd > COST
    assert second.cache_read_tokens == 1000 and second.cache_write_5m_tokens == 10
    assert (run.cost_usd, run.tokens_used) == (first.cost_usd + second.cost_usd, 120 + 1130)
    assert (first.provider_request_id, second.provider_request_id) == ("req_0002", "req_0003")
    assert (first.is_scripted, first.model, first.message_id) == (False, "claude-opus-5-5", "msg_loopback")


@pytest.mark.parametrize(
    ("fields", "is_tracked", "reason"),
    [
        ({"budget_usd": Decimal("0.01")}, True, "budget"),  # 0.04 dollars spent
        ({"budget_usd": Decimal("0.04")}, True, "budget"),
        ({"budget_usd": Decimal("0.05")}, True, ""),
        ({"budget_usd": Decimal("0.01")}, False, ""),
        ({"token_limit": 10_000}, True, ""),
        ({"token_limit": 10_000}, False, "budget"),
        ({"token_limit": 10_001}, False, ""),
        ({"token_limit": 10_000, "model": "llama3"}, True, "budget"),
        ({"max_turns": 1}, True, "turn_limit"),
        ({"max_turns": 2}, True, ""),
    ],
)
def test_what_is_spent_ends_the_run_before_the_model_is_asked_again(
    world: World, fields: dict[str, Any], is_tracked: bool, reason: str
) -> None:
    usage = {"input_tokens": 10_000, "output_tokens": 0}
    model = fields.get("model", "claude-opus-5-5")
    first = message(tool_use("toolu_1", "files__list", {}), usage=usage, model=model)
    with claude([first, message(text("Done."), model=model)]) as server, override_settings(
        COST_TRACKING_ENABLED=is_tracked
    ):  # fmt: skip
        run = plan(begin(world, **fields), 2)
    is_priced = is_tracked and model == "claude-opus-5-5"
    turn = run.turns.get(number=1)
    assert (turn.cost_usd, bool(turn.rates)) == (Decimal("0.04") if is_priced else None, is_priced)
    assert turn.input_tokens == 10_000 and (run.cost_usd > 0) == is_priced
    assert end_of(run) == (("failed", reason) if reason else ("completed", "answered"))
    assert len(server.requests) == (1 if reason else 2) and bool(run.problem) == bool(reason)
