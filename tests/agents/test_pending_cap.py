"""The cap on what waits: exact, per agent, told to the agent, and no bar to what needs nobody."""

from typing import Any

import pytest
from uuid_utils.compat import uuid7

from agents import proposals, runs
from agents.errors import TooManyPendingError
from agents.models import Agent, AgentRun, ToolCall, Turn
from agents.proposals import ExternalCall
from policy.models import PreauthorizationUse
from tests.agents import steps
from tests.agents.steps import WRITE, approve, events, propose, publish, reject
from tests.agents.test_claim import ahead, codes
from tests.agents.test_quorum_rules import HEAD, rule
from tests.world import World, turn_wheels

pytestmark = pytest.mark.django_db
CODE = "too_many_pending"


def capped(run: AgentRun, cap: int) -> AgentRun:
    Agent.objects.filter(pk=run.agent_id).update(max_pending=cap)
    return AgentRun.objects.get(pk=run.pk)


def writes(*names: str) -> list[tuple[str, dict[str, Any]]]:
    return [("files.write", {"path": name, "content": ""}) for name in names]


def waiting(agent: Agent) -> int:
    return ToolCall.objects.filter(run__agent=agent, status="pending").count()


def test_of_one_turn_exactly_as_many_wait_as_may(world: World) -> None:
    run = capped(steps.external_run(world), 3)
    calls = propose(run, *writes(*"abcde"))
    assert [call.status for call in calls] == ["pending"] * 3 + ["denied"] * 2
    for call in calls[3:]:
        assert "may have 3 calls waiting" in call.note
        assert (codes(call), events(call)) == ([CODE], ["tool_call.denied"])
        assert not call.requirements.exists()


def test_the_cap_is_the_agents_over_all_its_runs(world: World) -> None:
    run = capped(steps.external_run(world), 2)
    assert [call.status for call in propose(run, *writes("a"))] == ["pending"]
    other = steps.external_run(world)
    assert [call.status for call in propose(other, *writes("a", "b"))] == ["pending", "denied"]
    assert waiting(run.agent) == 2
    assert [call.status for call in propose(other_agents_run(world), *writes("a"))] == ["pending"]


def other_agents_run(world: World) -> AgentRun:
    return runs.create(agent=steps.external_agent(world, "second"), requester=world.riley, goal="Tidy up")


def test_an_external_agent_that_asks_at_the_cap_is_told_to_come_back_and_nothing_is_recorded(world: World) -> None:
    capped(steps.external_run(world), 1)
    first, second = steps.ask(world), steps.external_run(world)
    with pytest.raises(TooManyPendingError) as refused:
        propose(second, *writes("b"))
    assert (refused.value.code, refused.value.http_status) == (CODE, 429)
    assert not second.turns.exists()
    assert AgentRun.objects.get(pk=second.pk).waiting_for == "external"
    assert events(second) == ["run.created"]
    approve(first, world.ava)
    assert propose(second, *writes("b"))[0].status == "pending"


@pytest.mark.parametrize("end", ["approve", "reject", "cancel", "expire"])
def test_a_call_that_does_not_wait_any_more_makes_room(world: World, end: str) -> None:
    run = capped(steps.external_run(world), 1)
    (call,) = propose(run, *writes("a"))
    if end == "approve":
        approve(call, world.ava)
    elif end == "reject":
        reject(call, world.ava)
    elif end == "cancel":
        runs.cancel(run.pk, actor=world.riley)
    else:
        ToolCall.objects.filter(pk=call.pk).update(status="expired")
    assert steps.ask(world).status == "pending"


def test_a_cap_that_was_lowered_asks_for_nothing_back_and_lets_nothing_in(world: World) -> None:
    run = steps.external_run(world)
    propose(run, *writes(*"abc"))
    capped(run, 1)
    with pytest.raises(TooManyPendingError):
        propose(steps.external_run(world), *writes("d"))
    assert waiting(run.agent) == 3


def test_a_request_that_is_sent_twice_gets_its_first_answer_at_the_cap_too(world: World) -> None:
    run, key = capped(steps.external_run(world), 1), uuid7()
    asked = [ExternalCall("files.write", b'{"path":"a","content":""}', "It is due.")]
    turns = [proposals.propose_external(run.pk, calls=asked, request_key=key) for _ in range(3)]
    assert len({turn.pk for turn in turns}) == Turn.objects.count() == 1


def test_a_scripted_agent_is_answered_with_a_denial_and_goes_on(world: World) -> None:
    Agent.objects.filter(pk=world.agent.pk).update(max_pending=1)
    run = world.run(scenario=TWO)
    turn_wheels(world)
    first, second = run.tool_calls.order_by("position")
    assert (first.status, second.status, codes(second)) == ("pending", "denied", [CODE])
    approve(first, world.ava)
    turn_wheels(world)
    run.refresh_from_db()
    assert run.status == "completed"


def test_what_is_pre_authorised_needs_no_place(world: World) -> None:
    run = steps.external_run(world)
    call = ahead(world)
    capped(run, 1)
    propose(run, *writes("a"))
    assert call.status == "approved"
    read = AgentRun.objects.get(pk=call.run_id)
    AgentRun.objects.filter(pk=read.pk).update(waiting_for="external")
    with pytest.raises(TooManyPendingError):  # an agent of someone's own is told at the door
        propose(read, ("files.read", {"path": "b.txt"}))


def test_a_scripted_agent_reads_what_is_pre_authorised_although_nobody_could_be_asked(world: World) -> None:
    Agent.objects.filter(pk=world.agent.pk).update(max_pending=1)
    other = world.run(scenario=TWO)
    turn_wheels(world)
    run = world.run(scenario=READ)
    type(run).objects.filter(pk=run.pk).update(preauthorization=world.preauthorize(max_uses=1))
    turn_wheels(world)
    calls = list(run.tool_calls.order_by("position"))
    assert [call.status for call in calls] == ["succeeded", "denied", "denied"]
    assert [codes(call) for call in calls[1:]] == [[CODE], [CODE]]  # the second reading found no use left
    assert PreauthorizationUse.objects.count() == 1
    assert other.tool_calls.filter(status="pending").count() == 1


def test_a_pre_authorisation_that_is_not_enough_takes_no_use_at_the_cap(world: World) -> None:
    publish(world, HEAD + rule("two", "2 approver", preauthorization="true"))
    run = capped(steps.external_run(world), 1)
    ahead(world, "files.write", **WRITE)
    assert PreauthorizationUse.objects.count() == 1
    with pytest.raises(TooManyPendingError):
        ahead(world, "files.write", **WRITE)
    assert (PreauthorizationUse.objects.count(), waiting(run.agent)) == (1, 1)


TWO = """
steps:
  - step: write
    calls:
      - {id: one, tool: files.write, arguments: {path: x.txt, content: x}, reason: It is due.}
      - {id: two, tool: files.write, arguments: {path: y.txt, content: y}, reason: It is due.}
    next:
      - goto: end
  - step: end
    finish: Done.
"""
READ = """
steps:
  - step: read
    calls:
      - {id: one, tool: files.read, arguments: {path: a.txt}, reason: It is due.}
      - {id: two, tool: files.read, arguments: {path: b.txt}, reason: It is due.}
      - {id: three, tool: files.write, arguments: {path: z.txt, content: z}, reason: It is due.}
    next:
      - goto: end
  - step: end
    finish: Done.
"""
