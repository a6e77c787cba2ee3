"""Editing before approving: a new revision and round, judged anew; what was said before counts for nothing."""

import json
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from agents import due, halts, runs
from agents.approval import break_glass, editing
from agents.approval.sign_in import SignIn
from agents.errors import (
    InvalidFieldError,
    NotEligibleError,
    PolicyDeniesError,
    StaleDecisionError,
    StepUpRequiredError,
    ToolNotEnabledError,
)
from agents.models import Agent, ToolCall
from audit import canonical, clock
from m1site.accounts.models import User
from policy import allowlist
from policy.models import PolicyCheck, Tool, ToolVersion
from tests.agents import steps
from tests.agents.steps import WRITE, approve, ask, claim, events, fresh, publish, reject
from tests.agents.test_claim import ahead
from tests.world import World, person

pytestmark = pytest.mark.django_db
EDITED = {"path": "reports/june.txt", "content": "Better"}
POLICY = """
format: 1
rules:
  - name: write
    match: {tools: [files.write]}
    review: {requirements: [{count: 1, groups: [approver]}], open_minutes: 60}
  - name: delete
    match: {tools: [files.delete]}
    review: {requirements: [{count: 2, groups: [approver]}]}
  - name: much
    match: {tools: [files.write]}
    when: [{argument: path, operator: path_inside, value: much}]
    review: {requirements: [{count: 2, groups: [approver]}, {count: 1, groups: [finance]}], sign_in_minutes: 10}
  - name: soon
    match: {tools: [files.write]}
    when: [{argument: path, operator: path_inside, value: soon}]
    review: {requirements: [{count: 1, groups: [approver]}], open_minutes: 10}
  - name: secret
    match: {tools: [files.write]}
    when: [{argument: path, operator: path_inside, value: secret}]
    deny: {message: That folder stays as it is.}
"""


@pytest.fixture
def call(world: World) -> ToolCall:
    publish(world, POLICY)
    return ask(world)


def edit(
    call: ToolCall, user: User, arguments: object = EDITED, comment: str = "The right month.", **seen: Any
) -> ToolCall:
    """Have a person edit a call as it stands, or as they saw it; bytes are sent as they are."""
    body = arguments if isinstance(arguments, bytes) else json.dumps(arguments).encode()
    return editing.edit(call.pk, actor=fresh(user), seen=steps.shown(call, **seen), arguments=body, comment=comment)


def asked(call: ToolCall) -> list[tuple[int, list[str]]]:
    return [(row.count, row.group_names) for row in call.requirements.filter(round=call.round).order_by("pk")]


def unchanged(call: ToolCall, before: list[str]) -> ToolCall:
    """Assert that nothing was recorded."""
    after = ToolCall.objects.get(pk=call.pk)
    assert (after.status, after.revision, after.round) == ("pending", call.revision, call.round)
    assert call.revisions.count() == call.revision
    assert events(call) == before
    return after


def test_an_edit_is_a_new_revision_in_a_new_round_judged_anew(world: World, call: ToolCall) -> None:
    until, first = call.expires_at, call.check_row_id
    after = edit(call, world.ava)
    assert (after.status, after.revision, after.round) == ("pending", 2, 2)
    assert (after.headline, after.arguments_digest) == (
        "Write reports/june.txt",
        canonical.digest(canonical.encode(EDITED)),
    )
    assert after.expires_at == until
    rows = list(after.revisions.order_by("number").values_list("number", "author", "arguments"))
    assert [(number, author, bytes(body)) for number, author, body in rows] == [
        (1, None, canonical.encode(WRITE)), (2, world.ava.pk, canonical.encode(EDITED)),
    ]  # fmt: skip
    assert asked(after) == [(1, ["approver"])]
    assert after.requirements.count() == 2
    assert events(call) == ["tool_call.pending", "tool_call.edited"]
    assert after.check_row_id != first
    assert PolicyCheck.objects.filter(request_id=call.pk, phase="proposal").count() == 2
    assert not after.decisions.exists()


def test_what_was_edited_runs_and_its_editor_has_not_voted(world: World, call: ToolCall) -> None:
    call = edit(call, world.ava)
    with pytest.raises(NotEligibleError, match="You wrote these arguments"):
        approve(call, world.ava)
    assert approve(call, world.sam).status == "approved"
    claimed = claim(call)
    assert claimed is not None and claimed.arguments == canonical.encode(EDITED)


def test_votes_before_an_edit_count_for_nothing_and_stay_on_record(world: World, call: ToolCall) -> None:
    call = ask(world, "files.delete", {"path": "a.txt"})
    approve(call, world.ava)
    third = person("third", "approver")
    call = edit(call, world.sam, {"path": "b.txt"})
    assert approve(call, third).status == "pending"
    assert approve(call, world.ava).status == "approved"
    assert list(call.decisions.order_by("created_at").values_list("round", "person__username")) == [
        (1, "ava"), (2, "third"), (2, "ava"),
    ]  # fmt: skip
    assert claim(call) is not None


def test_who_voted_in_this_round_edits_no_more(world: World, call: ToolCall) -> None:
    call = ask(world, "files.delete", {"path": "a.txt"})
    approve(call, world.ava)
    with pytest.raises(NotEligibleError, match="decided already"):
        edit(call, world.ava, {"path": "b.txt"})


def test_an_answer_to_what_it_was_before_is_stale_even_if_it_was_given_before(world: World, call: ToolCall) -> None:
    before = ask(world, "files.delete", {"path": "a.txt"})
    approve(before, world.ava)
    edit(before, world.sam, {"path": "b.txt"})
    third = person("third", "approver", "break-glass")
    seen = steps.shown(before)
    for act in (
        lambda: approve(before, third),
        lambda: reject(before, third),
        lambda: edit(before, third, {"path": "c.txt"}),
        lambda: break_glass.break_glass(before.pk, actor=third, seen=seen, reason="The house is on fire."),
        lambda: approve(before, world.ava),  # word for word what she sent in the round before
    ):
        with pytest.raises(StaleDecisionError, match="look at it again"):
            act()
    assert before.decisions.count() == 1


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (b"", InvalidFieldError, "not usable JSON"),
        (b"{", InvalidFieldError, "not usable JSON"),
        (b"[]", InvalidFieldError, "must be a JSON object"),
        (b"null", InvalidFieldError, "must be a JSON object"),
        (b'{"path":"x","path":"y","content":""}', InvalidFieldError, "not usable JSON"),
        (b'{"path":"x","content":NaN}', InvalidFieldError, "not usable JSON"),
        (b'{"path":"x","content":"\\ud800"}', InvalidFieldError, "not usable JSON"),
        (b'{"path":"x","content":"\xff"}', InvalidFieldError, "not usable JSON"),
        (b"[" * 5_000, InvalidFieldError, "not usable JSON"),
        ({"path": "x"}, InvalidFieldError, "content"),
        ({"path": 1, "content": "x"}, InvalidFieldError, "path"),
        ({"path": "x", "content": "y", "mode": "0777"}, InvalidFieldError, "mode"),
        ({"path": "", "content": "x"}, InvalidFieldError, "path"),
        (WRITE, InvalidFieldError, "the same as before"),
        (b'{ "content" : "Hel\\u006co",\n "path": "reports\\/may.txt" }', InvalidFieldError, "the same as before"),
        ({"path": "secret/x", "content": "x"}, PolicyDeniesError, "That folder stays as it is"),
        ({"path": "reports/../secret/x", "content": "x"}, PolicyDeniesError, "cannot be judged|denie"),
    ],
)
def test_arguments_that_cannot_stand_change_nothing(
    world: World, call: ToolCall, arguments: object, error: type[Exception], said: str
) -> None:
    before = events(call)
    with pytest.raises(error, match=said):
        edit(call, world.ava, arguments)
    unchanged(call, before)


@pytest.mark.parametrize("comment", ["", " \n", "x" * 4_001, "a\0b"])
def test_an_edit_says_why(world: World, call: ToolCall, comment: str) -> None:
    before = events(call)
    with pytest.raises(InvalidFieldError, match="comment"):
        edit(call, world.ava, comment=comment)
    unchanged(call, before)


def test_other_arguments_may_ask_for_more_people_and_a_second_factor(world: World, call: ToolCall) -> None:
    call = edit(call, world.ava, {"path": "much/x", "content": "x"})
    assert asked(call) == [(2, ["approver"]), (1, ["finance"])]
    with pytest.raises(StepUpRequiredError):
        approve(call, world.sam)
    sign_in = SignIn(clock.now(), clock.now())
    people = [world.sam, person("third", "approver"), person("finn", "finance")]
    assert [approve(call, one, sign_in=sign_in).status for one in people] == ["pending", "pending", "approved"]
    assert claim(call) is not None


def test_where_a_rule_wants_a_recent_second_factor_an_edit_does_too(world: World, call: ToolCall) -> None:
    call = edit(call, world.ava, {"path": "much/x", "content": "x"})
    before = events(call)
    with pytest.raises(StepUpRequiredError):
        edit(call, world.sam, {"path": "easy/x", "content": "x"}, surface="api")
    unchanged(call, before)
    assert (
        edit(call, world.sam, {"path": "easy/x", "content": "x"}, sign_in=SignIn(clock.now(), clock.now())).round == 3
    )


def test_the_time_to_decide_gets_shorter_and_never_longer(world: World, call: ToolCall) -> None:
    assert call.expires_at
    with mock.patch("audit.clock.now", lambda: call.created_at + timedelta(minutes=20)):
        shorter = edit(call, world.ava, {"path": "soon/x", "content": "x"})
        assert shorter.expires_at == call.created_at + timedelta(minutes=30)
        assert shorter.remind_at == call.created_at + timedelta(minutes=25)
        assert edit(shorter, world.sam).expires_at == shorter.expires_at


def test_the_call_stays_bound_to_the_version_it_was_proposed_for(world: World, call: ToolCall) -> None:
    newer = ToolVersion.objects.create(
        tool=Tool.objects.get(name="files.write"), digest="f" * 64, state="enabled", created_at=clock.now(),
        declaration=json.dumps({**call.tool_version.declared, "description": "Newer."}),
    )  # fmt: skip
    assert edit(call, world.ava).tool_version_id == call.tool_version_id != newer.pk


def test_a_version_that_was_disabled_denies_the_call_and_no_edit_saves_it(world: World, call: ToolCall) -> None:
    assert call.tool_version_id
    allowlist.disable(call.tool_version_id, actor="system:cli")
    with pytest.raises(ToolNotEnabledError):
        edit(call, world.ava)
    assert ToolCall.objects.get(pk=call.pk).status == "denied"
    assert events(call) == ["tool_call.pending", "tool_call.denied"]


@pytest.mark.parametrize("scope", ["everything", "agent", "tool", "agent off"])
def test_a_halted_call_is_not_edited(world: World, call: ToolCall, scope: str) -> None:
    if scope == "agent off":
        Agent.objects.filter(pk=call.run.agent_id).update(is_enabled=False)
    else:
        named = {"agent": {"agent": call.run.agent}, "tool": {"tool": Tool.objects.get(name="files.write")}}
        halts.set_halt(actor=steps.operator(), reason="Look first.", **named.get(scope, {}))
    before = events(call)
    with pytest.raises(PolicyDeniesError, match="halted|switched off"):
        edit(call, world.ava)
    unchanged(call, before)


def test_what_is_over_is_not_edited(world: World, call: ToolCall) -> None:
    with mock.patch("audit.clock.now", lambda: call.expires_at), pytest.raises(StaleDecisionError, match="run out"):
        edit(call, world.ava)
    runs.cancel(call.run_id, actor=world.riley)
    with pytest.raises(StaleDecisionError, match="cancelled"):
        edit(call, world.ava)


def test_there_is_an_end_to_editing(world: World, call: ToolCall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editing, "MAX_REVISIONS", 2)
    call = edit(call, world.ava)
    with pytest.raises(InvalidFieldError, match="too often"):
        edit(call, world.sam, {**EDITED, "content": "Best"})


def test_a_yes_given_ahead_does_not_outlive_an_edit(world: World) -> None:
    publish(world, POLICY.replace("groups: [approver]}], open", "groups: [approver]}], preauthorization: true, open")
            .replace("{count: 1, groups: [approver]}], pre", "{count: 2, groups: [approver]}], pre"))  # fmt: skip
    call = ahead(world, "files.write", **WRITE)
    assert (call.status, call.decisions.count()) == ("pending", 1)
    call = edit(call, person("third", "approver"))
    assert approve(call, world.sam).status == "pending"
    assert approve(call, world.ava).status == "approved"
    assert claim(call) is not None


def test_an_escalation_ends_with_its_round(world: World) -> None:
    publish(world, POLICY.replace("open_minutes: 60}", "escalate: {after_minutes: 5, groups: [duty]}}"))
    call = ask(world)
    with mock.patch("audit.clock.now", lambda: call.created_at + timedelta(minutes=6)):
        assert due.escalate_due() == 1
        assert asked(call) == [(1, ["approver", "duty"])]
        call = edit(call, world.ava)
        assert (asked(call), call.escalated_at) == ([(1, ["approver"])], None)
        assert due.escalate_due() == 0
