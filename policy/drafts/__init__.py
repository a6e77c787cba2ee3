"""The one draft of the next policy: read, edited piece by piece or as a whole, examined, published."""

from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from policy import publishing, versions
from policy.cases import Failure
from policy.differences import differences
from policy.documents import Document
from policy.drafts import rows
from policy.drafts.edits import apply, delete_rule, delete_test, reset, save_rule, save_test, set_note
from policy.drafts.rows import digest, read
from policy.errors import PolicyRefusedError
from policy.fitting import Finding
from policy.models import Draft, PolicyVersion, Rule

__all__ = [
    "apply", "delete_rule", "delete_test", "differences", "digest", "document", "failures", "findings", "publish",
    "read", "reset", "save_rule", "save_test", "set_note", "text",
]  # fmt: skip
EDIT, PUBLISH, READ = "policy.change_rule", publishing.PUBLISH, "policy.view_policyversion"


def document() -> Document:
    """Return what the draft says. Raises DocumentError where it has no rule."""
    return rows.document(read())


def text() -> str:
    """Return the draft as YAML: word for word as it was applied, comments too, while that says the same."""
    return rows.text(read())


def findings() -> list[Finding]:
    """Return what lint says of the draft; a draft without a rule is one error."""
    return examine().findings


def failures() -> list[Failure]:
    """Return the draft's test cases that fail."""
    return examine().failures


def examine() -> publishing.Examination:
    """Return findings and failures of the draft as it stands."""
    if not Rule.objects.exists():
        problem = "the draft has no rule, so every call would be denied; add one"
        return publishing.Examination([Finding("no_rule", "the draft", problem, is_error=True)], [])
    return publishing.examine(document())


@transaction.atomic(durable=True)
def publish(
    *, publisher: AbstractUser, note: str = "", override: str = "", revision: int | None = None,
    request_key: UUID | None = None,
) -> PolicyVersion:  # fmt: skip
    """Publish the draft as the next version, in force at once; its author is who edited the draft last.

    override     why warnings of lint are overridden; with "" they stop it
    revision     the one that the publisher saw, or None
    request_key  found again under it, a version that was published before is returned and nothing is done
    Raises PolicyRefusedError, FourEyesError, StaleDraftError, StaleVersionError, NotAPersonError.
    """
    draft = rows.locked()
    if request_key and (done := PolicyVersion.objects.filter(pk=request_key).first()):
        return done
    rows.refuse_stale(draft, revision)
    _refuse_nothing_new(draft)
    version = publishing.insert(
        rows.text(draft), rows.document(draft), author=draft.author or publisher, publisher=publisher,
        editors=set(draft.editors.values_list("pk", flat=True)), note=note, override=override, key=request_key,
    )  # fmt: skip
    draft.base, draft.text = version, version.document
    draft.revision += 1
    draft.save()
    draft.editors.clear()
    return version


def _refuse_nothing_new(draft: Draft) -> None:
    """Raise PolicyRefusedError where there is no rule, or nothing but what is in force, or that has changed below."""
    active = versions.active()
    if not Rule.objects.exists():
        raise PolicyRefusedError(problem="the draft has no rule, so every call would be denied. Add one.")
    if active is not None and active.digest == digest(draft):
        raise PolicyRefusedError(problem=f"the draft says the same as {active}, which is in force.")
    if active != draft.base:
        raise PolicyRefusedError(problem=f"{active} was published since the draft began. Apply or reset it first.")
