"""The draft's rows: begun, locked, read and replaced; every change is noted, on the trail too."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from audit import canonical, clock, trail
from audit.canonical import Limits
from policy import case_fields, documents, rule_fields, versions, yaml_text
from policy.documents import Document
from policy.errors import StaleDraftError
from policy.models import Draft, PolicyVersion, Rule, RuleTest

ID = 1
SUBJECT = "policy:draft"
_BATCH = 500


def read() -> Draft:
    """Return the draft. While nobody has edited it, it is a copy of the active version."""
    draft = Draft.objects.select_related("base", "author").filter(pk=ID).first()
    return _begin() if draft is None or _is_behind(draft) else draft


def locked(revision: int | None = None) -> Draft:
    """Return the draft for a change, which no other can make before the caller's transaction ends.

    revision  the one that the caller saw, or None. Raises StaleDraftError if the draft has moved on since.
    """
    read()
    # Without joins: PostgreSQL would pair the row as it is after the wait with the author that it had before.
    draft = Draft.objects.select_for_update().get(pk=ID)
    refuse_stale(draft, revision)
    return draft


def refuse_stale(draft: Draft, revision: int | None) -> None:
    """Raise StaleDraftError if the draft is not at the revision that somebody saw; None is any."""
    if revision is not None and revision != draft.revision:
        raise StaleDraftError(who=draft.author or "nobody", revision=draft.revision)


def document(draft: Draft) -> Document:
    """Return what the rows say. Raises DocumentError where there is no rule."""
    return _parsed(_canonical(draft))


def text(draft: Draft) -> str:
    """Return the rows as YAML: word for word as applied while that says the same."""
    written = _canonical(draft)
    if draft.text and _digest_of(draft.text) == canonical.digest(written):
        return draft.text
    if not Rule.objects.exists():
        return yaml_text.write(canonical.parse(written))
    return documents.dump(_parsed(written))


def digest(draft: Draft) -> str:
    """Return the digest that a version with these rows has."""
    return canonical.digest(_canonical(draft))


def replace(document: Document, *, author_id: UUID) -> None:
    """Make the rows those of a document; a piece that stays as it is stays its author's."""
    _replace(Rule, ((one.name, rule_fields.to_value(one)) for one in document.rules), author_id)
    _replace(RuleTest, ((one.name, case_fields.to_value(one)) for one in document.tests), author_id)


def copy(draft: Draft, version: PolicyVersion) -> None:
    """Make the draft, which the caller saves, a copy of a version."""
    found = versions.document(version)
    replace(found, author_id=version.author_id)
    draft.base, draft.note, draft.text = version, found.note, version.document


def note_edit(draft: Draft, editor: AbstractUser, **facts: str) -> Draft:
    """Save the draft as edited by a person, with the event of it.

    facts  what (rule, test, note or all), name, before, after: digests of the piece, "" where there is none
    """
    draft.revision += 1
    draft.author_id, draft.updated_at = editor.pk, clock.now()
    draft.save()
    draft.editors.add(editor.pk)
    trail.append("policy.draft_changed", actor=f"user:{editor.pk}", subject=SUBJECT, revision=draft.revision, **facts)
    return draft


def _canonical(draft: Draft) -> bytes:
    """Return the document's RFC 8785 bytes; those of the pieces are in the rows, and fields stand in order of name."""
    fields = [b'"format":%d' % documents.FORMAT]
    if draft.note:
        fields.append(b'"note":' + canonical.encode(draft.note))
    bodies = {model: model._default_manager.values_list("body", flat=True) for model in (Rule, RuleTest)}
    fields.append(b'"rules":[' + ",".join(bodies[Rule]).encode() + b"]")
    if bodies[RuleTest]:
        fields.append(b'"tests":[' + ",".join(bodies[RuleTest]).encode() + b"]")
    return b"{" + b",".join(fields) + b"}"


def _parsed(written: bytes) -> Document:
    """Return a document from canonical bytes that M1 itself wrote: of any size."""
    return documents.from_value(canonical.parse(written, limits=Limits(bytes=len(written), keys=len(written))))


@lru_cache(maxsize=4)
def _digest_of(text: str) -> str:
    return documents.digest(documents.load(text))


@transaction.atomic
def _begin() -> Draft:
    """Make the draft a copy of the active version. No event: it says nothing that was not said before."""
    draft, _ = Draft.objects.select_for_update().get_or_create(pk=ID)
    version = versions.active()
    if version is not None and _is_behind(draft):
        copy(draft, version)
        draft.revision += 1
        draft.author_id, draft.updated_at = version.author_id, version.published_at
        draft.save()
    return draft


def _is_behind(draft: Draft) -> bool:
    """Tell whether another version is active than the one that an untouched draft copies."""
    newest = PolicyVersion.objects.order_by("-number").values_list("pk", flat=True).first()
    return newest is not None and newest != draft.base_id and not draft.editors.exists()


def _replace(model: type[Rule] | type[RuleTest], pieces: Iterable[tuple[str, Any]], author_id: UUID) -> None:
    known = {row.name: row for row in model._default_manager.all()}
    rows, now = [], clock.now()
    for position, (name, value) in enumerate(pieces):
        body = canonical.encode(value).decode()
        was = known.get(name)
        row = model(name=name, position=position, body=body, author_id=author_id, updated_at=now)
        if was is not None:
            row.pk = was.pk
            if was.body == body:
                row.author_id, row.updated_at = was.author_id, was.updated_at
        rows.append(row)
    model._default_manager.all().delete()
    model._default_manager.bulk_create(rows, batch_size=_BATCH)  # type: ignore[arg-type]
