"""The draft: its copy of what is in force, every edit of it, and what nobody can do to it."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import canonical
from audit.errors import M1Error
from audit.models import AuditEvent, AuditPayload
from m1site.accounts.models import User
from policy import documents, drafts, versions, yaml_text
from policy.errors import (
    DocumentError,
    DuplicateNameError,
    FieldError,
    NotAPersonError,
    NotInDraftError,
    RuleExpectedError,
    StaleDraftError,
)
from policy.models import Draft, Rule, RuleTest
from tests.factories import make_user
from tests.policy.strategies import POLICY
from tests.world import POLICY as DEMO
from tests.world import World, make_world

ASK = {"review": {"requirements": [{"count": 1, "groups": ["approver"]}]}}
NEW: dict[str, Any] = {"name": "ask-first", "match": {"tools": ["files.read"]}, **ASK}
CASE: dict[str, Any] = {
    "name": "asked", "call": {"tool": "files.list", "arguments": {"path": "."}}, "expect": {"outcome": "needs_approval"}
}  # fmt: skip


@pytest.fixture
def world(db: None, tmp_path: Path) -> World:
    return make_world(tmp_path)


def told() -> list[dict[str, Any]]:
    """Return the payloads of the draft's events, in order."""
    found = AuditEvent.objects.filter(action="policy.draft_changed", subject="policy:draft").order_by("xid", "id")
    bodies = [canonical.parse(bytes(AuditPayload.objects.get(event=event).body)) for event in found]
    return [body | {"actor": event.actor} for event, body in zip(found, bodies, strict=True) if isinstance(body, dict)]


def rule_of(name: str) -> dict[str, Any]:
    return Rule.objects.get(name=name).value


# What it is


def test_it_begins_as_a_copy_of_what_is_in_force(world: World) -> None:
    active = versions.active()
    assert active is not None
    assert (drafts.text(), drafts.digest(drafts.read())) == (DEMO, active.digest)
    assert drafts.read().base == active
    assert drafts.document() == documents.load(DEMO)
    assert not drafts.read().editors.exists()
    assert told() == []


@pytest.mark.django_db
def test_before_the_first_policy_it_is_empty_and_says_so() -> None:
    assert (drafts.read().base, Rule.objects.count()) == (None, 0)
    assert yaml_text.read(drafts.text())[0] == {"format": 1, "rules": []}
    assert [one.code for one in drafts.findings()] == ["no_rule"]
    with pytest.raises(DocumentError):
        drafts.document()


def test_untouched_it_follows_what_is_published_past_it_and_touched_it_stays(world: World) -> None:
    drafts.read()
    second = versions.publish(DEMO.replace("An", "Any"), author=world.author, publisher=world.ava)
    assert drafts.read().base == second
    drafts.save_rule(NEW, editor=world.sam)
    versions.publish(DEMO, author=world.author, publisher=world.ava)
    assert drafts.read().base == second
    assert Rule.objects.filter(name="ask-first").exists()


def test_there_is_one(world: World) -> None:
    drafts.read()
    with pytest.raises(Exception, match="draft_only_one|constraint"), transaction.atomic():
        Draft.objects.create(pk=2)


# Applied as a whole


@settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(rules=POLICY.filter(bool), note=st.sampled_from(["", "Why not.\nTwo lines."]))
@pytest.mark.django_db
def test_what_is_applied_exported_and_applied_again_is_equal_to_the_byte(rules: list[Any], note: str) -> None:
    wanted = documents.from_value({"format": 1, "rules": rules} | ({"note": note} if note else {}))
    ada = User.objects.filter(username="ada").first() or make_user("ada")
    for text in (documents.dump(wanted), canonical.encode(documents.to_value(wanted)).decode()):
        drafts.apply(text, editor=ada)
        Draft.objects.update(text="")  # what is exported is made from the rows
        exported = drafts.text()
        assert documents.canonical(documents.load(exported)) == documents.canonical(wanted)
        assert drafts.digest(drafts.read()) == documents.digest(wanted)
        drafts.apply(exported, editor=ada)
        assert documents.canonical(drafts.document()) == documents.canonical(wanted)


def test_the_text_stays_word_for_word_while_it_says_what_the_rows_say(world: World) -> None:
    text = "# Mind the archive.\n" + DEMO
    drafts.apply(text, editor=world.sam)
    assert drafts.text() == text
    drafts.save_rule(NEW, editor=world.sam)
    assert "# Mind" not in drafts.text()
    assert documents.load(drafts.text()) == drafts.document()
    drafts.delete_rule("ask-first", editor=world.sam)
    assert drafts.text() == text


def test_applying_keeps_who_wrote_what_stays_and_the_order(world: World) -> None:
    drafts.read()
    before = {row.name: (row.pk, row.author_id, row.updated_at) for row in Rule.objects.all()}
    text = DEMO.replace("seven years, so", "eight years, so").replace("  - name: read-files", "  - name: looking")
    text = text.replace("rules: [read-files]", "rules: [looking]")
    drafts.apply(text, editor=world.sam)
    after = {row.name: (row.pk, row.author_id, row.updated_at) for row in Rule.objects.all()}
    assert list(after) == [rule.name for rule in documents.load(text).rules]
    assert {name for name in after if before.get(name) != after[name]} == {"looking", "archive-stays"}
    assert {author for _, author, _ in (after["looking"], after["archive-stays"])} == {world.sam.pk}
    assert after["archive-stays"][0] == before["archive-stays"][0]


def test_applying_is_one_event_and_the_same_again_is_none(world: World) -> None:
    was = drafts.digest(drafts.read())
    text = DEMO.replace("An e-mail", "E-mail").replace("seven years, so", "eight years, so")
    for _ in range(2):
        draft = drafts.apply(text, editor=world.sam)
    [event] = told()
    assert event == {
        "actor": f"user:{world.sam.pk}", "what": "all", "name": "", "revision": draft.revision, "before": was,
        "after": documents.digest(documents.load(text)),
    }  # fmt: skip
    assert (draft.author, list(draft.editors.all())) == (world.sam, [world.sam])


@pytest.mark.parametrize("text", ["", "rules: 7", "a: [", "format: 1\nrules: []", "\x00", "\ud800", "x" * 5_000_001])
def test_what_is_no_policy_is_not_applied(world: World, text: str) -> None:
    drafts.read()
    with pytest.raises(DocumentError) as error:
        drafts.apply(text, editor=world.sam)
    assert error.value.facts["problems"]
    assert drafts.text() == DEMO
    assert told() == []


# Edited piece by piece


def test_a_rule_is_added_at_the_end_changed_in_its_place_renamed_and_deleted(world: World) -> None:
    draft = drafts.save_rule(NEW, editor=world.sam)
    names = [row.name for row in Rule.objects.all()]
    assert names[-1] == "ask-first" and len(names) == len(documents.load(DEMO).rules) + 1
    drafts.save_rule(NEW | {"description": "More."}, editor=world.ava, was="ask-first")
    drafts.save_rule(NEW | {"name": "asking"}, editor=world.sam, was="ask-first")
    assert [row.name for row in Rule.objects.all()] == [*names[:-1], "asking"]
    drafts.delete_rule("asking", editor=world.sam)
    assert [row.name for row in Rule.objects.all()] == names[:-1]
    events = told()
    assert [(one["what"], one["name"], one.get("was")) for one in events] == [
        ("rule", "ask-first", None), ("rule", "ask-first", None), ("rule", "asking", "ask-first"),
        ("rule", "asking", None),
    ]  # fmt: skip
    assert [one["before"] for one in events] == ["", *(one["after"] for one in events[:-1])]
    assert events[-1]["after"] == "" and drafts.read().revision == draft.revision + 3
    assert set(drafts.read().editors.all()) == {world.sam, world.ava}


def test_saving_what_is_there_changes_nothing(world: World) -> None:
    revision = drafts.read().revision
    drafts.save_rule(rule_of("archive-stays"), editor=world.sam, was="archive-stays")
    drafts.save_test(RuleTest.objects.all()[0].value, editor=world.sam, was=RuleTest.objects.all()[0].name)
    drafts.set_note(drafts.read().note, editor=world.sam)
    assert drafts.read().revision == revision
    assert not drafts.read().editors.exists() and told() == []


def test_test_cases_follow_a_rule_to_its_new_name(world: World) -> None:
    drafts.read()
    drafts.save_rule(rule_of("archive-stays") | {"name": "archive"}, editor=world.sam, was="archive-stays")
    case = RuleTest.objects.get(name="the archive stays").value
    assert case["expect"]["rules"] == ["archive", "delete-files"]
    assert drafts.failures() == []


def test_a_rule_that_a_test_case_expects_is_not_deleted(world: World) -> None:
    drafts.read()
    with pytest.raises(RuleExpectedError, match="the archive stays"):
        drafts.delete_rule("archive-stays", editor=world.sam)
    drafts.delete_test("the archive stays", editor=world.sam)
    drafts.delete_rule("archive-stays", editor=world.sam)
    assert drafts.document()


def test_test_cases_are_added_changed_and_deleted_and_fail_when_they_are_wrong(world: World) -> None:
    drafts.save_test(CASE, editor=world.sam)
    assert drafts.failures() == []
    drafts.save_test(CASE | {"expect": {"outcome": "denied"}}, editor=world.sam, was="asked")
    assert [(one.case, one.problem) for one in drafts.failures()] == [("asked", "expected denied, got needs_approval")]
    drafts.delete_test("asked", editor=world.sam)
    assert [one["what"] for one in told()] == ["test", "test", "test"]


def test_the_note_is_part_of_the_document(world: World) -> None:
    drafts.set_note("Other.", editor=world.sam)
    assert drafts.document().note == "Other."
    drafts.set_note("", editor=world.sam)
    assert drafts.document().note == ""
    assert [one["what"] for one in told()] == ["note", "note"]


@pytest.mark.parametrize(
    ("edit", "error", "path"),
    [
        (lambda who: drafts.save_rule({"name": "x"}, editor=who), FieldError, ("match",)),
        (lambda who: drafts.save_rule(NEW | {"odd": 1}, editor=who), FieldError, ("odd",)),
        (lambda who: drafts.save_rule(NEW | {"when": [{"argument": "a"}]}, editor=who), FieldError, None),
        (lambda who: drafts.save_rule(NEW | {"name": "archive-stays"}, editor=who), DuplicateNameError, ("name",)),
        (lambda who: drafts.save_rule(NEW | {"name": "archive-stays"}, editor=who, was="read-files"),
         DuplicateNameError, ("name",)),
        (lambda who: drafts.save_rule(NEW, editor=who, was="no-such"), NotInDraftError, None),
        (lambda who: drafts.delete_rule("no-such", editor=who), NotInDraftError, None),
        (lambda who: drafts.delete_test("no such", editor=who), NotInDraftError, None),
        (lambda who: drafts.save_test(CASE | {"name": "the archive stays"}, editor=who), DuplicateNameError, ("name",)),
        (lambda who: drafts.save_test(CASE | {"expect": {"outcome": "denied", "rules": ["read-file"]}}, editor=who),
         FieldError, ("expect", "rules", 0)),
        (lambda who: drafts.save_test(CASE | {"call": {"tool": "\x00"}}, editor=who), FieldError, ("call", "tool")),
        (lambda who: drafts.set_note("\x00", editor=who), FieldError, ("note",)),
        (lambda who: drafts.set_note("x" * 5_001, editor=who), FieldError, ("note",)),
    ],
)  # fmt: skip
def test_an_edit_that_cannot_be_changes_nothing(
    world: World, edit: Any, error: type[M1Error], path: tuple[str | int, ...] | None
) -> None:
    before = drafts.read()
    with pytest.raises(error) as told_:
        edit(world.sam)
    if path is not None:
        assert told_.value.facts["path"] == path
    assert (drafts.text(), drafts.read().revision) == (DEMO, before.revision)
    assert told() == []


EDITS: dict[str, Any] = {
    "apply": lambda who, **seen: drafts.apply(DEMO.replace("demo's", "other"), editor=who, **seen),
    "save_rule": lambda who, **seen: drafts.save_rule(NEW, editor=who, **seen),
    "delete_rule": lambda who, **seen: drafts.delete_rule("send-mail", editor=who, **seen),
    "save_test": lambda who, **seen: drafts.save_test(CASE, editor=who, **seen),
    "delete_test": lambda who, **seen: drafts.delete_test("the archive stays", editor=who, **seen),
    "set_note": lambda who, **seen: drafts.set_note("Other.", editor=who, **seen),
    "reset": lambda who, **seen: drafts.reset(editor=who, **seen),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_what_another_has_changed_is_refused_and_names_them(world: World, edit: str) -> None:
    seen = drafts.read().revision
    drafts.set_note("Mine.", editor=world.ava, revision=seen)
    with pytest.raises(StaleDraftError, match="ava"):
        EDITS[edit](world.sam, revision=seen)
    assert len(told()) == 1


@pytest.mark.parametrize("edit", EDITS)
def test_programs_edit_nothing(world: World, edit: str) -> None:
    drafts.read()
    robot = User.objects.create(username="robot", kind=User.Kind.SERVICE)
    with pytest.raises(NotAPersonError, match="robot"):
        EDITS[edit](robot)
    assert drafts.text() == DEMO and told() == []


# Back to what was published


def test_a_reset_to_what_is_in_force_is_nobodys_work(world: World) -> None:
    drafts.save_rule(NEW, editor=world.sam)
    drafts.reset(editor=world.ava)
    assert drafts.text() == DEMO
    assert not drafts.read().editors.exists()
    assert told()[-1]["after"] == documents.digest(documents.load(DEMO))


def test_a_reset_to_an_earlier_version_is_an_edit(world: World) -> None:
    first = versions.active()
    versions.publish(DEMO.replace("demo's", "other"), author=world.author, publisher=world.ava)
    drafts.save_rule(NEW, editor=world.sam)
    drafts.reset(editor=world.ava, version=first)
    assert drafts.text() == DEMO
    assert list(drafts.read().editors.all()) == [world.ava]
    assert drafts.read().base == versions.active()


@pytest.mark.django_db
def test_a_reset_before_the_first_policy_empties_it() -> None:
    ada = make_user("ada")
    drafts.save_rule(NEW, editor=ada)
    drafts.reset(editor=ada)
    assert (Rule.objects.count(), drafts.read().editors.count()) == (0, 0)


def test_an_edit_without_its_event_is_no_edit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts.read()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("policy.drafts.rows.trail.append", broken)
    with pytest.raises(RuntimeError):
        drafts.save_rule(NEW, editor=world.sam)
    assert not Rule.objects.filter(name="ask-first").exists()


def test_a_thousand_rules_take_few_queries(world: World, django_assert_max_num_queries: Any) -> None:
    rules = [NEW | {"name": f"rule-{number}"} for number in range(1_000)]
    text = canonical.encode({"format": 1, "rules": rules}).decode()
    drafts.read()
    with django_assert_max_num_queries(40, connection=connection):
        drafts.apply(text, editor=world.sam)
    with django_assert_max_num_queries(25, connection=connection):
        drafts.save_rule(NEW, editor=world.sam)
