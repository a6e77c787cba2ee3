"""Races with real threads on PostgreSQL: however two people or two workers meet, one thing happens, once."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from django.db import connection
from uuid_utils.compat import uuid7

from agents import runs, sweeps, tool_calls
from agents.approval import audience
from agents.errors import AgentsError
from agents.executing import execution
from agents.models import Decision, Execution, ToolCall
from audit import clock
from audit.models import AuditEvent
from m1site.accounts.models import User
from policy.models import ApprovalToken
from tests.agents import steps
from tests.agents.steps import DONE
from tests.world import World

pytestmark = [
    pytest.mark.races,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL"),
]
ROUNDS = int(os.environ.get("M1_RACE_ROUNDS", "25"))


class Together:
    """Threads that live through all rounds, each with its own connection, and begin each round at the same instant."""

    def __init__(self, count: int) -> None:
        self._start, self._end = threading.Barrier(count + 1), threading.Barrier(count + 1)
        self._work: list[Callable[[], object]] = []
        self.told: list[object] = [None] * count
        self._threads = [threading.Thread(target=self._live, args=[number], daemon=True) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def do(self, *work: Callable[[], object]) -> list[object]:
        """Run all at once; return what each returned, or the code with which M1 refused it."""
        self._work = list(work)
        self._start.wait()
        self._end.wait()
        return list(self.told)

    def close(self) -> None:
        """Let the threads go."""
        self._work = []
        self._start.wait()
        for thread in self._threads:
            thread.join()

    def _live(self, number: int) -> None:
        try:
            connection.ensure_connection()
            while True:
                self._start.wait()
                if not self._work:
                    return
                self.told[number] = self._try(self._work[number])
                self._end.wait()
        finally:
            connection.close()

    def _try(self, work: Callable[[], object]) -> object:
        try:
            return work()
        except AgentsError as exc:
            return exc.code
        except Exception as exc:  # whatever else it is, the assertion shows it
            return repr(exc)


@pytest.fixture
def two() -> Iterator[Together]:
    together = Together(2)
    yield together
    together.close()


def approve(call: ToolCall, person: User) -> Callable[[], str]:
    seen = steps.shown(call)
    return lambda: tool_calls.approve(call.pk, actor=person, seen=seen).status


def reject(call: ToolCall, person: User) -> Callable[[], str]:
    seen = steps.shown(call)
    return lambda: tool_calls.reject(call.pk, actor=person, comment="No.", seen=seen).status


def copies(call: ToolCall, count: int) -> Iterator[ToolCall]:
    """Yield calls like this one, each the only call of a turn of its own: a proposal a round would take too long."""
    revision, requirement = call.revisions.get(), call.requirements.get()
    groups, turn, run = list(requirement.groups.all()), call.turn, call.run
    for _ in range(count):
        run.pk, run.request_key = uuid7(), None
        run.save(force_insert=True)
        turn.pk, turn.run = uuid7(), run
        turn.save(force_insert=True)
        call.pk, call.run, call.turn = uuid7(), run, turn
        call.save(force_insert=True)
        for row, owner in ((revision, {"call": call}), (requirement, {"call": call})):
            row.pk = None
            vars(row)["_state"].adding = True
            for name, value in owner.items():
                setattr(row, name, value)
            row.save(force_insert=True)
        for group in groups:
            group.pk, group.requirement = None, requirement
            group.save(force_insert=True)
        audience.tell(call, [group.name for group in groups])
        yield ToolCall.objects.select_related("run", "turn").get(pk=call.pk)


def counted(call: ToolCall) -> Counter[str]:
    return Counter(AuditEvent.objects.filter(subject=f"tool_call:{call.pk}").values_list("action", flat=True))


def test_two_approvers_at_the_same_instant_are_two_votes_and_one_token(world: World, two: Together) -> None:
    first = steps.ask(world, "files.delete", {"path": "a.txt"})
    for call in copies(first, ROUNDS):
        told = two.do(approve(call, world.ava), approve(call, world.sam))
        call.refresh_from_db()
        assert sorted(map(str, told)) == ["approved", "pending"], told
        assert call.status == "approved"
        assert call.decisions.count() == 2
        assert ApprovalToken.objects.filter(request_id=call.pk).count() == 1
        assert counted(call) == {"tool_call.vote": 2, "tool_call.approved": 1}


def test_approve_against_reject_has_one_winner_and_the_other_is_told(world: World, two: Together) -> None:
    first, winners = steps.ask(world), Counter[str]()
    for call in copies(first, ROUNDS // 2):
        told = two.do(approve(call, world.ava), reject(call, world.sam))
        call.refresh_from_db()
        winners[call.status] += 1
        assert sorted(map(str, told)) == sorted([call.status, "stale_decision"]), told
        assert call.decisions.count() == 1
        assert ApprovalToken.objects.filter(request_id=call.pk).count() == (call.status == "approved")
        assert counted(call) == {"tool_call.vote": 1, f"tool_call.{call.status}": 1}
    assert set(winners) <= {"approved", "rejected"}


def test_twenty_equal_posts_are_one_decision(world: World) -> None:
    together, first = Together(20), steps.ask(world)
    for call in copies(first, max(1, ROUNDS // 40)):
        told = together.do(*[approve(call, world.ava)] * 20)
        assert told == ["approved"] * 20
        assert counted(call) == {"tool_call.vote": 1, "tool_call.approved": 1}
    together.close()


def test_two_workers_claim_a_call_once(world: World, two: Together) -> None:
    first = steps.ask(world)
    for call in copies(first, ROUNDS // 4):
        approve(call, world.ava)()
        told = two.do(lambda: steps.claim(call.pk, "one"), lambda: steps.claim(call.pk, "two"))  # noqa: B023
        assert sorted(claimed is None for claimed in told) == [False, True], told
        assert Execution.objects.filter(pk=call.pk).count() == 1
        assert counted(call)["tool_call.executing"] == 1


def test_two_calls_that_rest_at_the_same_instant_resume_their_run_once(world: World, two: Together) -> None:
    run = steps.external_run(world)
    for number in range(min(19, ROUNDS // 10)):  # a run takes twenty turns
        name = f"{number}.txt"  # what was rejected in a run is not asked again
        calls = steps.propose(run, ("files.write", {"path": name, "content": "a"}), ("files.delete", {"path": name}))
        told = two.do(reject(calls[0], world.ava), reject(calls[1], world.sam))
        assert told == ["rejected", "rejected"]
        run.refresh_from_db()
        assert (run.status, run.waiting_for) == ("waiting", "external")
        resumed = AuditEvent.objects.filter(subject=f"run:{run.pk}", action="run.resumed").count()
        assert resumed == number + 1


def test_a_vote_against_a_cancelled_run_leaves_nothing_approved(world: World, two: Together) -> None:
    first = steps.ask(world)
    for call in copies(first, ROUNDS // 4):
        told = two.do(approve(call, world.ava), lambda: runs.cancel(call.run_id, actor=world.riley))  # noqa: B023
        call.refresh_from_db()
        assert call.status == "cancelled", told
        assert counted(call)["tool_call.cancelled"] == 1


def test_a_result_against_the_sweep_ends_the_call_once(world: World, two: Together) -> None:
    first = steps.ask(world)
    for call in copies(first, ROUNDS // 10):
        approve(call, world.ava)()
        steps.claim(call.pk)
        Execution.objects.filter(pk=call.pk).update(lease_until=clock.now())
        two.do(lambda: execution.finish(call.pk, replace(DONE), worker="worker"), sweeps.lose_silent)  # noqa: B023
        call.refresh_from_db()
        ends = counted(call)
        assert call.status in ("succeeded", "lost")
        assert ends["tool_call.succeeded"] + ends["tool_call.lost"] == 1
        assert ends["tool_call.late_result"] == (call.status == "lost")
    assert Decision.objects.count() == ROUNDS // 10
