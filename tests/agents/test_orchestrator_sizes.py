"""Replies beyond all measure: each is denied or ends the run in words, its page can be read, and the model is told."""

import json
from typing import Any

import pytest

from tests.agents.claude_runs import begin, claude, end_of, last_message, plan
from tests.agents.pages import client_of
from tests.claude_server import Answer, message, text, tool_use
from tests.world import World

pytestmark = pytest.mark.django_db
MANY = 500_000


def use(arguments: str, name: str = "files__write") -> Answer:
    """Return a call whose arguments are these characters."""
    answer = message(tool_use("toolu_1", name, "ARGUMENTS"))
    return Answer(200, answer.body.replace(b'"ARGUMENTS"', arguments.encode()))


@pytest.mark.parametrize(
    "arguments",
    [
        json.dumps({"path": "a", "content": "x" * MANY, "reason": "r"}),
        json.dumps({"path": "a" * MANY, "content": "", "reason": "r"}),
        '{"path":"a","content":' + "[" * 400 + "]" * 400 + ',"reason":"r"}',
        '{"path":"a","content":"","reason":"r",' + ",".join(f'"k{n}":1' for n in range(20_000)) + "}",
        '{"path":"a","content":' + "9" * MANY + ',"reason":"r"}',
        json.dumps({"path": "a", "content": "", "x": "", "reason": "r" * MANY}),
    ],
    ids=["content", "path", "nesting", "keys", "number", "reason"],
)
def test_arguments_beyond_all_measure_are_denied_and_the_run_goes_on(world: World, arguments: str) -> None:
    with claude([use(arguments), message(text("Sorry."))]) as server:
        run = plan(begin(world), 2)
    (call,) = run.tool_calls.all()
    assert (call.status, end_of(run)) == ("denied", ("completed", "answered"))
    (result,) = last_message(server)["content"]
    assert result["is_error"] and len(result["content"]) < 10_000
    look(world, run.pk, call.pk)


@pytest.mark.parametrize(
    "answer",
    [
        message(text("x" * MANY)),
        message(text("x" * MANY), stop_reason="refusal"),
        message(text("Hi."), stop_reason="x" * 300_000),
        message(text("Hi."), model="x" * 300_000, id="y" * 300_000),
        message(*[text("x")] * 5_000),
        message(text("Hi."), stop_reason="refusal", stop_details={"explanation": "x" * MANY, "category": "y" * MANY}),
        use("{}", name="n" * MANY),
    ],
    ids=["answer", "refusal", "stop reason", "names", "blocks", "explanation", "tool"],
)
def test_words_beyond_all_measure_end_the_run_or_the_call_and_can_be_read(world: World, answer: Answer) -> None:
    with claude([answer, message(text("Sorry."))]):
        run = plan(begin(world), 2)
    assert run.status in ("completed", "failed") and len(run.problem) <= 4_000
    look(world, run.pk)


def look(world: World, run: Any, call: Any = None) -> None:
    """Open the pages as the requester; they come, and are shorter than the reply."""
    client = client_of(world.riley)
    for path in (f"/runs/{run}/", "/runs/", f"/api/m1/runs/{run}", *([f"/approvals/{call}/"] if call else [])):
        answer = client.get(path)
        assert (answer.status_code, len(answer.content) < MANY) == (200, True), path
