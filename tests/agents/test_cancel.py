"""A person stops one call that was let go: who may, in which state, and what becomes of call, token, tool and run."""

import pytest

from agents import tool_calls
from agents.errors import InvalidFieldError, NotFoundError, WrongStateError
from agents.executing import execution
from agents.models import AgentRun, Execution, Outbox, ToolCall
from agents.sandbox.values import Result
from agents.states import Status
from audit.models import AuditEvent
from tests.agents import steps
from tests.agents.steps import approved, claim, events, token_of
from tests.factories import make_user
from tests.world import World, person

pytestmark = pytest.mark.django_db
WHY = "It is the wrong file."
NOTE = f"A person asked to stop it: {WHY}"
STOPPED = Result(False, "", 0, "", False, "cancelled", "Stopped.")


def cancel(call: ToolCall, world: World, reason: str = WHY) -> ToolCall:
    return tool_calls.cancel(call.pk, actor=world.riley, reason=reason)


def test_an_approved_call_is_withdrawn_with_its_token_and_the_run_goes_on(world: World) -> None:
    call = approved(world)
    call = cancel(call, world)
    assert (call.status, call.note, call.ended_at is None) == ("cancelled", NOTE, False)
    assert token_of(call).revoked_at is not None
    assert not Outbox.objects.filter(key=call.pk).exists()
    assert AgentRun.objects.get(pk=call.run_id).waiting_for == "external"
    assert events(call)[-1] == "tool_call.cancelled"
    assert claim(call) is None and not Execution.objects.exists()


def test_the_others_of_the_turn_are_left_alone(world: World) -> None:
    run = steps.external_run(world)
    first, second = steps.propose(run, *[("files.write", {"path": f"{n}", "content": ""}) for n in range(2)])
    for call in (first, second):
        steps.approve(call, world.ava)
    cancel(first, world)
    assert ToolCall.objects.get(pk=second.pk).status == "approved"
    assert AgentRun.objects.get(pk=run.pk).waiting_for == "calls"
    assert claim(second) is not None


def test_a_running_call_is_asked_to_stop_once_and_is_cancelled_when_its_worker_says_so(world: World) -> None:
    call = approved(world)
    claim(call)
    assert execution.beat(call.pk, worker="worker")
    assert cancel(call, world).status == "executing", "until the tool is known to be dead"
    assert not execution.beat(call.pk, worker="worker")
    assert cancel(call, world, "Again.").note == NOTE
    assert events(call).count("tool_call.stop_asked") == 1
    assert steps.run_to(call, result=STOPPED)
    call.refresh_from_db()
    assert (call.status, call.note) == ("cancelled", NOTE)
    assert events(call)[-3:] == ["tool_call.executing", "tool_call.stop_asked", "tool_call.cancelled"]
    assert AgentRun.objects.get(pk=call.run_id).waiting_for == "external"


def test_a_tool_that_was_faster_keeps_its_result(world: World) -> None:
    call = approved(world)
    claim(call)
    cancel(call, world)
    assert steps.run_to(call)
    assert ToolCall.objects.get(pk=call.pk).status == "succeeded"


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.APPROVED, Status.EXECUTING, Status.PROPOSED}))
def test_nothing_else_can_be_stopped(world: World, status: str) -> None:
    call = approved(world)
    ToolCall.objects.filter(pk=call.pk).update(status=status)
    with pytest.raises(WrongStateError):
        cancel(call, world)
    assert ToolCall.objects.get(pk=call.pk).status == status
    assert not AuditEvent.objects.filter(action__in=["tool_call.cancelled", "tool_call.stop_asked"]).exists()


@pytest.mark.parametrize("reason", ["", " \n", "x" * 4_001, "a\0b"])
def test_a_reason_is_needed(world: World, reason: str) -> None:
    call = approved(world)
    with pytest.raises(InvalidFieldError):
        cancel(call, world, reason)
    assert claim(call) is not None


def test_whoever_sees_the_call_may_stop_it_and_for_others_it_does_not_exist(world: World) -> None:
    account = approved(world).run.agent.service_account
    assert account
    people = [world.riley, world.ava, world.sam, world.author, account, person("omar", "operator")]
    for one in people:
        assert tool_calls.cancel(approved(world).pk, actor=one, reason=WHY).status == "cancelled"
    for stranger in (person("nobody"), make_user("gone", "approver", is_active=False)):
        with pytest.raises(NotFoundError):
            tool_calls.cancel(approved(world).pk, actor=stranger, reason=WHY)
