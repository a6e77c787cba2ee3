"""An agent of someone's own: it proposes a turn's calls, reads what came of them, and says when it is finished."""

import threading
from typing import Any

import pytest
from django.db import connection
from uuid_utils.compat import uuid7

from agents import proposals, runs, tool_calls
from agents.errors import InvalidFieldError, NotFoundError, WrongStateError
from agents.models import AgentRun, Outbox, ToolCall, Turn
from agents.proposals import ExternalCall
from agents.sandbox.values import Result
from tests.agents import steps
from tests.agents.steps import WRITE, approve, claim, events, external_run, propose, reject
from tests.world import World

pytestmark = pytest.mark.django_db
ONE = [ExternalCall("files.write", b'{"path":"x","content":""}', "It is due.")]
FAILED = Result(False, "", 0, "", False, "tool_error", "It broke.")


def now_of(run: AgentRun) -> AgentRun:
    return AgentRun.objects.get(pk=run.pk)


def state() -> list[Any]:
    return [list(model.objects.order_by("pk").values()) for model in (AgentRun, Turn, ToolCall, Outbox)]


def test_a_run_of_an_external_agent_waits_for_it_and_nothing_plans(world: World) -> None:
    run = external_run(world)
    assert (run.status, run.waiting_for) == ("waiting", "external")
    assert not Outbox.objects.exists()


def test_several_calls_are_one_turn_and_each_has_its_own_verdict(world: World) -> None:
    run = external_run(world)
    write, archive, unknown = propose(
        run, ("files.write", WRITE), ("files.delete", {"path": "archive/ledger.csv"}), ("shell.run", {})
    )
    assert [call.status for call in (write, archive, unknown)] == ["pending", "denied", "denied"]
    assert ("seven years" in archive.note, "no tool named" in unknown.note) == (True, True)
    turn = run.turns.get()
    assert (turn.number, turn.text, turn.cost_usd, turn.is_scripted) == (1, "I need this.", None, False)
    assert {call.turn_id for call in (write, archive, unknown)} == {turn.pk}
    assert len({call.tool_use_id for call in (write, archive, unknown)}) == 3
    assert (now_of(run).waiting_for, now_of(run).turn_count) == ("calls", 1)
    assert events(run) == ["run.created", "turn.recorded"]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (ExternalCall("files.write", b'{"path":"x","content":""}', " "), "no_reason"),
        (ExternalCall("files.write", b'{"path":"x","path":"y"}', "r"), "malformed_arguments"),
        (ExternalCall("files.write", b"\xff", "r"), "malformed_arguments"),
        (ExternalCall("files.write", b"[]", "r"), "malformed_arguments"),
        (ExternalCall("files.write", b"{}", "r"), "invalid_arguments"),
        (ExternalCall("x" * 300, b"{}", "r"), "tool_not_allowed"),
        (ExternalCall("a\nb\u202ec", b"{}", "r"), "tool_not_allowed"),
    ],
)
def test_a_call_that_cannot_be_is_denied_and_the_agent_may_go_on_at_once(
    world: World, call: ExternalCall, code: str
) -> None:
    run = external_run(world)
    turn = proposals.propose_external(run.pk, calls=[call])
    denied = turn.tool_calls.select_related("check_row").get()
    assert denied.check_row is not None
    assert (denied.status, denied.check_row.verdict["reasons"][0]["code"]) == ("denied", code)
    assert now_of(run).waiting_for == "external"
    assert proposals.propose_external(run.pk, calls=ONE).number == 2


def test_a_second_proposal_waits_until_every_call_rests(world: World) -> None:
    run = external_run(world)
    first, second = propose(run, ("files.write", WRITE), ("files.write", {"path": "x", "content": ""}))
    refused(run)
    approve(first, world.ava)
    refused(run)
    claim(first)
    refused(run)
    steps.run_to(first)
    refused(run)
    reject(second, world.ava, comment="Not that one.")
    assert (now_of(run).status, now_of(run).waiting_for) == ("waiting", "external")
    assert events(run)[-1] == "run.resumed"
    assert not Outbox.objects.filter(task="agents.plan").exists()
    assert propose(run, ("files.write", WRITE))[0].turn.number == 2


def refused(run: AgentRun) -> None:
    """Assert that the run takes neither calls nor an end now, and that trying changes nothing."""
    before = state(), events(run)
    with pytest.raises(WrongStateError):
        proposals.propose_external(run.pk, calls=ONE)
    with pytest.raises(WrongStateError):
        runs.finish(run.pk, actor=account_of(run), answer="Done.")
    assert (state(), events(run)) == before


def account_of(run: AgentRun) -> Any:
    return run.agent.service_account


def test_a_lost_call_does_not_rest_until_a_person_has_looked(world: World) -> None:
    run = external_run(world)
    (call,) = propose(run, ("files.write", WRITE))
    ToolCall.objects.filter(pk=call.pk).update(status="lost")
    refused(run)
    tool_calls.settle(call.pk, actor=world.sam, outcome="succeeded", note="It is there.")
    assert now_of(run).waiting_for == "external"


def test_the_outcomes_are_there_to_read(world: World) -> None:
    run = external_run(world)
    done, broken, no = propose(run, *[("files.write", {"path": name, "content": ""}) for name in "abc"])
    for call in (done, broken):
        approve(call, world.ava)
        claim(call)
    steps.run_to(done)
    steps.run_to(broken, result=FAILED)
    reject(no, world.ava, comment="Not c.")
    told = [(call.status, call.note) for call in run.tool_calls.order_by("position")]
    assert [status for status, _ in told] == ["succeeded", "failed", "rejected"]
    assert told[2][1] == "Not c."
    assert run.tool_calls.get(pk=done.pk).execution.output == steps.DONE.output
    assert run.tool_calls.get(pk=broken.pk).execution.error == "It broke."


def test_the_same_request_sent_twice_is_one_turn(world: World) -> None:
    run, key = external_run(world), uuid7()
    turn = proposals.propose_external(run.pk, calls=ONE, request_key=key)
    before = state()
    assert proposals.propose_external(run.pk, calls=ONE, request_key=key) == turn
    assert state() == before
    reject(turn.tool_calls.get(), world.ava)
    runs.finish(run.pk, actor=account_of(run), answer="Done.")
    assert proposals.propose_external(run.pk, calls=ONE, request_key=key) == turn  # a late repeat, after the end
    assert (Turn.objects.count(), ToolCall.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_key", [True, False])
def test_proposals_at_once_make_one_turn(world: World, has_key: bool) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL")
    run, key = external_run(world), uuid7() if has_key else None
    barrier, made, told = threading.Barrier(4), [], []

    def work() -> None:
        try:
            connection.ensure_connection()
            barrier.wait(30)
            made.append(proposals.propose_external(run.pk, calls=ONE, request_key=key).pk)
        except WrongStateError as exc:
            told.append(exc)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(set(made)), len(made), len(told)) == ((1, 4, 0) if has_key else (1, 1, 3))
    assert (Turn.objects.count(), ToolCall.objects.count()) == (1, 1)
    assert events(run).count("turn.recorded") == 1


@pytest.mark.parametrize("count", [0, 33])
def test_a_turn_of_no_calls_or_too_many_is_refused(world: World, count: int) -> None:
    run = external_run(world)
    before = state()
    with pytest.raises(InvalidFieldError, match="1 to 32"):
        proposals.propose_external(run.pk, calls=ONE * count)
    assert state() == before


def test_a_turn_of_32_calls_is_taken(world: World) -> None:
    assert proposals.propose_external(external_run(world).pk, calls=ONE * 32).tool_calls.count() == 32


def test_the_turn_limit_holds_for_external_agents_too(world: World) -> None:
    agent = steps.external_agent(world)
    type(agent).objects.filter(pk=agent.pk).update(max_turns=1)
    run = external_run(world)
    propose(run, ("shell.run", {}))
    with pytest.raises(WrongStateError, match="all its turns"):
        proposals.propose_external(run.pk, calls=ONE)
    runs.finish(run.pk, actor=account_of(run), answer="That was all.")
    assert now_of(run).status == "completed"


def test_finishing_ends_the_run_with_the_agents_answer_once(world: World) -> None:
    run = external_run(world)
    (call,) = propose(run, ("files.write", WRITE))
    reject(call, world.ava)
    runs.finish(run.pk, actor=account_of(run), answer="Nothing was written.")
    ended = now_of(run)
    assert (ended.status, ended.end_reason, ended.answer) == ("completed", "answered", "Nothing was written.")
    assert (ended.waiting_for, ended.ended_at is not None, events(run)[-1]) == ("", True, "run.completed")
    refused(run)


@pytest.mark.parametrize("calls_before", [False, True])
def test_a_run_that_m1_plans_takes_neither_calls_nor_an_end_from_outside(world: World, calls_before: bool) -> None:
    run = world.run()
    if calls_before:
        AgentRun.objects.filter(pk=run.pk).update(status="waiting", waiting_for="calls")
    before = state()
    with pytest.raises(WrongStateError):
        runs.finish(run.pk, actor=world.riley, answer="Done.")
    with pytest.raises(WrongStateError):
        proposals.propose_external(run.pk, calls=ONE)
    assert state() == before


def test_a_run_that_does_not_exist_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        proposals.propose_external(uuid7(), calls=ONE)
    with pytest.raises(NotFoundError):
        runs.finish(uuid7(), actor=world.riley, answer="")


def test_a_cancelled_run_takes_nothing(world: World) -> None:
    run = external_run(world)
    runs.cancel(run.pk, actor=world.riley)
    refused(run)
