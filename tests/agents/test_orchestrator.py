"""Turns of a run that Claude plans: through the task, the real SDK and a server that refuses what the API refuses."""

import json

import pytest
from django.db import transaction

from agents import runs
from agents.models import Agent, Outbox
from audit import clock
from tests.agents import steps
from tests.agents.claude_runs import begin, claude, end_of, last_message, plan, waits, write
from tests.agents.steps import events
from tests.claude_server import Answer, message, text, tool_use
from tests.world import World, turn_wheels

pytestmark = pytest.mark.django_db
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


def test_a_paused_turn_goes_on_without_a_user_message(world: World) -> None:
    with claude([message(text("Still at it."), stop_reason="pause_turn"), message(text("Done."))]) as server:
        run = plan(begin(world))
        assert (run.status, run.lease_until, len(waits(run))) == ("planning", None, 1)
        run = plan(run)
    assert (run.answer, *end_of(run)) == ("Done.", "completed", "answered")
    assert [one["role"] for one in server.requests[1].json["messages"]] == ["user", "assistant"]
    assert run.turns.get(number=2).request == ""


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
