"""What was rejected stays rejected in its run, is counted when it is asked again, and is reopened by a person."""

from typing import Any

import pytest

from agents import orchestrator
from agents.approval import blocks, editing
from agents.errors import InvalidFieldError, NotEligibleError, NotFoundError, WrongStateError
from agents.models import Block, Decision, ToolCall
from audit import canonical
from m1site.accounts.models import User
from policy.models import PolicyCheck, PreauthorizationUse
from tests.agents import steps
from tests.agents.steps import WRITE, approve, ask, claim, events, fresh, propose, reject
from tests.agents.test_claim import codes
from tests.world import World, person, turn_wheels

pytestmark = pytest.mark.django_db
EDITED = {**WRITE, "content": "Better"}


def again(call: ToolCall, arguments: dict[str, Any] | None = None) -> ToolCall:
    """Have the agent ask for it, or for the same of something else, in the next turn of the run."""
    (asked,) = propose(call.run, (call.tool_name, WRITE if arguments is None else arguments))
    return asked


def reopen(call: ToolCall, user: User, reason: str = "It is needed after all.") -> None:
    blocks.reopen(call.pk, actor=fresh(user), reason=reason)


def edited(call: ToolCall, user: User, arguments: dict[str, Any] | None = None) -> ToolCall:
    body = canonical.encode(EDITED if arguments is None else arguments)
    return editing.edit(call.pk, actor=fresh(user), seen=steps.shown(call), arguments=body, comment="Shorter.")


def test_what_was_rejected_is_answered_without_asking_and_counted(world: World) -> None:
    call = reject(ask(world), world.ava, comment="We do not do that.")
    for number in (1, 2, 3):
        repeat = again(call)
        assert repeat.status == "denied"
        assert "We do not do that." in repeat.note
        assert (codes(repeat), events(repeat)) == (["rejected_before"], ["tool_call.denied"])
        assert PolicyCheck.objects.get(pk=repeat.check_row_id).outcome == "denied"
        assert Block.objects.get().repeats == number
        assert not repeat.requirements.exists()
    assert Decision.objects.count() == 1


def test_equal_arguments_in_other_words_are_the_same_call(world: World) -> None:
    call = reject(ask(world), world.ava)
    assert again(call, dict(reversed(WRITE.items()))).status == "denied"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("files.write", EDITED),
        ("files.write", {**WRITE, "path": "reports/June.txt"}),
        ("files.delete", {"path": "a.txt"}),
    ],
)
def test_something_else_is_asked(world: World, tool: str, arguments: dict[str, Any]) -> None:
    call = reject(ask(world), world.ava)
    assert propose(call.run, (tool, arguments))[0].status == "pending"


def test_the_same_arguments_of_another_tool_are_another_call(world: World) -> None:
    call = reject(ask(world, "files.read", {"path": "a.txt"}), world.ava)
    assert propose(call.run, ("files.delete", {"path": "a.txt"}))[0].status == "pending"


def test_another_run_of_the_same_agent_asks_anew(world: World) -> None:
    reject(ask(world), world.ava)
    assert ask(world).status == "pending"
    assert Block.objects.get().repeats == 0


def test_what_expired_or_was_cancelled_or_denied_is_not_rejected(world: World) -> None:
    call = ask(world)
    for status in ("expired", "cancelled", "denied"):
        ToolCall.objects.filter(pk=call.pk).update(status=status)
        with pytest.raises(NotEligibleError, match="not rejected"):
            reopen(call, world.ava)
    assert not Block.objects.exists()


def test_a_rejected_edit_blocks_what_was_asked_and_every_edit_of_it(world: World) -> None:
    call = edited(ask(world), world.ava)
    call = edited(call, world.sam, {**WRITE, "content": "Best"})
    call = reject(call, world.ava)
    for arguments in (WRITE, EDITED, {**WRITE, "content": "Best"}):
        assert again(call, arguments).status == "denied"
    assert sorted(Block.objects.values_list("repeats", flat=True)) == [1, 1, 1]
    reopen(call, world.ava)
    assert {again_.status for again_ in propose(call.run, *[("files.write", one) for one in (WRITE, EDITED)])} == {
        "pending"
    }
    assert events(call).count("tool_call.reopened") == 1


def test_reopened_it_is_asked_and_rejected_it_is_blocked_once_more(world: World) -> None:
    call = reject(ask(world), world.ava)
    reopen(call, world.sam)
    assert events(call)[-1] == "tool_call.reopened"
    second = again(call)
    assert second.status == "pending"
    reject(second, world.sam)
    assert again(call).status == "denied"
    assert list(Block.objects.order_by("created_at").values_list("repeats", "reopened_by")) == [
        (0, world.sam.pk),
        (1, None),
    ]
    reopen(second, world.ava)
    assert again(call).status == "pending"


def test_two_calls_rejected_for_the_same_are_reopened_by_either(world: World) -> None:
    first, second = propose(steps.external_run(world), ("files.write", WRITE), ("files.write", WRITE))
    reject(first, world.ava)
    reject(second, world.ava)
    reopen(second, world.sam)
    assert again(second).status == "pending"
    with pytest.raises(WrongStateError):
        reopen(first, world.sam)


def test_who_could_decide_it_reopens_it_with_a_reason_and_once(world: World) -> None:
    call = reject(ask(world), world.ava)
    for reason in ("", " \n", "x" * 4_001, "a\0b"):
        with pytest.raises(InvalidFieldError):
            reopen(call, world.ava, reason)
    for user, error in (
        (world.riley, NotEligibleError),
        (person("o", "operator"), NotEligibleError),
        (person("s"), NotFoundError),
    ):
        with pytest.raises(error):
            reopen(call, user)
    assert events(call)[-1] == "tool_call.rejected"
    assert Block.objects.filter(reopened_at=None).count() == 1
    reopen(call, world.ava)
    with pytest.raises(WrongStateError, match="nothing"):
        reopen(call, world.ava)
    assert events(call).count("tool_call.reopened") == 1


def test_a_pre_authorisation_does_not_open_what_a_person_rejected(world: World) -> None:
    ahead = world.preauthorize()
    run = steps.external_run(world)
    call = reject(propose(run, ("files.read", {"path": "a.txt"}))[0], world.ava)
    type(run).objects.filter(pk=run.pk).update(preauthorization=ahead)
    assert again(call, {"path": "a.txt"}).status == "denied"
    assert not PreauthorizationUse.objects.exists()


def test_the_agent_is_told_what_the_person_said_and_rests(world: World) -> None:
    run = world.run(scenario=TWICE)
    turn_wheels(world)
    reject(run.tool_calls.get(), world.ava, comment="Never write there.")
    turn_wheels(world)
    run.refresh_from_db()
    assert run.status == "completed"
    assert [call.status for call in run.tool_calls.order_by("created_at")] == ["rejected", "denied"]
    assert orchestrator.take(run.pk, worker="planner") is None


def test_a_call_of_the_same_arguments_that_waits_beside_it_is_still_a_persons_to_decide(world: World) -> None:
    first, second = propose(steps.external_run(world), ("files.write", WRITE), ("files.write", WRITE))
    reject(first, world.ava)
    assert approve(second, world.sam).status == "approved"
    assert claim(second) is not None


TWICE = """
steps:
  - step: write
    calls:
      - {id: one, tool: files.write, arguments: {path: x.txt, content: x}, reason: It is due.}
    next:
      - goto: again
  - step: again
    calls:
      - {id: two, tool: files.write, arguments: {content: x, path: x.txt}, reason: It is still due.}
    next:
      - goto: end
  - step: end
    finish: Done.
"""
