"""The whole check: each way that a call can be refused before the rules, and that whatever goes wrong denies."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from uuid_utils.compat import uuid7

from audit import canonical, clock
from policy import allowlist, check, headline, jwt, versions
from policy.check import Asked, Checked
from policy.models import PolicyCheck, PolicyVersion, ToolVersion
from policy.verdict import Outcome
from tests.agents.steps import without_triggers
from tests.world import World, make_world

pytestmark = pytest.mark.django_db
WRITE = {"path": "reports/may.txt", "content": "Hello"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def asked(**fields: Any) -> Asked:
    known: dict[str, Any] = {"tool": "files.write", "arguments": canonical.encode(WRITE), "halt": "", "version": None}
    who = {"agent": "demo", "environment": "test", "requester": "riley", "requester_groups": frozenset[str]()}
    return Asked(request_id=uuid7(), allowed={"files.write", "files.read"}, **{**known, **who, **fields})


def change(rows: Any, **fields: Any) -> None:
    with without_triggers():
        assert rows.update(**fields)
    versions._compiled.clear()


def codes(checked: Checked) -> list[str]:
    assert checked.verdict.outcome is Outcome.DENIED
    return [reason.code for reason in checked.verdict.reasons]


def declare(row: ToolVersion, declaration: str) -> None:
    """Put another declaration in a version's place, under its own right digest."""
    change(
        ToolVersion.objects.filter(pk=row.pk), declaration=declaration, digest=canonical.digest(declaration.encode())
    )


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"tool": "files.delete"}, "tool_not_allowed"),
        ({"tool": "files.write\0"}, "tool_not_allowed"),
        ({"tool": "files.read", "arguments": b"{}"}, "invalid_arguments"),
        ({"arguments": b'{"path":1,"path":2}'}, "malformed_arguments"),
        ({"arguments": b"[1]"}, "malformed_arguments"),
        ({"arguments": canonical.encode({**WRITE, "mode": 7})}, "invalid_arguments"),
        ({"halt": "Stop."}, "halted"),
        ({"arguments": b"[1]", "halt": "Stop."}, "malformed_arguments"),
    ],
)
def test_what_is_refused_before_the_rules_says_why(world: World, fields: dict[str, Any], code: str) -> None:
    checked = check.judge(asked(**fields))
    assert codes(checked) == [code]
    assert checked.proposal is None
    check.record(asked(**fields), checked, checked.verdict, PolicyCheck.Phase.PROPOSAL)


def other_declaration(row: ToolVersion) -> None:
    change(
        ToolVersion.objects.filter(pk=row.pk), declaration=row.declaration.replace('"risk":"medium"', '"risk":"low"')
    )


def another_tool_s(row: ToolVersion) -> None:
    declare(row, ToolVersion.objects.get(tool__name="files.delete").declaration)


def without_sense(row: ToolVersion) -> None:
    declare(row, '{"headline":"x","name":"files.write","schema":7,"sensitive_arguments":[]}')


def nothing_at_all(row: ToolVersion) -> None:
    declare(row, "7")


def another_policy(row: ToolVersion) -> None:
    version = PolicyVersion.objects.get()
    change(PolicyVersion.objects, canonical=version.canonical.replace('"count":1', '"count":2'))


def no_policy_text(row: ToolVersion) -> None:
    change(PolicyVersion.objects, canonical="7", digest=canonical.digest(b"7"))


@pytest.mark.parametrize(
    "tamper", [other_declaration, another_tool_s, without_sense, nothing_at_all, another_policy, no_policy_text]
)
def test_a_row_that_was_altered_denies(world: World, tamper: Callable[[ToolVersion], None]) -> None:
    assert check.judge(asked()).verdict.outcome is Outcome.NEEDS_APPROVAL
    tamper(ToolVersion.objects.get(tool__name="files.write"))
    assert codes(check.judge(asked())) == ["policy_error"]


def test_a_fault_in_the_check_denies_and_keeps_its_detail_to_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> str:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(headline, "render", fault)
    checked = check.judge(asked())
    assert codes(checked) == ["policy_error"]
    assert "secret detail" not in checked.verdict.reasons[0].sentence


def test_a_database_that_is_away_decides_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(versions, "compiled", away)
    with pytest.raises(DatabaseError):
        check.judge(asked())


def test_a_call_is_bound_to_its_own_version_while_several_are_enabled(world: World) -> None:
    old = ToolVersion.objects.get(tool__name="files.write")
    declaration = old.declaration.replace('"risk":"medium"', '"risk":"high"')
    new = ToolVersion.objects.create(
        tool=old.tool, digest=canonical.digest(declaration.encode()), declaration=declaration, state="enabled",
        created_at=clock.now(),
    )  # fmt: skip
    assert check.judge(asked()).version == new
    assert check.judge(asked(version=old)).version == old
    allowlist.disable(old.pk, actor="system:cli")
    assert codes(check.judge(asked(version=old))) == ["tool_not_enabled"]


def test_a_published_policy_counts_for_the_next_check(world: World) -> None:
    earlier = check.judge(asked())
    text = PolicyVersion.objects.get().document.replace("The archive is kept", "It is kept")
    versions.publish(text, author=world.author, publisher=world.ava)
    later = check.judge(asked())
    assert earlier.policy and later.policy
    assert (earlier.policy.number, later.policy.number) == (1, 2)


def test_a_signature_is_remembered_and_everything_else_looked_at_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = world.preauthorize()
    claims = jwt.verify(row.kind, row.token, now=clock.now())
    monkeypatch.setattr("jwt.decode", lambda *_, **__: pytest.fail("verified again"))
    assert jwt.verify(row.kind, row.token, now=clock.now()) == claims
    with pytest.raises(jwt.TokenRefusedError, match="expired"):
        jwt.verify(row.kind, row.token, now=claims.expires_at)
    with pytest.raises(jwt.TokenRefusedError, match="kind"):
        jwt.verify("execution", row.token, now=clock.now())


def test_the_verdict_of_a_sensitive_argument_shows_no_value(world: World) -> None:
    old = ToolVersion.objects.get(tool__name="files.write")
    declare(old, old.declaration.replace('"sensitive_arguments":[]', '"sensitive_arguments":["content"]'))
    text = PolicyVersion.objects.get().document.partition("\ntests:")[0] + (
        "\n  - name: canary\n    match: {tools: [files.write]}\n"
        "    when: [{argument: content, operator: contains, value: nar}]\n    deny: {message: No birds.}\n"
    )
    versions.publish(text, author=world.author, publisher=world.ava, override="A test.")
    checked = check.judge(replace(asked(), arguments=canonical.encode({**WRITE, "content": "canary-41"})))
    stored = check.record(asked(), checked, checked.verdict, PolicyCheck.Phase.PROPOSAL)
    assert "No birds." in str(stored.verdict)
    assert "canary-41" not in str(stored.verdict)
