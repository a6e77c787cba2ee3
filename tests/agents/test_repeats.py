"""A request goes out once more since its answer was lost: whoever repeats it is told yes, and nothing happens twice."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from agents import halts, runs, tool_calls
from agents.errors import NotFoundError, WrongStateError
from agents.models import AgentRun, Halt, ToolCall
from audit.models import AuditEvent
from m1site.accounts.models import User
from policy.models import Tool
from tests.agents import steps
from tests.agents.pages import client_of
from tests.agents.test_races import Together
from tests.m1site.rest import Rest, assert_problem
from tests.world import World, person

pytestmark = pytest.mark.django_db
ROUNDS = int(os.environ.get("M1_RACE_ROUNDS", "4"))


def everything() -> object:
    tables = [AgentRun, ToolCall, Halt]
    return [list(table._default_manager.order_by("pk").values()) for table in tables], AuditEvent.objects.count()


def twice(act: Callable[[], object]) -> None:
    """Do it, and once more: the second time nothing whatever changes."""
    act()
    before = everything()
    act()
    assert everything() == before


def test_a_run_is_cancelled_once_by_who_says_so_twice_and_not_for_another(world: World) -> None:
    run = steps.external_run(world)
    twice(lambda: runs.cancel(run.pk, actor=world.riley, reason="Enough."))
    runs.cancel(run.pk, actor=world.riley, reason="In other words.")
    assert AgentRun.objects.get(pk=run.pk).problem == "Enough."
    with pytest.raises(WrongStateError, match="has ended"):
        runs.cancel(run.pk, actor=world.ava, reason="Enough.")


def test_who_has_cancelled_another_run_is_no_repeater_of_this_one(world: World) -> None:
    run, other = steps.external_run(world), steps.external_run(world)
    runs.cancel(other.pk, actor=world.riley)
    runs.finish(run.pk, actor=steps.fresh(world.author), answer="Done.")
    with pytest.raises(WrongStateError):
        runs.cancel(run.pk, actor=world.riley)


def test_a_run_is_finished_once_by_who_says_the_same_twice(world: World) -> None:
    run = steps.external_run(world)
    account = run.agent.service_account
    assert account
    twice(lambda: runs.finish(run.pk, actor=account, answer="Done."))
    for actor, answer in ((account, "Else."), (world.riley, "Done.")):
        with pytest.raises(WrongStateError):
            runs.finish(run.pk, actor=actor, answer=answer)


@pytest.mark.parametrize("then", ["cancelled at once", "stopped meanwhile", "faster than we"])
def test_a_call_is_stopped_once_by_who_says_so_twice(world: World, then: str) -> None:
    call = steps.approved(world)
    if then != "cancelled at once":
        steps.claim(call)
        tool_calls.cancel(call.pk, actor=world.riley, reason="Wrong.")
        steps.run_to(call, result=STOPPED if then == "stopped meanwhile" else steps.DONE)
    twice(lambda: tool_calls.cancel(call.pk, actor=world.riley, reason="Wrong."))
    with pytest.raises(WrongStateError):
        tool_calls.cancel(call.pk, actor=world.ava, reason="Wrong.")


STOPPED = steps.Result(False, "", 0, "", False, "cancelled", "Stopped.")


def scopes(world: World) -> list[dict[str, Any]]:
    return [{}, {"agent": steps.external_run(world).agent}, {"tool": Tool.objects.get(name="files.write")}]


def test_a_halt_is_one_for_who_sets_it_twice_and_another_for_anything_else(world: World) -> None:
    omar, olga = steps.operator(), person("olga", "operator")
    for scope in scopes(world):
        twice(lambda scope=scope: halts.set_halt(actor=omar, reason="Look first.", **scope))  # type: ignore[misc]
    assert halts.in_force().count() == 3
    halts.set_halt(actor=olga, reason="Look first.")
    halts.set_halt(actor=omar, reason="Look twice.")
    assert halts.in_force().count() == 5


def test_a_halt_that_was_lifted_is_set_anew(world: World) -> None:
    omar = steps.operator()
    first = halts.set_halt(actor=omar, reason="Look first.")
    twice(lambda: halts.lift(first.pk, actor=omar))
    assert halts.set_halt(actor=omar, reason="Look first.").pk != first.pk
    with pytest.raises(NotFoundError):
        halts.lift(first.pk, actor=person("olga", "operator"))


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL")
def test_two_clicks_at_the_same_instant_set_one_halt_and_cancel_one_run(world: World) -> None:
    omar, two = steps.operator(), Together(2)
    try:
        for _ in range(ROUNDS):
            one, other = two.do(*[lambda: halts.set_halt(actor=omar, reason="Look first.")] * 2)
            assert one == other and halts.in_force().count() == 1
            assert two.do(*[lambda halt=one: halts.lift(halt.pk, actor=omar)] * 2) == [None, None]
            run = steps.external_run(world)
            assert two.do(*[lambda run=run: runs.cancel(run.pk, actor=world.riley)] * 2) == [None, None]
            assert steps.events(run).count("run.cancelled") == 1
            assert steps.events(one) == ["halt.set", "halt.lifted"]
    finally:
        two.close()


def test_over_rest_a_repeat_is_answered_like_the_first(world: World) -> None:
    run, other = steps.external_run(world), steps.external_run(world)
    robot = User.objects.get(pk=run.agent.service_account_id)
    riley, omar = Rest(world.riley), Rest(steps.operator())
    halt = omar.post("halts", {"reason": "Look first."}).json()
    asked = [
        (riley, "POST", f"runs/{run.pk}/cancel", b'{"reason": "Enough."}'),
        (Rest(robot), "POST", f"runs/{other.pk}/finish", b'{"answer": "Done."}'),
        (omar, "POST", "halts", b'{"reason": "Look first."}'),
        (omar, "DELETE", f"halts/{halt['id']}", b""),
    ]
    for rest, method, path, body in asked:
        first = rest.raw(method, path, body)
        before = everything()
        again = rest.raw(method, path, body)
        assert (again.status_code, again.content) == (first.status_code, first.content), path
        assert again.status_code < 300 and everything() == before, path
    assert_problem(omar.post(f"runs/{run.pk}/cancel", {"reason": "Enough."}), 409, "wrong_state")
    assert_problem(Rest(robot).post(f"runs/{other.pk}/finish", {"answer": "Else."}), 409, "wrong_state")
    assert_problem(Rest(person("olga", "operator")).raw("DELETE", f"halts/{halt['id']}", b""), 404)


def test_in_the_browser_a_second_click_leads_where_the_first_one_led(world: World) -> None:
    run, riley, omar = steps.external_run(world), client_of(world.riley), client_of(steps.operator())
    asked = [
        (riley, f"/runs/{run.pk}/", {"reason": "Enough."}),
        (omar, "/halts/", {"on": "everything", "reason": "Look first."}),
        (client_of(desk()), "/admin/agents/halt/add/", {"on": "everything", "reason": "Look first."}),
    ]
    for browser, path, form in asked:
        first = browser.post(path, form)
        before = everything()
        assert browser.post(path, form).headers["Location"] == first.headers["Location"]
        assert everything() == before, path
    lift = f"/halts/{Halt.objects.filter(person=steps.operator()).get().pk}/lift/"
    twice(lambda: omar.post(lift))
    assert omar.post(f"/runs/{run.pk}/", {"reason": "Enough."}).status_code == 409


def desk() -> User:
    olga = person("olga", "operator")
    User.objects.filter(pk=olga.pk).update(is_staff=True)
    return steps.fresh(olga)
