"""Every edit of the draft: one function, one transaction, one event; what changes nothing leaves none."""

from typing import Any, cast

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import Max

from audit import canonical, clock
from audit.canonical import JSON
from policy import case_fields, documents, rule_fields, versions
from policy.documents import MAX_NOTE, MAX_RULES, MAX_TESTS
from policy.drafts import rows
from policy.drafts.rows import locked, note_edit
from policy.errors import DuplicateNameError, NotInDraftError, RuleExpectedError
from policy.models import Draft, PolicyVersion, Rule, RuleTest
from policy.publishing import refuse_programs
from policy.reading import suggestion, wrong
from policy.reading import text as read_text

_MOST = {Rule: MAX_RULES, RuleTest: MAX_TESTS}
_WHAT = {Rule: "rule", RuleTest: "test"}


@transaction.atomic(durable=True)
def apply(text: str, *, editor: AbstractUser, revision: int | None = None) -> Draft:
    """Make the draft say what a YAML text says. Raises DocumentError, StaleDraftError, NotAPersonError."""
    refuse_programs(editor)
    document = documents.load(text)
    draft, version = locked(revision), versions.active()
    before, after = rows.digest(draft), documents.digest(document)
    if before == after and draft.text == text and draft.base == version:
        return draft
    rows.replace(document, author_id=editor.pk)
    draft.base, draft.note, draft.text = version, document.note, text
    return note_edit(draft, editor, what="all", name="", before=before, after=after)


@transaction.atomic(durable=True)
def reset(*, editor: AbstractUser, version: PolicyVersion | None = None, revision: int | None = None) -> Draft:
    """Make the draft a copy of a version, the active one if none is named, or empty where there is none.

    A copy of the active version is nobody's work, so it has no editors.
    """
    refuse_programs(editor)
    draft, active = locked(revision), versions.active()
    before = rows.digest(draft)
    if (version or active) is None:
        rows.replace(documents.Document(()), author_id=editor.pk)
        draft.note, draft.text = "", ""
    else:
        rows.copy(draft, cast(PolicyVersion, version or active))
    draft.base = active
    draft.editors.clear()
    note_edit(draft, editor, what="all", name="", before=before, after=rows.digest(draft))
    if version is None or version == active:
        draft.editors.clear()
    return draft


@transaction.atomic(durable=True)
def save_rule(value: dict[str, Any], *, editor: AbstractUser, was: str = "", revision: int | None = None) -> Draft:
    """Add a rule, or put it in the place of the one named `was`; test cases follow a rule to its new name.

    value  as `rule_fields.parse` reads it
    Raises FieldError, DuplicateNameError, NotInDraftError, StaleDraftError, NotAPersonError.
    """
    refuse_programs(editor)
    rule = rule_fields.parse(value, ())
    draft = locked(revision)
    if was and was != rule.name:
        _rename_in_tests(was, rule.name)
    return _save(draft, Rule, rule.name, rule_fields.to_value(rule), editor, was)


@transaction.atomic(durable=True)
def delete_rule(name: str, *, editor: AbstractUser, revision: int | None = None) -> Draft:
    """Take a rule out. Raises NotInDraftError, RuleExpectedError, StaleDraftError, NotAPersonError."""
    refuse_programs(editor)
    draft = locked(revision)
    for test in RuleTest.objects.all():
        if name in test.value["expect"].get("rules", ()):
            raise RuleExpectedError(case=test.name, name=name)
    return _delete(draft, Rule, name, editor)


@transaction.atomic(durable=True)
def save_test(value: dict[str, Any], *, editor: AbstractUser, was: str = "", revision: int | None = None) -> Draft:
    """Add a test case, or put it in the place of the one named `was`.

    value  as `case_fields.parse` reads it; the rules that it expects must be in the draft
    Raises FieldError, DuplicateNameError, NotInDraftError, StaleDraftError, NotAPersonError.
    """
    refuse_programs(editor)
    case = case_fields.parse(value, ())
    draft = locked(revision)
    names = frozenset(Rule.objects.values_list("name", flat=True))
    for position, expected in enumerate(case.expect.rules or ()):
        if expected not in names:
            problem = f'names the rule "{expected}", which is not in the draft{suggestion(expected, names)}'
            raise wrong(("expect", "rules", position), problem)
    return _save(draft, RuleTest, case.name, case_fields.to_value(case), editor, was)


@transaction.atomic(durable=True)
def delete_test(name: str, *, editor: AbstractUser, revision: int | None = None) -> Draft:
    """Take a test case out. Raises NotInDraftError, StaleDraftError, NotAPersonError."""
    refuse_programs(editor)
    return _delete(locked(revision), RuleTest, name, editor)


@transaction.atomic(durable=True)
def set_note(note: str, *, editor: AbstractUser, revision: int | None = None) -> Draft:
    """Say what the policy is for; "" says nothing. Raises FieldError, StaleDraftError, NotAPersonError."""
    refuse_programs(editor)
    note = read_text(note, ("note",), most=MAX_NOTE) if note else ""
    draft = locked(revision)
    if note == draft.note:
        return draft
    before, draft.note = draft.note, note
    return note_edit(draft, editor, what="note", name="", before=_digest(before), after=_digest(note))


def _save(
    draft: Draft, model: type[Rule] | type[RuleTest], name: str, value: dict[str, JSON], editor: AbstractUser, was: str
) -> Draft:
    parts, body = model._default_manager, canonical.encode(value).decode()
    if name != was and parts.filter(name=name).exists():
        problem = f'"{name}" is the name of another {_WHAT[model]} of the draft'
        raise DuplicateNameError(field="name", path=("name",), problem=problem)
    row = _row(model, was) if was else model(position=_end(model))
    before = row.body
    if before == body:
        return draft
    row.name, row.body, row.author_id, row.updated_at = name, body, editor.pk, clock.now()
    row.save()
    renamed = {"was": was} if was and was != name else {}
    return note_edit(
        draft, editor, what=_WHAT[model], name=name, before=_digest(before), after=_digest(body), **renamed
    )


def _delete(draft: Draft, model: type[Rule] | type[RuleTest], name: str, editor: AbstractUser) -> Draft:
    row = _row(model, name)
    row.delete()
    return note_edit(draft, editor, what=_WHAT[model], name=name, before=_digest(row.body), after="")


def _row(model: type[Rule] | type[RuleTest], name: str) -> Rule | RuleTest:
    row = model._default_manager.filter(name=name).first()
    if row is None:
        raise NotInDraftError(what=_WHAT[model], name=name)
    return row


def _end(model: type[Rule] | type[RuleTest]) -> int:
    """Return the position behind the last row. Raises FieldError where there are as many as a document may have."""
    parts = model._default_manager
    if parts.count() >= _MOST[model]:
        raise wrong((), f"cannot be added: the draft has {_MOST[model]} {_WHAT[model]}s already")
    last: int | None = parts.aggregate(last=Max("position"))["last"]
    return 0 if last is None else last + 1


def _rename_in_tests(old: str, new: str) -> None:
    """Have the test cases that expect a rule expect it under its new name."""
    for row in RuleTest.objects.all():
        value = row.value
        expected = value["expect"].get("rules", [])
        if old in expected:
            value["expect"]["rules"] = [new if name == old else name for name in expected]
            row.body = canonical.encode(value).decode()
            row.save(update_fields=["body"])


def _digest(body: str) -> str:
    return canonical.digest(body.encode()) if body else ""
