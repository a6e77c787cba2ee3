"""Pre-authorisations: a yes ahead of time covers what it names, as often as it says, until it is taken back."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from pytest_django import Settings
from uuid_utils.compat import uuid7

from agents import runs
from agents.errors import NotFoundError
from agents.models import Agent, AgentRun, Decision, Execution, ToolCall
from audit import canonical, clock
from audit.models import AuditEvent
from m1site.accounts.models import User
from policy import allowlist, tokens
from policy.errors import FieldError
from policy.jwt import CannotSignError
from policy.keys import KeyRing
from policy.models import ApprovalToken, PreauthorizationUse, ToolVersion
from policy.tokens import TokenEndedError, TokenNotFoundError
from tests.agents import steps
from tests.agents.steps import approve, claim, events, publish
from tests.world import POLICY, World, make_world, person

pytestmark = pytest.mark.django_db
READ = {"path": "a.txt"}
INSIDE = {"argument": "path", "operator": "path_inside", "value": "archive"}
ONE = "- {count: 1, groups: [approver]}\n      preauthorization: true"


@pytest.fixture
def world(tmp_path: Any) -> World:
    world = make_world(tmp_path)
    steps.external_agent(world)
    return world


def issue(world: World, **fields: Any) -> ApprovalToken:
    """Have ava say yes ahead of time to what the outsider reads for riley."""
    facts: dict[str, Any] = {
        "person": world.ava, "agents": ["outsider"], "requesters": ["riley"], "tools": ["files.read"], "max_uses": 3,
        "expires_in_minutes": 60,
    }  # fmt: skip
    return tokens.issue_preauthorization(**facts | fields)


def ask(
    world: World, row: ApprovalToken, tool: str = "files.read", arguments: dict[str, Any] | None = None
) -> ToolCall:
    """Have the outsider ask in a run that names the pre-authorisation, whatever the door would have said."""
    run = steps.external_run(world)
    type(run).objects.filter(pk=run.pk).update(preauthorization=row)
    return steps.propose(run, (tool, READ if arguments is None else arguments))[0]


def reasons(call: ToolCall) -> set[str]:
    """Return the codes of the reasons in the call's verdict."""
    assert call.check_row
    return {reason["code"] for reason in call.check_row.verdict["reasons"]}


def test_a_covered_call_goes_on_and_points_to_the_person(world: World) -> None:
    row = issue(world)
    call = ask(world, row)
    assert call.status == "approved"
    assert reasons(call) >= {"preauthorization_used"}
    vote = call.decisions.get()
    assert (vote.person, vote.kind, vote.token, vote.surface) == (world.ava, "preauthorization", row, "planner")
    assert events(call) == ["tool_call.vote", "tool_call.preauthorized"]
    assert events(row.jti) == ["preauthorization.issued", "preauthorization.used"]
    assert claim(call) is not None
    assert Execution.objects.get(pk=call.pk).token == row
    row.refresh_from_db()
    assert row.uses == PreauthorizationUse.objects.count() == 1


Change = Callable[[World, ApprovalToken], object]
NOT_COVERED: dict[str, tuple[dict[str, Any], str, dict[str, Any] | None, Change | None]] = {
    "another agent": ({"agents": ["demo"]}, "files.read", None, None),
    "an agent whose name begins so": ({"agents": ["outside"]}, "files.read", None, None),
    "another requester": ({"requesters": ["sam"]}, "files.read", None, None),
    "another tool": ({"tools": ["files.list"]}, "files.read", None, None),
    "arguments outside its conditions": (
        {"conditions": [INSIDE]}, "files.read", None, None
    ),
    "a way round its conditions": (
        {"conditions": [INSIDE]}, "files.read",
        {"path": "archive/../a.txt"}, None,
    ),
    "no uses left": ({}, "files.read", None, lambda world, row: ApprovalToken.objects.update(uses=3)),
    "revoked": ({}, "files.read", None, lambda world, row: tokens.revoke(row.jti, person=world.sam, reason="No.")),
    "issued by the requester": ({"person": "riley"}, "files.read", None, None),
    "issued by the agent's owner": ({"person": "author"}, "files.read", None, None),
    "issuer has left the group": ({}, "files.read", None, lambda world, row: world.ava.groups.clear()),
    "issuer deactivated": (
        {}, "files.read", None, lambda world, row: User.objects.filter(pk=world.ava.pk).update(is_active=False)
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_COVERED.values(), ids=NOT_COVERED)
def test_what_it_does_not_cover_goes_to_people_and_says_why(world: World, case: Any) -> None:
    fields, tool, arguments, change = case
    for issuer in (world.riley, world.author):
        issuer.groups.add(Group.objects.get(name="approver"))
    if "person" in fields:
        fields = {"person": getattr(world, fields["person"])}
    row = issue(world, **fields)
    if change:
        change(world, row)
    uses = ApprovalToken.objects.get(jti=row.jti).uses
    call = ask(world, row, tool, arguments)
    assert (call.status, call.decisions.count()) == ("pending", 0)
    assert reasons(call) >= {"preauthorization_not_used"}
    assert ApprovalToken.objects.get(jti=row.jti).uses == uses
    assert not PreauthorizationUse.objects.exists()


@pytest.mark.parametrize("when", ["always", "by now"])
def test_where_the_rule_wants_people_it_is_not_tried(world: World, when: str) -> None:
    row = issue(world, tools=["files.read", "files.write"])
    if when == "always":
        call = ask(world, row, "files.write", steps.WRITE)
    else:
        publish(world, POLICY.replace(ONE, ONE.replace("true", "false")).partition("\ntests:")[0] + "\n")
        call = ask(world, row)
    assert (call.status, call.decisions.count(), reasons(call)) == ("pending", 0, {"rule_asks_review"})
    row.refresh_from_db()
    assert row.uses == 0


def test_its_end_is_the_database_s_time(world: World) -> None:
    row = issue(world, expires_in_minutes=1)
    for seconds, status in ((59, "approved"), (60, "pending")):
        with mock.patch("audit.clock.now", lambda seconds=seconds: row.issued_at + timedelta(seconds=seconds)):
            assert ask(world, row).status == status


def test_it_is_pinned_to_the_definition_that_was_enabled(world: World) -> None:
    row = issue(world)
    old = ToolVersion.objects.get(tool__name="files.read")
    allowlist.disable(old.pk, actor="system:cli")
    declaration = old.declaration.replace('"timeout_seconds":10', '"timeout_seconds":11')
    new = ToolVersion.objects.create(
        tool=old.tool, digest=canonical.digest(declaration.encode()), declaration=declaration, state="enabled",
        created_at=clock.now(),
    )  # fmt: skip
    call = ask(world, row)
    assert (call.status, call.tool_version) == ("pending", new)
    assert reasons(call) >= {"preauthorization_not_used"}


def test_it_ends_with_its_last_use(world: World) -> None:
    row = issue(world, max_uses=2)
    assert [ask(world, row).status for _ in range(4)] == ["approved", "approved", "pending", "pending"]
    row.refresh_from_db()
    assert row.uses == 2


def test_a_denied_call_costs_no_use(world: World) -> None:
    row = issue(world, tools=["files.delete"])
    assert ask(world, row, "files.delete", {"path": "archive/ledger.csv"}).status == "denied"
    row.refresh_from_db()
    assert row.uses == 0


BETWEEN: dict[str, Change] = {
    "revoked": lambda world, row: tokens.revoke(row.jti, person=world.sam, reason="Enough."),
    "its issuer left the group": lambda world, row: world.ava.groups.clear(),
    "its issuer was deactivated": lambda world, row: User.objects.filter(pk=world.ava.pk).update(is_active=False),
    "its issuer became the agent's owner": lambda world, row: Agent.objects.update(owner=world.ava),
    "its issuer became the requester": lambda world, row: AgentRun.objects.update(requester=world.ava),
}


@pytest.mark.parametrize("change", BETWEEN.values(), ids=BETWEEN)
def test_it_ends_at_once_even_between_use_and_claim(world: World, change: Change) -> None:
    row = issue(world)
    call = ask(world, row)
    change(world, row)
    assert claim(call) is None
    assert ToolCall.objects.get(pk=call.pk).status == "pending"
    assert not Execution.objects.exists()
    assert "attack.refused" not in events(call)


def test_it_ends_by_time_between_use_and_claim_and_its_last_use_does_not_end_it(world: World) -> None:
    row = issue(world, expires_in_minutes=1, max_uses=2)
    late, last = ask(world, row), ask(world, row)
    assert claim(last) is not None
    with mock.patch("audit.clock.now", lambda: row.expires_at):
        assert claim(late) is None
    assert ToolCall.objects.get(pk=late.pk).status == "pending"


def test_where_two_people_are_asked_it_is_one_vote(world: World) -> None:
    publish(world, POLICY.replace(ONE, ONE.replace("1", "2")).partition("\ntests:")[0] + "\n")
    call = ask(world, issue(world))
    assert (call.status, call.decisions.count()) == ("pending", 1)
    with pytest.raises(Exception, match="decided already"):
        approve(call, world.ava)
    assert approve(call, world.sam).status == "approved"
    assert claim(call) is not None


def test_the_requester_s_own_one_counts_only_where_the_rule_says_so_and_is_flagged(world: World) -> None:
    world.riley.groups.add(Group.objects.get(name="approver"))
    publish(world, POLICY.replace(ONE, ONE + "\n      allow_self: true").partition("\ntests:")[0] + "\n")
    call = ask(world, issue(world, person=world.riley))
    assert call.status == "approved"
    assert Decision.objects.get(call=call).is_self_approval


def test_a_run_names_only_one_that_is_for_its_agent_and_requester(world: World) -> None:
    agent = Agent.objects.get(name="outsider")
    execution = steps.token_of(steps.approved(world))
    theirs, other = issue(world, requesters=["sam"]), issue(world, agents=["demo"])
    for jti in (uuid7(), execution.jti, theirs.jti, other.jti):
        with pytest.raises(NotFoundError):
            runs.create(agent=agent, requester=world.riley, goal="x", preauthorization=jti)
    tokens.revoke(theirs.jti, person=world.ava, reason="No.")
    with pytest.raises(NotFoundError):  # nobody learns how somebody else's ended
        runs.create(agent=agent, requester=world.riley, goal="x", preauthorization=theirs.jti)


BAD: list[tuple[str, dict[str, Any]]] = [
    ("agents", {"agents": []}), ("agents", {"agents": [""]}), ("agents", {"agents": [1]}),
    ("requesters", {"requesters": []}), ("tools", {"tools": []}), ("tools", {"tools": ["files.*"]}),
    ("tools", {"tools": ["files.read", "no.such"]}), ("max_uses", {"max_uses": 0}), ("max_uses", {"max_uses": -1}),
    ("max_uses", {"max_uses": 10_001}), ("max_uses", {"max_uses": True}), ("max_uses", {"max_uses": 1.5}),
    ("expires_in_minutes", {"expires_in_minutes": 0}), ("expires_in_minutes", {"expires_in_minutes": 525_601}),
    ("conditions[0]", {"conditions": [{"argument": "path", "operator": "sounds_like", "value": "x"}]}),
    ("conditions[0]", {"conditions": ["path"]}),
    ("conditions[0]", {"conditions": [{"argument": "nothing", "operator": "equals", "value": 1}]}),
    ("conditions[0]", {"conditions": [{"argument": "path", "operator": "equals", "value": 1}]}),
    ("conditions[1]", {"conditions": [INSIDE, {"not": {"any": [INSIDE, {"argument": "x", "operator": "is_absent"}]}}]}),
    ("conditions[0]", {"conditions": [INSIDE], "tools": ["files.read", "email.send"]}),
    ("requesters", {"requesters": ["riley", "nobody"]}), ("requesters", {"requesters": ["Riley"]}),
]  # fmt: skip


@pytest.mark.parametrize(("field", "fields"), BAD, ids=str)
def test_what_cannot_be_issued_is_refused_by_field(world: World, field: str, fields: dict[str, Any]) -> None:
    with pytest.raises(FieldError) as refused:
        issue(world, **fields)
    assert str(refused.value.facts["field"]).startswith(field)
    assert not ApprovalToken.objects.exists()


def test_a_disabled_tool_cannot_be_named(world: World) -> None:
    allowlist.disable(allowlist.newest("files.read").pk, actor="system:cli")
    with pytest.raises(FieldError):
        issue(world)


def test_without_a_signing_key_nothing_is_issued(world: World, settings: Settings) -> None:
    call = steps.ask(world)
    settings.M1_KEYS = KeyRing(verifying=settings.M1_KEYS.verifying)
    with pytest.raises(CannotSignError):
        issue(world)
    with pytest.raises(CannotSignError):
        approve(call, world.ava)
    assert not ApprovalToken.objects.exists()
    assert events(call) == ["tool_call.pending"]  # nothing is half approved


def test_the_same_request_issues_one(world: World) -> None:
    key = uuid7()
    assert issue(world, request_key=key) == issue(world, request_key=key)
    assert AuditEvent.objects.filter(action="preauthorization.issued").count() == 1


def test_revoking_says_who_and_why_and_happens_once(world: World) -> None:
    row = issue(world)
    with pytest.raises(FieldError):
        tokens.revoke(row.jti, person=world.sam, reason=" ")
    assert tokens.revoke(row.jti, person=world.sam, reason="Lost laptop.").revoked_at
    with pytest.raises(TokenEndedError):
        tokens.revoke(row.jti, person=world.sam, reason="Again.")
    with pytest.raises(TokenNotFoundError):
        tokens.revoke(uuid7(), person=world.sam, reason="Who?")
    assert events(row.jti) == ["preauthorization.issued", "token.revoked"]


def test_a_used_execution_token_cannot_be_revoked(world: World) -> None:
    call = steps.approved(world)
    assert claim(call) is not None
    with pytest.raises(TokenEndedError):
        tokens.revoke(steps.token_of(call).jti, person=world.sam, reason="Too late.")


def test_consuming_twice_is_refused(world: World) -> None:
    row = steps.token_of(steps.approved(world))
    with transaction.atomic():
        tokens.consume(row, actor="system:executor")
        with pytest.raises(tokens.TokenRefusedError):
            tokens.consume(row, actor="system:executor")


def test_the_token_stands_nowhere_but_in_its_row(world: World) -> None:
    call = steps.approved(world)
    secret = steps.token_of(call).token.rpartition(".")[2]
    claim(call)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            said = [bytes(cell) if isinstance(cell, memoryview) else cell for row in cursor.fetchall() for cell in row]
            assert (secret in repr(said)) == (table == "policy_approvaltoken"), table


@pytest.mark.django_db(transaction=True)
def test_ten_take_the_last_use_at_once_and_one_gets_it(world: World) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL")
    row = issue(world, max_uses=1)
    run_ids = []
    for _ in range(10):
        run = steps.external_run(world)
        type(run).objects.filter(pk=run.pk).update(preauthorization=row)
        run_ids.append(run)
    barrier, found, lock = threading.Barrier(10), Counter[str](), threading.Lock()

    def take(run: Any) -> None:
        try:
            barrier.wait()
            (call,) = steps.propose(run, ("files.read", READ))
            with lock:
                found[call.status] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(run,)) for run in run_ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"approved": 1, "pending": 9}
    row.refresh_from_db()
    assert row.uses == PreauthorizationUse.objects.count() == Decision.objects.count() == 1


def test_a_stranger_s_word_ahead_is_no_vote(world: World) -> None:
    call = ask(world, issue(world, person=person("stranger")))
    assert (call.status, call.decisions.count()) == ("pending", 0)
