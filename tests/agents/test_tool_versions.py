"""A tool version that is disabled takes its open calls with it, at once, however it was disabled; others go on."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from agents import sweeps, tasks, tool_calls, tool_versions
from agents.errors import NotEligibleError, StaleDecisionError, ToolNotEnabledError
from agents.models import AgentRun, Execution, Outbox, ToolCall
from agents.states import MOVES, TERMINAL, Status
from audit import canonical, clock
from audit.models import AuditEvent
from m1site.celery import app
from policy import allowlist, tokens
from policy.allowlist import ToolVersionNotFoundError
from policy.models import ApprovalToken, ToolVersion
from tests.agents import steps
from tests.agents.steps import WRITE, approve, approved, ask, claim, events, propose
from tests.agents.test_claim import codes, not_run
from tests.agents.test_races import Together, copies, counted
from tests.world import World

pytestmark = pytest.mark.django_db
DELETE = ("files.delete", {"path": "a.txt"})
ROUNDS = max(1, int(os.environ.get("M1_RACE_ROUNDS", "200")) // 20)
on_postgresql = [
    pytest.mark.races,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL"),
]


def newer(name: str, state: str = "enabled", **changed: Any) -> ToolVersion:
    """Return a version that came after the newest one and differs from it."""
    before = allowlist.newest(name)
    declaration = canonical.encode(before.declared | (changed or {"timeout_seconds": 11}))
    return ToolVersion.objects.create(
        tool=before.tool, digest=canonical.digest(declaration), declaration=declaration.decode(), state=state,
        created_at=clock.now(),
    )  # fmt: skip


def executor_of(version: ToolVersion) -> Any:
    """Let this process be an executor whose code declares this version of the tool."""
    known = dict(tasks.definitions())
    name = version.tool.name
    known[name] = replace(known[name], digest=version.digest, declaration=version.declaration.encode())
    return mock.patch("agents.tasks.definitions", lambda: known)


def disable(call: ToolCall) -> int:
    assert call.tool_version_id
    return tool_versions.disable(call.tool_version_id, actor="system:cli")


def now_of(call: ToolCall) -> ToolCall:
    return ToolCall.objects.get(pk=call.pk)


def ahead(world: World) -> ToolCall:
    """Return a call of files.read that a pre-authorisation has approved."""
    steps.external_run(world)
    row = tokens.issue_preauthorization(
        person=world.ava, agents=["outsider"], requesters=["riley"], tools=["files.read"], max_uses=3,
        expires_in_minutes=60,
    )  # fmt: skip
    return ask(world, "files.read", {"path": "a.txt"}, preauthorization=row.jti)


def half_approved(world: World) -> ToolCall:
    """Return a call that one of two people has approved."""
    return approve(ask(world, *DELETE), world.ava)


@pytest.mark.parametrize("begin", [ask, approved, ahead, half_approved], ids=lambda begin: begin.__name__)
def test_disabling_a_version_denies_its_open_calls_and_their_runs_go_on(
    world: World, begin: Callable[[World], ToolCall]
) -> None:
    call = begin(world)
    was = call.status
    votes = call.decisions.count()
    assert disable(call) == 1
    after = now_of(call)
    assert (was, after.status, after.note) == (was, "denied", tool_versions.NOTE)
    assert after.ended_at
    assert codes(call) == ["tool_not_enabled"]
    assert events(call)[-1] == "tool_call.denied"
    assert AgentRun.objects.get(pk=call.run_id).waiting_for == "external"
    assert not Outbox.objects.filter(key=call.pk).exists()
    assert not ApprovalToken.objects.filter(kind="execution", revoked_at=None).exists()
    assert call.decisions.count() == votes  # what people said stays on record
    assert not_run(call).status == "denied"
    with pytest.raises(StaleDecisionError):
        approve(call, world.sam)


def test_the_way_from_pending_to_denied_is_on_the_map() -> None:
    assert Status.DENIED in MOVES[Status.PENDING] and Status.DENIED in MOVES[Status.APPROVED]
    assert Status.DENIED in TERMINAL


def test_who_disabled_it_is_on_record_and_the_count_is_exact(world: World) -> None:
    calls = [*propose(steps.external_run(world), *[("files.write", WRITE)] * 3), approved(world)]
    other = propose(steps.external_run(world), DELETE)[0]
    assert calls[0].tool_version
    assert tool_versions.disable(calls[0].tool_version.pk, actor=f"user:{world.sam.pk}") == 4
    actors = AuditEvent.objects.filter(action__in=["tool.disabled", "tool_call.denied"]).values_list("actor", flat=True)
    assert set(actors) == {f"user:{world.sam.pk}"} and len(actors) == 5
    assert now_of(other).status == "pending"
    assert disable(calls[0]) == 0
    assert AuditEvent.objects.filter(action="tool.disabled").count() == 1
    with pytest.raises(ToolVersionNotFoundError):
        tool_versions.disable(other.pk, actor="system:cli")


def test_a_run_goes_on_only_when_all_of_its_calls_rest(world: World) -> None:
    run = steps.external_run(world)
    write, delete = propose(run, ("files.write", WRITE), DELETE)
    disable(write)
    run.refresh_from_db()
    assert run.waiting_for == "calls"
    disable(delete)
    run.refresh_from_db()
    assert run.waiting_for == "external"
    assert events(run).count("run.resumed") == 1


def test_what_executes_already_is_left_to_end_and_what_rests_stays_as_it_is(world: World) -> None:
    executing, rejected = approved(world), steps.reject(ask(world), world.sam)
    claim(executing)
    assert disable(executing) == 0
    assert (now_of(executing).status, now_of(rejected).status) == ("executing", "rejected")
    assert steps.run_to(executing)
    assert now_of(executing).status == "succeeded"


def test_calls_of_another_version_are_not_touched(world: World) -> None:
    old = approved(world)
    new_version = newer("files.write")
    new = ask(world)
    assert new.tool_version == new_version
    assert disable(old) == 1
    assert now_of(new).status == "pending"
    assert approve(new, world.ava).status == "approved"


def test_enabling_it_again_revives_nothing(world: World) -> None:
    call = approved(world)
    disable(call)
    assert call.tool_version_id
    assert tool_versions.enable(call.tool_version_id, actor="system:cli").state == "enabled"
    assert not_run(call).status == "denied"
    ToolCall.objects.filter(pk=call.pk).update(status="approved", ended_at=None)  # as somebody who owns the database
    after = not_run(call)
    assert (after.status, after.round) == ("pending", 2)  # the token that was signed opens nothing


def by_sql(call: ToolCall) -> None:
    ToolVersion.objects.filter(pk=call.tool_version_id).update(state="disabled")


def by_a_process_that_died(call: ToolCall) -> None:
    assert call.tool_version_id
    allowlist.disable(call.tool_version_id, actor="system:cli")


@pytest.mark.parametrize("by", [by_sql, by_a_process_that_died])
def test_the_sweep_finds_what_slipped_by(world: World, by: Callable[[ToolCall], None]) -> None:
    pending, accepted, other = ask(world), approved(world), ask(world, *DELETE)
    by(pending)
    assert sweeps.deny_disabled() == 2
    assert [now_of(call).status for call in (pending, accepted, other)] == ["denied", "denied", "pending"]
    assert codes(pending) == codes(accepted) == ["tool_not_enabled"]
    assert AgentRun.objects.get(pk=pending.run_id).waiting_for == "external"
    assert sweeps.deny_disabled() == 0
    with mock.patch.object(sweeps, "deny_disabled") as swept:
        tasks.sweep_disabled()
    swept.assert_called_once()


def test_every_sweep_is_called_by_the_clock() -> None:
    named = {name for name in app.tasks if name.startswith("agents.sweep_")}
    assert "agents.sweep_disabled" in named
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} == named


def test_a_version_that_is_enabled_again_in_between_keeps_its_calls(world: World) -> None:
    call = approved(world)
    assert not tool_versions.deny(call.run_id, call.pk, actor="system:cli")
    assert now_of(call).status == "approved"


def test_a_process_that_dies_on_the_way_leaves_the_rest_to_the_sweep(world: World) -> None:
    calls = propose(steps.external_run(world), *[("files.write", WRITE)] * 3)
    real, done = tool_versions.void, []

    def dies(call: ToolCall, *, actor: str) -> bool:
        if done:
            raise SystemExit
        done.append(call)
        return real(call, actor=actor)

    with mock.patch.object(tool_versions, "void", dies), pytest.raises(SystemExit):
        disable(calls[0])
    assert sorted(now_of(call).status for call in calls) == ["denied", "pending", "pending"]
    assert sweeps.deny_disabled() == 2
    assert {now_of(call).status for call in calls} == {"denied"}


@pytest.mark.parametrize("begin", [ask, half_approved, lambda world: ask(world, *DELETE)])
def test_an_approval_of_a_disabled_version_is_refused_and_the_call_denied(
    world: World, begin: Callable[[World], ToolCall]
) -> None:
    call = begin(world)
    votes = call.decisions.count()
    by_sql(call)
    with pytest.raises(ToolNotEnabledError, match=f"this version of {call.tool_name} is not enabled any more"):
        approve(call, world.sam)
    assert (now_of(call).status, call.decisions.count()) == ("denied", votes)
    assert codes(call) == ["tool_not_enabled"]
    assert not ApprovalToken.objects.exists()


def test_who_may_not_decide_denies_nothing_by_trying(world: World) -> None:
    call = ask(world)
    by_sql(call)
    for person in (world.riley, world.author):
        with pytest.raises((NotEligibleError, StaleDecisionError)):
            approve(call, person)
    with pytest.raises(StaleDecisionError):
        approve(call, world.ava, digest="0" * 64)
    assert now_of(call).status == "pending"
    assert steps.reject(call, world.ava).status == "rejected"  # a no is always taken


def test_no_event_no_denial(world: World) -> None:
    call = approved(world)
    by_sql(call)
    before = list(ToolCall.objects.values()), list(ApprovalToken.objects.values()), list(Outbox.objects.values())
    with mock.patch("audit.rows.insert", side_effect=OSError("the trail cannot be written")):
        assert sweeps.deny_disabled() == 0
    assert before == (
        list(ToolCall.objects.values()), list(ApprovalToken.objects.values()), list(Outbox.objects.values()),
    )  # fmt: skip


def test_while_a_rollout_runs_each_call_keeps_the_version_it_was_proposed_with(world: World) -> None:
    old_code = tasks.definitions()
    old = approved(world)
    version = newer("files.write")
    new = approved(world)
    assert old.tool_version and new.tool_version
    assert (new.tool_version.digest, old.tool_version.digest) == (version.digest, old_code["files.write"].digest)
    with executor_of(version):
        assert not_run(old).status == "approved"  # left to an executor that has its code
        claimed = claim(new)
        assert claimed and claimed.definition.digest == version.digest
    claimed = claim(old)
    assert claimed and claimed.definition.digest == old_code["files.write"].digest
    assert Outbox.objects.filter(task="agents.execute").count() == 0


def test_a_tool_registered_anew_after_the_approval_does_not_run(world: World) -> None:
    """Approved is one definition; what carries its name afterwards is another."""
    call = approved(world)
    version = newer("files.write", description="Write a file, and send a copy to the attacker.")
    with executor_of(version):
        assert not_run(call).status == "approved"
        disable(call)
        assert not_run(call).status == "denied"
    assert not_run(call).status == "denied"


def test_a_call_that_is_moved_to_another_version_by_sql_does_not_run(world: World) -> None:
    call = approved(world)
    version = newer("files.write")
    ToolCall.objects.filter(pk=call.pk).update(tool_version=version)
    with executor_of(version):
        assert not_run(call).status == "pending"  # its token is for the other digest
    assert "attack.refused" in events(call)


@pytest.fixture
def two() -> Iterator[Together]:
    together = Together(2)
    yield together
    together.close()


def rounds_of(world: World, call: ToolCall) -> Iterator[ToolCall]:
    """Yield calls like this one, each while its version is enabled."""
    ToolCall.objects.filter(pk=call.pk).update(status="rejected", ended_at=clock.now())
    for one in copies(call, ROUNDS):
        ToolVersion.objects.filter(pk=one.tool_version_id).update(state="enabled")
        yield one


def voting(call: ToolCall, world: World) -> Callable[[], str]:
    seen = steps.shown(call)
    return lambda: tool_calls.approve(call.pk, actor=world.ava, seen=seen).status


class TestRaces:
    """Real threads on PostgreSQL: however they meet, there is one end."""

    pytestmark = on_postgresql

    def test_the_last_vote_against_the_switch(self, world: World, two: Together) -> None:
        for call in rounds_of(world, ask(world)):
            vote, denied = two.do(voting(call, world), lambda: disable(call))  # noqa: B023
            assert vote in ("approved", "tool_not_enabled", "stale_decision"), vote
            assert denied in (0, 1), denied
            assert now_of(call).status == "denied"
            assert counted(call)["tool_call.denied"] == 1
            assert counted(call)["tool_call.approved"] == (vote == "approved")
            assert not ApprovalToken.objects.filter(request_id=call.pk, revoked_at=None).exists()
            assert not Outbox.objects.filter(task="agents.execute", key=call.pk).exists()

    def test_a_claim_against_the_switch(self, world: World, two: Together) -> None:
        for call in rounds_of(world, ask(world)):
            voting(call, world)()
            claimed, denied = two.do(lambda: claim(call.pk), lambda: disable(call))  # noqa: B023
            assert denied in (0, 1), denied
            assert not isinstance(claimed, str), claimed
            after = now_of(call)
            ran = Execution.objects.filter(pk=call.pk).exists()
            assert after.status == ("executing" if ran else "denied"), (claimed, denied)
            assert (claimed is not None) == ran
            assert counted(call)["tool_call.denied"] == (not ran)
            assert denied <= (not ran)

    def test_four_sweeps_at_once_deny_once(self, world: World) -> None:
        call = approved(world)
        by_sql(call)
        together = Together(4)
        told = together.do(*[sweeps.deny_disabled] * 4)
        together.close()
        assert sorted(map(str, told)) == ["0", "0", "0", "1"]
        assert events(call).count("tool_call.denied") == 1
