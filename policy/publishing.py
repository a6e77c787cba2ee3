"""What stops a policy from being published, and the row and the events that a publication leaves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction
from uuid_utils.compat import uuid7

from audit import clock, trail
from policy import documents, lint
from policy.arguments import Schema
from policy.documents import Document, Failure
from policy.errors import FourEyesError, NotAPersonError, PolicyRefusedError, StaleVersionError
from policy.fitting import Finding
from policy.models import PolicyVersion, ToolVersion

MAX_NOTE, MAX_REASON, MAX_OVERRIDDEN = 5_000, 2_000, 200
MAX_TOLD, MAX_NAMED = 500, 5
PUBLISH = "policy.add_policyversion"


@dataclass(frozen=True, slots=True)
class Examination:
    """What lint and the test cases say of a document."""

    findings: list[Finding]
    failures: list[Failure]

    @property
    def is_clean(self) -> bool:
        """Nothing stops it, and nothing need be overridden."""
        return not self.findings and not self.failures


def tools() -> dict[str, Schema]:
    """Return the schema of every enabled tool by name, of its newest enabled version."""
    rows = ToolVersion.objects.filter(state=ToolVersion.State.ENABLED).select_related("tool")
    return {row.tool.name: row.declared["schema"] for row in rows.order_by("created_at", "id")}


def examine(document: Document) -> Examination:
    """Return what lint and the document's own test cases say of it."""
    schemas = tools()
    return Examination(lint.findings(document, schemas), documents.run_tests(document, schemas))


def refuse_programs(*accounts: AbstractUser) -> None:
    """Raise NotAPersonError unless all of them are people."""
    for account in accounts:
        if not getattr(account, "is_person", False):
            raise NotAPersonError(name=account.get_username())


def refuse_authors(publisher: AbstractUser, writers: Collection[UUID]) -> None:
    """Raise FourEyesError where four eyes are asked for and the publisher is among those who wrote."""
    if settings.M1_POLICY_FOUR_EYES and publisher.pk in writers:
        raise FourEyesError(others=_others(writers))


def insert(
    text: str, document: Document, *, author: AbstractUser, publisher: AbstractUser, editors: Collection[UUID],
    note: str, override: str, key: UUID | None = None,
) -> PolicyVersion:  # fmt: skip
    """Publish a document as the next version within the caller's transaction.

    editors   everybody who wrote a part of it, the author among them or not
    override  why warnings are to be overridden, or ""
    key       the version's id, where the caller brings one
    Raises PolicyRefusedError, FourEyesError, NotAPersonError, StaleVersionError.
    """
    refuse_programs(author, publisher)
    refuse_authors(publisher, {author.pk, *editors})
    overridden = _overridden(examine(document), override.strip())
    newest = PolicyVersion.objects.order_by("-number").values_list("number", flat=True).first()
    version = PolicyVersion(
        id=key or uuid7(), number=(newest or 0) + 1, document=text, canonical=documents.canonical(document).decode(),
        digest=documents.digest(document), author_id=author.pk, publisher_id=publisher.pk, note=note,
        overridden=overridden, published_at=clock.now(),
    )  # fmt: skip
    try:
        with transaction.atomic():
            version.save(force_insert=True)
    except IntegrityError as exc:  # the number is taken: another transaction was faster
        raise StaleVersionError() from exc
    _record(version, editors)
    return version


def told(finding: Finding) -> dict[str, Any]:
    """Return a finding as problem documents and answers have it."""
    return {"code": finding.code, "where": finding.where, "problem": finding.problem, "isError": finding.is_error}


def _overridden(found: Examination, reason: str) -> list[dict[str, str]]:
    """Return the warnings that the reason overrides, for the version's row. Raises PolicyRefusedError."""
    errors = [one for one in found.findings if one.is_error]
    if found.failures or errors or (found.findings and not reason):
        raise _refusal(found, errors or found.findings)
    if len(found.findings) > MAX_OVERRIDDEN:
        told_ = f"{len(found.findings)} warnings are too many to override; at most {MAX_OVERRIDDEN} are."
        raise PolicyRefusedError(problem=told_, findings=[told(one) for one in found.findings[:MAX_TOLD]])
    return [{"code": one.code, "where": one.where, "problem": one.problem, "reason": reason} for one in found.findings]


def _refusal(found: Examination, findings: Sequence[Finding]) -> PolicyRefusedError:
    problems = [f"test {one.case}: {one.problem}" for one in found.failures]
    problems += [f"{one.where}: {one.problem.removesuffix('.')}" for one in findings]
    more = f" ({len(problems) - MAX_NAMED} more)" if len(problems) > MAX_NAMED else ""
    way_out = "" if found.failures or findings[0].is_error else " Mend it, or override it with a reason."
    return PolicyRefusedError(
        problem=f"{'; '.join(problems[:MAX_NAMED])[:4000]}{more}.{way_out}",
        findings=[told(one) for one in found.findings[:MAX_TOLD]],
        failures=[{"case": one.case, "problem": one.problem} for one in found.failures[:MAX_TOLD]],
    )


def _record(version: PolicyVersion, editors: Collection[UUID]) -> None:
    actor, subject = f"user:{version.publisher_id}", f"policy:{version.number}"
    for one in version.overridden:
        trail.append("policy.finding_overridden", actor=actor, subject=subject, **one)
    trail.append(
        "policy.published", actor=actor, subject=subject, digest=version.digest, author=version.author_id,
        editors=sorted(map(str, editors)), note=version.note[:1000], overridden=len(version.overridden),
    )  # fmt: skip


def _others(writers: Collection[UUID]) -> str:
    """Return who may publish what these people wrote, as words."""
    people = get_user_model().objects.with_perm(PUBLISH, backend="django.contrib.auth.backends.ModelBackend")
    named = people.filter(kind="person").exclude(pk__in=writers).order_by("username")
    names = list(named.values_list("username", flat=True)[: MAX_NAMED + 1])
    if not names:
        return "nobody else may publish policies yet, so an administrator must let somebody"
    more = " or others" if len(names) > MAX_NAMED else ""
    return f"another person must: {', '.join(names[:MAX_NAMED])}{more}"
