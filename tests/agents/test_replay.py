"""A draft on the calls of the past: exactly those whose answer would be another are listed, for who may see them."""

from collections.abc import Callable
from datetime import timedelta
from unittest import mock

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents import halts, past_calls, proposals, replay
from agents.models import Agent, ToolCall, ToolCallRevision
from agents.proposals import ExternalCall
from audit import canonical, clock
from m1site.accounts.models import User
from policy import documents, tokens, versions
from policy.documents import Document
from policy.models import PolicyCheck, ToolVersion
from tests.agents import steps
from tests.agents.steps import WRITE, ask, external_run, propose
from tests.agents.test_claim import change, writes_ask
from tests.agents.test_tool_versions import newer
from tests.m1site.rest import Rest, assert_problem, counts
from tests.world import POLICY, World, person

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)
FORBID = """
  - name: no-writes
    match: {tools: [files.write]}
    deny: {message: Nobody writes.}
"""


def rules(text: str = POLICY, extra: str = "") -> Document:
    """Return a policy without its tests, with rules added."""
    return documents.load(text.partition("\ntests:")[0] + "\n" + extra.strip("\n"))


def auditor() -> User:
    return User.objects.filter(username="ada").first() or person("ada", "auditor")


def replayed(document: Document, viewer: User | None = None) -> replay.Replay:
    return replay.replay(document, since=MONTH, viewer=viewer or auditor())


def summary(found: replay.Replay) -> tuple[int, int, int, int]:
    return found.judged, found.unchanged, found.flipped, found.hidden


def ahead(world: World) -> ToolCall:
    external_run(world)
    row = tokens.issue_preauthorization(
        person=world.ava, agents=["outsider"], requesters=["riley"], tools=["files.read"], max_uses=3,
        expires_in_minutes=60,
    )  # fmt: skip
    return ask(world, "files.read", {"path": "a.txt"}, preauthorization=row.jti)


def one_of_each(world: World) -> dict[str, ToolCall]:
    """Return calls that were answered in every way that the demo's policy knows."""
    return {
        "write": ask(world),
        "read": ask(world, "files.read", {"path": "a.txt"}),
        "ahead": ahead(world),
        "delete": ask(world, "files.delete", {"path": "a.txt"}),
        "archive": ask(world, "files.delete", {"path": "archive/ledger.csv"}),
    }


def test_the_policy_in_force_flips_nothing(world: World) -> None:
    calls = one_of_each(world)
    assert {call.status for call in calls.values()} == {"pending", "approved", "denied"}
    found = replayed(rules())
    assert summary(found) == (5, 5, 0, 0)
    assert (found.flips, dict(found.not_judged)) == ([], {})
    assert "groups" in found.note and found.note == replay.NOTE


def asks(count: int, group: str) -> str:
    return writes_ask(f"      requirements:\n        - {{count: {count}, groups: [{group}]}}\n")


@pytest.mark.parametrize(
    ("document", "name", "was", "would_be", "why"),
    [
        (lambda: rules(extra=FORBID), "write", "approval by 1 member of approver", "denied", "Nobody writes."),
        (lambda: rules(asks(2, "approver")), "write", "approval by 1 member of approver",
         "approval by 2 members of approver", "asks for review"),
        (lambda: rules(asks(1, "finance")), "write", "approval by 1 member of approver",
         "approval by 1 member of finance", "asks for review"),
        (lambda: rules(POLICY.replace("      preauthorization: true\n", "")), "ahead",
         "pre-authorised, in place of approval by 1 member of approver",
         "approval by 1 member of approver, without a pre-authorisation", "asks for review"),
        (lambda: rules(POLICY.replace("value: archive", "value: attic")), "archive", "denied",
         "approval by 2 members of approver", "asks for review"),
    ],
)  # fmt: skip
def test_each_kind_of_flip_is_listed_with_what_was_and_what_would_be(
    world: World, document: Callable[[], Document], name: str, was: str, would_be: str, why: str
) -> None:
    calls = one_of_each(world)
    found = replayed(document())
    assert summary(found) == (5, 4, 1, 0)
    (flip,) = found.flips
    call = calls[name]
    assert (flip.request_id, flip.tool, flip.headline, flip.at) == (
        call.pk, call.tool_name, call.headline, call.created_at,
    )  # fmt: skip
    assert (flip.was, flip.would_be) == (was, would_be)
    assert why in flip.why


def test_what_is_compared_is_the_proposal_whatever_became_of_the_call(world: World) -> None:
    approved, rejected = steps.approved(world), steps.reject(ask(world), world.sam)
    steps.claim(approved)
    steps.run_to(approved)
    tight = steps.approved(world)
    steps.publish(world, asks(2, "approver"))
    assert steps.claim(tight) is None  # superseded: its newest verdict is the claim's
    tight.refresh_from_db()
    edited = canonical.encode({"path": "archive/x.txt", "content": "y"})
    ToolCallRevision.objects.create(
        call=rejected, number=2, arguments=edited, digest=canonical.digest(edited), created_at=clock.now()
    )
    assert (tight.round, rejected.status) == (2, "rejected")
    assert summary(replayed(rules())) == (3, 3, 0, 0)
    found = replayed(rules(asks(2, "approver")))
    assert {flip.request_id for flip in found.flips} == {approved.pk, rejected.pk, tight.pk}
    in_archive = """
  - name: archive-stays-as-it-is
    match: {tools: [files.write]}
    when: [{argument: path, operator: path_inside, value: archive}]
    deny: {message: Not there.}
"""
    assert replayed(rules(extra=in_archive)).flips == []


def test_calls_that_no_rule_ever_saw_are_counted_by_the_reason(world: World) -> None:
    run = external_run(world)
    asked = [("files.write", b'{"path":1}'), ("no.such", b"{}"), ("files.read", b"{"), ("files.read", b"[]")]
    proposals.propose_external(run.pk, calls=[ExternalCall(tool, arguments, "Due.") for tool, arguments in asked])
    proposals.propose_external(run.pk, calls=[ExternalCall("files.read", b'{"path":"a.txt"}', " ")])
    halt = halts.set_halt(actor=steps.operator(), reason="Stop.")
    propose(run, ("files.write", WRITE))
    halts.lift(halt.pk, actor=steps.operator())
    found = replayed(rules(extra=FORBID))
    assert summary(found) == (0, 0, 0, 0)
    assert dict(found.not_judged) == {
        "invalid_arguments": 1, "tool_not_allowed": 1, "malformed_arguments": 2, "no_reason": 1, "halted": 1,
    }  # fmt: skip


def test_rows_that_somebody_changed_by_hand_are_not_judged(world: World) -> None:
    arguments, version, check = ask(world), ask(world, "files.read", {"path": "a"}), ask(world, "files.list", {})
    change(arguments.revisions, arguments=b'{"path":')
    change(ToolVersion.objects.filter(pk=version.tool_version_id), declaration='{"name":"files.read"}')
    ToolCall.objects.filter(pk=check.pk).update(check_row=None)
    with steps.without_triggers():
        PolicyCheck.objects.filter(request_id=check.pk).delete()
    assert dict(replayed(rules()).not_judged) == {"malformed_arguments": 1, "tool_changed": 1, "no_verdict": 1}


def test_a_call_is_judged_with_the_version_it_was_bound_to_and_today_s_groups(world: World) -> None:
    call = ask(world, "files.list", {})
    schema = call.tool_version.declared["schema"]  # type: ignore[union-attr]
    other = {**schema, "properties": {"path": {**schema["properties"]["path"], "default": "archive"}}}
    newer("files.list", schema=other)
    by_default = """
  - name: no-archive
    match: {tools: [files.list]}
    when: [{argument: path, operator: equals, value: archive}]
    deny: {message: Not there.}
  - name: no-contractors
    match: {tools: [files.list], requester_groups: [contractor]}
    deny: {message: Not you.}
"""
    assert replayed(rules(extra=by_default)).flipped == 0
    world.riley.groups.add(person("con", "contractor").groups.get())
    assert [flip.why.split(" (")[0] for flip in replayed(rules(extra=by_default)).flips] == ["Not you."]


def test_only_calls_of_the_period_count(world: World) -> None:
    old, recent = ask(world), ask(world)
    ToolCall.objects.filter(pk=old.pk).update(created_at=clock.now() - MONTH - timedelta(minutes=1))
    ToolCall.objects.filter(pk=recent.pk).update(created_at=clock.now() - MONTH + timedelta(minutes=1))
    assert [flip.request_id for flip in replayed(rules(extra=FORBID)).flips] == [recent.pk]


def test_a_viewer_sees_what_they_may_see_and_the_counts_are_exact(world: World) -> None:
    mine = ask(world)
    theirs = external_run(world)
    Agent.objects.filter(pk=theirs.agent_id).update(owner=world.ava)
    other = propose(theirs, ("files.delete", {"path": "b.txt"}))[0]
    stranger = person("stranger")
    everything = rules(POLICY, FORBID + FORBID.replace("no-writes", "no-deletes").replace("write", "delete"))
    assert summary(replayed(everything, world.riley)) == (2, 0, 2, 0)
    found = replayed(everything, stranger)
    assert (summary(found), found.flips) == ((2, 0, 2, 2), [])
    world.riley.groups.clear()
    fin = person("fin", "finance")
    steps.publish(world, asks(1, "finance"))
    asked = ask(world)
    found = replayed(everything, fin)
    assert (summary(found), [flip.request_id for flip in found.flips]) == ((3, 0, 3, 2), [asked.pk])
    assert {mine.pk, other.pk} <= {flip.request_id for flip in replayed(everything).flips}


def test_any_number_of_calls_is_read_in_batches_and_listed_within_bounds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = external_run(world)
    for _ in range(2):
        propose(run, *[("files.write", WRITE)] * 12)
        ToolCall.objects.filter(run=run).update(status="rejected", ended_at=clock.now())
        type(run).objects.filter(pk=run.pk).update(waiting_for="external")
    monkeypatch.setattr(past_calls, "BATCH", 5)
    monkeypatch.setattr(replay, "MAX_LISTED", 7)
    sizes = [len(list(batch)) for batch in past_calls.batches(clock.now() - MONTH)]
    assert sizes == [5, 5, 5, 5, 4]
    viewer = auditor()
    with CaptureQueriesContext(connection) as queries:
        found = replayed(rules(extra=FORBID), viewer)
    assert (summary(found), len(found.flips)) == ((24, 0, 24, 0), 7)
    newest = ToolCall.objects.order_by("-pk").values_list("pk", flat=True)[:7]
    assert [flip.request_id for flip in found.flips] == list(newest)
    few = len(queries)
    monkeypatch.setattr(past_calls, "BATCH", 100)
    with CaptureQueriesContext(connection) as queries:
        replayed(rules(extra=FORBID), viewer)
    assert few - len(queries) <= 4 * 4  # a batch costs two queries, and two where something flips


def test_a_replay_writes_nothing(world: World) -> None:
    one_of_each(world)
    document, viewer = rules(extra=FORBID), auditor()
    before = counts()
    replayed(document, viewer)
    assert counts() == before


def permissions(*names: str) -> list[Permission]:
    return list(Permission.objects.filter(codename__in=names))


def test_over_rest_a_document_or_the_draft_is_put_to_the_past(world: World) -> None:
    call = ask(world)
    author = person("writer", "break-glass")  # sees every call, and no policy
    rest = Rest(author)
    text = documents.dump(rules(extra=FORBID))
    assert_problem(rest.post("policy/replay", {"document": text, "sinceDays": 30}), 403, "permission_denied")
    for permission in ("change_rule", "add_policyversion", "view_policyversion"):
        author.user_permissions.set(permissions(permission))
        told = rest.post("policy/replay", {"document": text, "sinceDays": 30}).json()
        assert (told["judged"], told["unchanged"], told["flipped"], told["hidden"]) == (1, 0, 1, 0)
    (flip,) = told["flips"]
    assert (flip["requestId"], flip["wouldBe"]) == (str(call.pk), "denied")
    assert told["notJudged"] == {} and "today" in told["note"]
    told = rest.post("policy/replay", {"sinceDays": 1}).json()  # the draft begins as the policy in force
    assert (told["judged"], told["flipped"]) == (1, 0)


def test_a_fault_of_the_engine_denies_in_a_replay_as_well(world: World) -> None:
    ask(world)
    with mock.patch("policy.engine._evaluate", side_effect=ZeroDivisionError):
        found = replayed(rules())
    assert [flip.would_be for flip in found.flips] == ["denied"]
    assert versions.active() is not None
