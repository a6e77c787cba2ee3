"""What is shown and told of an edit: a preview of these arguments, the changes side by side, the agent's answer."""

from unittest import mock

import pytest

from agents import orchestrator, tasks
from agents.approval import edits
from agents.executing import previews
from agents.models import Outbox, ToolCall, ToolCallRevision
from agents.planners import transcript
from agents.sandbox.values import Result
from audit import canonical
from tests.agents import steps
from tests.agents.stage import set_up
from tests.agents.steps import DONE, WRITE, approve, ask, claim, events, publish
from tests.agents.test_editing import EDITED, POLICY, edit
from tests.factories import make_tool_version
from tests.world import World

pytestmark = pytest.mark.django_db


def test_the_preview_is_made_again_and_never_one_of_other_arguments(world: World) -> None:
    publish(world, POLICY)
    call = ask(world)
    shown: list[bytes] = []

    def meanwhile(definition: object, function: object, arguments: bytes, **rest: object) -> Result:
        shown.append(arguments)
        if len(shown) == 1:
            edit(call, world.ava)
        return Result(True, f'{{"about":{len(shown)}}}', 11, "0" * 64, False, "", "")

    with mock.patch("agents.sandbox.running.run", meanwhile):
        previews.make(call.pk, tasks.definitions(), tasks.limits_of)
        call.refresh_from_db()
        assert (call.preview_state, call.preview) == ("waiting", "")
        assert Outbox.objects.filter(task="agents.preview", key=call.pk).count() == 1
        previews.make(call.pk, tasks.definitions(), tasks.limits_of)
    call.refresh_from_db()
    assert (call.preview_state, call.preview) == ("ready", '{"about":2}')
    assert shown == [canonical.encode(WRITE), canonical.encode(EDITED)]
    assert not Outbox.objects.filter(task="agents.preview", key=call.pk).exists()
    assert events(call).count("tool_call.previewed") == 1
    call = edit(call, world.sam, {**EDITED, "content": "Best"})
    assert (call.preview_state, call.preview) == ("waiting", "")
    assert Outbox.objects.filter(task="agents.preview", key=call.pk).count() == 1


def test_the_agent_is_told_what_was_changed_and_why(world: World) -> None:
    publish(world, POLICY)
    call = ask(world)
    call = approve(edit(call, world.ava), world.sam)
    claim(call)
    steps.run_to(call, result=DONE)
    outcome = orchestrator._outcome(ToolCall.objects.get(pk=call.pk))
    said = transcript.tell(outcome)
    assert 'path was "reports/may.txt" and is "reports/june.txt"' in said
    assert "The right month." in said


def test_sensitive_arguments_stay_hidden_and_long_ones_are_cut() -> None:
    stage = set_up()
    stage.call_is(tool_version=make_tool_version(sensitive_arguments=["content"]))
    stage.editor("hunter2")
    said = edits.told(stage.call)
    assert said.endswith("content was changed (hidden).") and "hunter2" not in said and "Hello" not in said
    stage.call_is(tool_version=make_tool_version())
    stage.editor("x" * 1_000)
    assert f'content was "Hello" and is "{"x" * 499}… (1002 characters).' in edits.told(stage.call)
    stage.editor("Hello")
    assert edits.told(stage.call).endswith("back to what was asked.")


def test_every_edit_is_told_beside_the_one_before() -> None:
    stage = set_up()
    first, second = stage.editor("One"), stage.editor("Two")
    assert [(one.number, one.author, one.changes) for one in edits.of(stage.call)] == [
        (2, first.username, (edits.Change("content", '"Hello"', '"One"'),)),
        (3, second.username, (edits.Change("content", '"One"', '"Two"'),)),
    ]
    assert edits.since_proposal(stage.call) == (edits.Change("content", '"Hello"', '"Two"'),)
    assert edits.changes(b'{"a":1}', b'{"b":1.0}') == (edits.Change("a", "1", ""), edits.Change("b", "", "1"))
    assert ToolCallRevision.objects.filter(call=stage.call).count() == 3
