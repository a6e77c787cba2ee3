"""The claim trusts no row: whatever was changed since people said yes, by whatever means, nothing runs."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from pytest_django import Settings
from uuid_utils.compat import uuid7

from agents import halts, tasks
from agents.models import Agent, AgentRun, Decision, Execution, Outbox, ToolCall, ToolCallRevision
from agents.passing import token_scope
from audit import canonical, clock
from audit.models import AuditEvent, AuditPayload
from m1site.accounts.models import User
from policy import allowlist, registry, tokens, versions
from policy.keys import KeyRing
from policy.models import ApprovalToken, PolicyCheck, PolicyVersion, PreauthorizationUse, Tool, ToolVersion
from tests.agents import steps
from tests.agents.steps import WRITE, approve, approved, ask, claim, events, publish, token_of, without_triggers
from tests.effects_server import EffectsServer
from tests.world import POLICY, TOOLS, World, person

pytestmark = pytest.mark.django_db
Attack = Callable[[World, ToolCall], object]
OTHER = canonical.encode({**WRITE, "content": "Pay the attacker"})
FORBID = (
    POLICY.partition("\ntests:")[0]
    + """
  - name: no-writes
    match:
      tools: [files.write]
    deny:
      message: Nobody writes today.
"""
)
WRITES = "      tools: [files.write]\n    review:\n      requirements:\n        - {count: 1, groups: [approver]}\n"


def writes_ask(new: str) -> str:
    """Return the policy with other requirements in its rule for files.write, and without its tests."""
    assert WRITES in POLICY
    return POLICY.replace(WRITES, WRITES.partition("      requirements")[0] + new).partition("\ntests:")[0] + "\n"


def change(rows: Any, **fields: Any) -> None:
    """Change rows past the triggers, as somebody who owns the database."""
    with without_triggers():
        assert rows.update(**fields)


def remove(rows: Any) -> None:
    """Delete rows past the triggers."""
    with without_triggers():
        assert rows._raw_delete(rows.db)


def codes(call: ToolCall) -> list[object]:
    """Return what the call's last denial gave as its machine-readable reasons."""
    event = AuditEvent.objects.filter(action="tool_call.denied", subject=f"tool_call:{call.pk}").latest("xid", "id")
    body: dict[str, Any] = canonical.parse(bytes(AuditPayload.objects.get(event=event).body))  # type: ignore[assignment]
    found: list[object] = body["codes"]
    return found


def not_run(call: ToolCall) -> ToolCall:
    """Claim the call, assert that nothing of it runs, and return it as it is then."""
    assert claim(call) is None
    assert not Execution.objects.filter(pk=call.pk).exists()
    assert "tool_call.executing" not in events(call)
    return ToolCall.objects.get(pk=call.pk)


def test_what_was_approved_is_what_runs(world: World) -> None:
    call = approved(world)
    token = token_of(call)
    claimed = claim(call)
    assert claimed is not None
    assert (claimed.arguments, claimed.definition.name) == (canonical.encode(WRITE), "files.write")
    token.refresh_from_db()
    assert token.used_at and token.uses == 1
    execution = Execution.objects.get(pk=call.pk)
    assert (execution.token, execution.claimed_by) == (token, "worker")
    assert events(call)[-1] == "tool_call.executing"
    assert events(token.jti) == ["token.issued", "token.consumed"]
    assert not Outbox.objects.filter(key=call.pk, task="agents.execute").exists()


def arguments_by_sql(world: World, call: ToolCall) -> None:
    change(call.revisions, arguments=OTHER)


def arguments_and_their_digest(world: World, call: ToolCall) -> None:
    change(call.revisions, arguments=OTHER, digest=canonical.digest(OTHER))


def arguments_that_are_no_json(world: World, call: ToolCall) -> None:
    change(call.revisions, arguments=b'{"path":')


def equal_arguments_in_other_bytes(world: World, call: ToolCall) -> None:
    change(call.revisions, arguments=b'{"path": "reports/may.txt", "path": "x", "content":"Hello"}')


def digest_column(world: World, call: ToolCall) -> None:
    ToolCall.objects.filter(pk=call.pk).update(arguments_digest=canonical.digest(OTHER))


def revision_that_does_not_exist(world: World, call: ToolCall) -> None:
    ToolCall.objects.filter(pk=call.pk).update(revision=7)


def revision_that_nobody_saw(world: World, call: ToolCall) -> None:
    digest = canonical.digest(OTHER)
    ToolCallRevision.objects.create(call=call, number=2, arguments=OTHER, digest=digest, created_at=clock.now())
    ToolCall.objects.filter(pk=call.pk).update(revision=2)


def tool_disabled(world: World, call: ToolCall) -> None:
    assert call.tool_version
    allowlist.disable(call.tool_version.pk, actor="system:cli")


def tool_name_column(world: World, call: ToolCall) -> None:
    ToolCall.objects.filter(pk=call.pk).update(tool_name="files.delete")
    version = ToolVersion.objects.filter(tool__name="files.delete").latest("created_at")
    ToolCall.objects.filter(pk=call.pk).update(tool_version=version)


def policy_denies(world: World, call: ToolCall) -> None:
    publish(world, FORBID)


def policy_by_sql(world: World, call: ToolCall) -> None:
    lenient = PolicyVersion.objects.get().canonical.replace('"count":2', '"count":1')
    change(PolicyVersion.objects, canonical=lenient)
    versions._compiled.clear()  # a process that takes the policy up anew


def agent_off(world: World, call: ToolCall) -> None:
    Agent.objects.filter(pk=call.run.agent_id).update(is_enabled=False)


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        (arguments_by_sql, "arguments_changed"),
        (arguments_and_their_digest, "arguments_changed"),
        (arguments_that_are_no_json, "arguments_changed"),
        (equal_arguments_in_other_bytes, "arguments_changed"),
        (digest_column, "arguments_changed"),
        (revision_that_does_not_exist, "arguments_changed"),
        (revision_that_nobody_saw, "arguments_changed"),
        (tool_disabled, "denied_at_claim"),
        (tool_name_column, "denied_at_claim"),
        (policy_denies, "denied_at_claim"),
        (policy_by_sql, "denied_at_claim"),
        (agent_off, "denied_at_claim"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_not_as_it_was_is_denied_for_good(world: World, attack: Attack, code: str) -> None:
    call = approved(world)
    attack(world, call)
    assert not_run(call).status == "denied"
    assert codes(call) == [code]
    assert ("attack.refused" in events(call)) == (code == "arguments_changed"), "an alarm, where someone wrote past M1"
    assert not_run(call).status == "denied"
    assert AgentRun.objects.get(pk=call.run_id).waiting_for == "external"  # the agent is told


def all_rewritten(world: World, call: ToolCall) -> None:
    arguments_and_their_digest(world, call)
    digest_column(world, call)


def all_rewritten_and_the_votes_too(world: World, call: ToolCall) -> None:
    all_rewritten(world, call)
    change(Decision.objects.filter(call=call), digest_seen=canonical.digest(OTHER))


def token_of_another_call(world: World, call: ToolCall) -> None:
    other = approved(world)
    change(ApprovalToken.objects.filter(request_id=call.pk), token=token_of(other).token)


def row_of_another_call(world: World, call: ToolCall) -> None:
    other = approved(world)
    remove(ApprovalToken.objects.filter(request_id=call.pk))
    change(ApprovalToken.objects.filter(request_id=other.pk), request_id=call.pk)


def token_for_another_round(world: World, call: ToolCall) -> None:
    change(ApprovalToken.objects.filter(request_id=call.pk), round=2)
    change(call.requirements, round=2)
    change(call.decisions, round=2)
    ToolCall.objects.filter(pk=call.pk).update(round=2)


def someone_else_signed(world: World, call: ToolCall) -> None:
    change(ApprovalToken.objects.filter(request_id=call.pk), person=world.sam)


def a_real_token_of_somebody_who_never_voted(world: World, call: ToolCall) -> None:
    remove(ApprovalToken.objects.filter(request_id=call.pk))
    tokens.issue_execution(world.sam, request_id=call.pk, round_=1, scope=token_scope(call))


def a_real_token_for_another_scope(world: World, call: ToolCall) -> None:
    remove(ApprovalToken.objects.filter(request_id=call.pk))
    tokens.issue_execution(world.ava, request_id=call.pk, round_=1, scope={**token_scope(call), "policyVersion": 9})


def ledger_row_missing(world: World, call: ToolCall) -> None:
    remove(ApprovalToken.objects.filter(request_id=call.pk))


def used_already(world: World, call: ToolCall) -> None:
    ApprovalToken.objects.filter(request_id=call.pk).update(used_at=clock.now())


@pytest.mark.parametrize(
    "attack",
    [
        all_rewritten_and_the_votes_too, token_of_another_call, row_of_another_call, token_for_another_round,
        someone_else_signed, a_real_token_of_somebody_who_never_voted,
        a_real_token_for_another_scope, ledger_row_missing, used_already,
    ],
    ids=lambda attack: attack.__name__,
)  # fmt: skip
def test_an_attack_on_the_token_raises_the_alarm_and_goes_back_to_people(world: World, attack: Attack) -> None:
    call = approved(world)
    attack(world, call)
    after = not_run(call)
    assert after.status == "pending"
    assert after.decisions.filter(round=after.round).count() == 0
    assert events(call)[-2:] == ["attack.refused", "tool_call.superseded"]


def test_an_approval_that_nobody_gave_runs_nothing(world: World) -> None:
    call = ask(world)
    ToolCall.objects.filter(pk=call.pk).update(status="approved", approved_at=clock.now())
    assert not_run(call).status == "pending"
    forged = ask(world)
    Decision.objects.create(
        call=forged, round=1, person=world.ava, person_name="ava", answer="approve", surface="web",
        digest_seen=forged.arguments_digest, created_at=clock.now(),
    )  # fmt: skip
    ToolCall.objects.filter(pk=forged.pk).update(status="approved", approved_at=clock.now())
    assert not_run(forged).status == "pending"
    assert "attack.refused" in events(forged)


def more_people(world: World, call: ToolCall) -> None:
    publish(world, writes_ask("      requirements:\n        - {count: 2, groups: [approver]}\n"))


def other_people(world: World, call: ToolCall) -> None:
    person("fin", "finance")
    publish(world, writes_ask("      requirements:\n        - {count: 1, groups: [finance]}\n"))


def a_recent_sign_in(world: World, call: ToolCall) -> None:
    publish(world, writes_ask("      sign_in_minutes: 5\n" + WRITES.partition("review:\n")[2]))


def approver_leaves_group(world: World, call: ToolCall) -> None:
    world.ava.groups.clear()


def approver_deactivated(world: World, call: ToolCall) -> None:
    User.objects.filter(pk=world.ava.pk).update(is_active=False)


def approver_becomes_owner(world: World, call: ToolCall) -> None:
    Agent.objects.filter(pk=call.run.agent_id).update(owner=world.ava)


def token_revoked(world: World, call: ToolCall) -> None:
    tokens.revoke(token_of(call).jti, person=world.sam, reason="Wait.")


@pytest.mark.parametrize(
    "loss",
    [
        all_rewritten, more_people, other_people, a_recent_sign_in, approver_leaves_group, approver_deactivated,
        approver_becomes_owner, token_revoked,
    ],
    ids=lambda loss: loss.__name__,
)  # fmt: skip
def test_votes_that_are_not_enough_any_more_send_the_call_back_to_people(world: World, loss: Attack) -> None:
    call = approved(world)
    loss(world, call)
    after = not_run(call)
    assert (after.status, after.round) == ("pending", 2)
    assert after.approved_at is None and after.note
    assert events(call)[-1] == "tool_call.superseded"
    assert "attack.refused" not in events(call)
    assert after.check_row and after.check_row.phase == PolicyCheck.Phase.CLAIM
    assert AgentRun.objects.get(pk=call.run_id).waiting_for == "calls"


def test_the_new_round_asks_what_the_policy_asks_now(world: World) -> None:
    call = approved(world)
    more_people(world, call)
    after = not_run(call)
    with pytest.raises(Exception, match="not the one that was shown"):
        approve(after, world.sam, round=1)
    assert approve(after, world.sam).status == "pending"
    assert approve(after, world.ava).status == "approved"
    assert token_scope(ToolCall.objects.get(pk=call.pk))["policyVersion"] == 2
    assert claim(call) is not None


def test_an_own_approval_does_not_outlive_the_rule_that_allowed_it(world: World) -> None:
    world.riley.groups.add(Group.objects.get(name="approver"))
    publish(world, writes_ask("      allow_self: true\n" + WRITES.partition("review:\n")[2]))
    kept, lost = approved(world, world.riley), approved(world, world.riley)
    assert claim(kept) is not None
    publish(world, POLICY)
    assert not_run(lost).status == "pending"


def test_an_expired_token_is_renewed_by_one_click(world: World) -> None:
    call = approved(world)
    with mock.patch("audit.clock.now", lambda: NOW + timedelta(minutes=6)):
        NOW = AuditEvent.objects.latest("created_at").created_at
        after = not_run(call)
        assert (after.status, after.round, after.expires_at) == ("pending", 2, call.expires_at)
        assert "attack.refused" not in events(call)
        assert approve(after, world.ava).status == "approved"
        assert claim(call) is not None
    assert ApprovalToken.objects.filter(request_id=call.pk).count() == 2


def test_a_halt_holds_an_approved_call_and_gives_it_its_time_back(world: World) -> None:
    call = approved(world)
    halt = halts.set_halt(actor=steps.operator(), reason="Look first.")
    began = halt.created_at
    assert not_run(call).status == "approved"
    assert Outbox.objects.filter(key=call.pk, next_at__gt=clock.now()).exists()
    with mock.patch("audit.clock.now", lambda: began + timedelta(minutes=3)):
        assert not_run(call).status == "approved"
        halts.lift(halt.pk, actor=steps.operator())
        assert claim(call) is not None
    call.refresh_from_db()
    assert call.expires_at
    assert events(halt) == ["halt.set", "halt.lifted"]


@pytest.mark.parametrize("reach", ["everything", "agent", "tool", "another agent", "another tool"])
def test_a_halt_stops_what_it_names_and_nothing_else(world: World, reach: str) -> None:
    call = approved(world)
    scope: dict[str, Any] = {
        "everything": {},
        "agent": {"agent": call.run.agent},
        "tool": {"tool": Tool.objects.get(name="files.write")},
        "another agent": {"agent": world.agent},
        "another tool": {"tool": Tool.objects.get(name="files.read")},
    }[reach]
    until = call.expires_at
    halt = halts.set_halt(actor=steps.operator(), reason="Look first.", **scope)
    fresh_call = steps.propose(steps.external_run(world), ("files.write", WRITE))[0]
    if reach.startswith("another"):
        assert fresh_call.status == "pending"
        assert claim(call) is not None
        return
    assert fresh_call.status == "denied"
    assert codes(fresh_call) == ["halted"]
    assert not_run(call).status == "approved"
    with mock.patch("audit.clock.now", lambda: halt.created_at + timedelta(hours=2)):
        halts.lift(halt.pk, actor=steps.operator())
    assert until
    assert ToolCall.objects.get(pk=call.pk).expires_at == until + timedelta(hours=2)


def test_the_time_of_a_call_runs_out_even_if_it_was_approved(world: World) -> None:
    call = approved(world)
    ToolCall.objects.filter(pk=call.pk).update(expires_at=clock.now())
    assert not_run(call).status == "expired"
    assert events(call)[-1] == "tool_call.expired"
    assert AgentRun.objects.get(pk=call.run_id).waiting_for == "external"


def test_another_version_of_the_tool_leaves_the_call_to_an_executor_that_has_the_approved_one(world: World) -> None:
    call = approved(world)
    definitions = dict(tasks.definitions())
    definitions["files.write"] = definitions["files.delete"]
    with mock.patch("agents.tasks.definitions", lambda: definitions):
        assert not_run(call).status == "approved"
        assert Outbox.objects.filter(key=call.pk, next_at__gt=clock.now()).exists()
        tool_disabled(world, call)
        assert not_run(call).status == "denied"
    assert codes(call) == ["tool_not_enabled"]


def test_code_that_changed_on_disk_since_the_start_does_not_run(world: World) -> None:
    call = approved(world)
    with mock.patch("policy.sources.digests", lambda module: {"policy.tools.files": "0" * 64}):
        assert not_run(call).status == "denied"
    assert codes(call) == ["tool_changed"]


def test_a_call_of_a_cancelled_run_is_not_taken(world: World) -> None:
    call = approved(world)
    AgentRun.objects.filter(pk=call.run_id).update(
        status="cancelled", waiting_for="", end_reason="cancelled", ended_at=clock.now()
    )
    assert not_run(call).status == "approved"


@pytest.mark.parametrize("status", ["pending", "denied", "rejected", "expired", "cancelled", "lost", "succeeded"])
def test_only_an_approved_call_is_taken(world: World, status: str) -> None:
    call = approved(world)
    ToolCall.objects.filter(pk=call.pk).update(status=status)
    assert not_run(call).status == status


def test_a_second_claim_finds_nothing(world: World) -> None:
    call = approved(world)
    assert claim(call, "one") is not None
    assert claim(call, "two") is None
    steps.run_to(call, worker="one")
    assert claim(call, "two") is None
    assert Execution.objects.get(pk=call.pk).claimed_by == "one"


@pytest.mark.parametrize(
    "message",
    ["", "nonsense", "1", "' OR 1=1 --", "../../etc/passwd", "\0", "é" * 100, "9" * 100_000, None, 7, [], {}, b"x"],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("task", [tasks.plan, tasks.execute, tasks.preview])
def test_a_message_that_carries_anything_but_an_id_does_nothing(task: Any, message: Any) -> None:
    task(message)
    assert not AuditEvent.objects.exists()


def test_made_up_ids_do_nothing(world: World) -> None:
    call = ask(world)  # pending: its own id gives nothing either
    before = AuditEvent.objects.count()
    for key in (*(uuid7() for _ in range(100)), UUID(int=0), call.run_id, call.turn_id, call.pk, world.ava.pk):
        for task in (tasks.plan, tasks.execute):
            task(str(key))
    assert AuditEvent.objects.count() == before
    assert not Execution.objects.exists()


def test_the_same_message_ten_times_is_one_effect(world: World) -> None:
    modules = [*TOOLS, "tests.tools.hostile"]
    for version in allowlist.sync(modules):
        if version.tool.name == "effects.count":
            allowlist.enable(version.pk, actor="system:cli")
    publish(world, POLICY.replace("tools: [files.write]", "tools: [files.write, effects.count]"))
    definitions = registry.load(modules)
    call = approved(world, tool="effects.count", arguments={"note": "once"})
    with EffectsServer() as server, mock.patch("agents.tasks.definitions", lambda: definitions):
        with mock.patch.dict(os.environ, {"M1_TEST_EFFECTS_URL": server.url}):
            for _ in range(10):
                tasks.execute(str(call.pk))
        assert server.counts == {str(call.pk): 1}
    call.refresh_from_db()
    assert call.status == "succeeded", call.execution.error
    assert events(call).count("tool_call.executing") == events(call).count("tool_call.succeeded") == 1


def ahead(world: World, tool: str = "files.read", **fields: Any) -> ToolCall:
    """Return a call that a pre-authorisation of ava's has approved."""
    steps.external_run(world)
    row = tokens.issue_preauthorization(
        person=world.ava, agents=["outsider"], requesters=["riley"], tools=[tool], max_uses=3, expires_in_minutes=60
    )
    return ask(world, tool, fields or {"path": "a.txt"}, preauthorization=row.jti)


def test_a_preauthorised_call_runs_on_the_word_of_the_person_who_gave_it(world: World) -> None:
    call = ahead(world)
    assert claim(call) is not None
    vote = call.decisions.get()
    assert (vote.person, vote.kind, vote.token_id) == (world.ava, "preauthorization", Execution.objects.get().token_id)


def issuer_leaves(world: World, call: ToolCall) -> None:
    world.ava.groups.clear()


def revoked(world: World, call: ToolCall) -> None:
    tokens.revoke(call.decisions.get().token_id, person=world.sam, reason="Enough.")


def rule_wants_people(world: World, call: ToolCall) -> None:
    publish(world, POLICY.replace("      preauthorization: true\n", "").partition("\ntests:")[0] + "\n")


def use_not_counted(world: World, call: ToolCall) -> None:
    remove(PreauthorizationUse.objects.filter(request_id=call.pk))


def arguments_rewritten(world: World, call: ToolCall) -> None:
    other = canonical.encode({"path": "archive/ledger.csv"})
    change(call.revisions, arguments=other, digest=canonical.digest(other))
    ToolCall.objects.filter(pk=call.pk).update(arguments_digest=canonical.digest(other))


def token_of_somebody_who_may_not(world: World, call: ToolCall) -> None:
    theirs = tokens.issue_preauthorization(
        person=world.riley, agents=["outsider"], requesters=["riley"], tools=["files.read"], max_uses=3,
        expires_in_minutes=60,
    )  # fmt: skip
    change(Decision.objects.filter(call=call), token=theirs)
    change(PreauthorizationUse.objects.filter(request_id=call.pk), token=theirs)


@pytest.mark.parametrize(
    "loss",
    [issuer_leaves, revoked, rule_wants_people, use_not_counted, arguments_rewritten, token_of_somebody_who_may_not],
    ids=lambda loss: loss.__name__,
)
def test_a_pre_authorisation_that_does_not_count_any_more_sends_the_call_to_people(world: World, loss: Attack) -> None:
    call = ahead(world)
    assert call.status == "approved", call.note
    loss(world, call)
    after = not_run(call)
    assert (after.status, after.round) == ("pending", 2)
    assert events(call)[-1] == "tool_call.superseded"
    assert approve(after, world.sam).status == "approved"
    assert claim(call) is not None


def test_a_second_vote_beside_a_pre_authorisation_comes_with_a_token_or_not_at_all(world: World) -> None:
    one = "- {count: 1, groups: [approver]}\n      preauthorization"
    publish(world, POLICY.replace(one, one.replace("1", "2")).partition("\ntests:")[0] + "\n")
    honest, forged = ahead(world), ahead(world)
    assert (honest.status, forged.status) == ("pending", "pending")
    assert approve(honest, world.sam).status == "approved"
    assert claim(honest) is not None
    Decision.objects.create(
        call=forged, round=1, person=world.sam, person_name="sam", answer="approve", surface="web",
        digest_seen=forged.arguments_digest, created_at=clock.now(),
    )  # fmt: skip
    ToolCall.objects.filter(pk=forged.pk).update(status="approved", approved_at=clock.now())
    assert not_run(forged).status == "pending"
    assert "attack.refused" in events(forged)


def test_a_call_that_comes_back_from_a_pre_authorisation_gets_its_preview(world: World) -> None:
    publish(world, writes_ask("      preauthorization: true\n" + WRITES.partition("review:\n")[2]))
    call = ahead(world, "files.write", **WRITE)
    assert not Outbox.objects.filter(task="agents.preview", key=call.pk).exists()
    issuer_leaves(world, call)
    assert not_run(call).status == "pending"
    assert Outbox.objects.filter(task="agents.preview", key=call.pk).count() == 1


def test_a_token_of_a_key_that_was_taken_out_of_service_does_not_count(world: World, settings: Settings) -> None:
    call = approved(world)
    settings.M1_KEYS = KeyRing().with_secret(b"k" * 32)
    after = not_run(call)
    assert after.status == "pending"
    assert approve(after, world.ava).status == "approved"
    assert claim(call) is not None


def test_a_rejected_call_cannot_be_brought_back_by_its_old_token(world: World) -> None:
    call = approved(world)
    more_people(world, call)
    after = not_run(call)
    steps.reject(after, world.sam)
    ToolCall.objects.filter(pk=call.pk).update(status="approved", round=1, approved_at=clock.now())
    assert not_run(call).status == "pending"
    assert steps.fresh(world.ava).is_active
