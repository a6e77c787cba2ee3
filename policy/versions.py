"""Published policies: immutable and numbered; the newest is in force."""

from functools import lru_cache

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import transaction

from audit import clock, trail
from policy import allowlist, documents
from policy.engine import CompiledPolicy
from policy.errors import PolicyError
from policy.models import PolicyVersion, Tool


class PolicyRefusedError(PolicyError):
    """The policy cannot be published: {problem}"""

    code = "policy_refused"


class FourEyesError(PolicyError):
    """The author of a policy does not publish it; another person must."""

    code = "four_eyes"
    http_status = 403


def active() -> PolicyVersion | None:
    """Return the version in force, or None before the first is published: then everything is denied."""
    return PolicyVersion.objects.order_by("-number").first()


def compiled(version: PolicyVersion) -> CompiledPolicy:
    """Return the version's rules ready to judge with."""
    return _compiled(version.digest, version.document)


@transaction.atomic(durable=True)
def publish(text: str, *, author: AbstractUser, publisher: AbstractUser, note: str = "") -> PolicyVersion:
    """Publish a document as the next version, in force at once.

    Raises DocumentError, PolicyRefusedError when a test case fails or a rule does not fit the tools, FourEyesError.
    """
    if settings.M1_POLICY_FOUR_EYES and author.pk == publisher.pk:
        raise FourEyesError()
    document = documents.load(text)
    schemas = {name: rows[0].declared["schema"] for name in _tool_names() if (rows := allowlist.enabled(name))}
    problems = [f"{one.where}: {one.problem}" for one in documents.check_against_tools(document, schemas)]
    problems += [f"test {one.case}: {one.problem}" for one in documents.run_tests(document, schemas)]
    if problems:
        raise PolicyRefusedError(problem="; ".join(problems)[:4000])
    newest = PolicyVersion.objects.select_for_update().order_by("-number").first()
    version = PolicyVersion.objects.create(
        number=newest.number + 1 if newest else 1, document=text,
        canonical=documents.canonical(document).decode(), digest=documents.digest(document),
        author_id=author.pk, publisher_id=publisher.pk, note=note, published_at=clock.now(),
    )  # fmt: skip
    trail.append(
        "policy.published", actor=f"user:{publisher.pk}", subject=f"policy:{version.number}",
        digest=version.digest, author=author.pk, note=note[:1000],
    )  # fmt: skip
    return version


def _tool_names() -> list[str]:
    return list(Tool.objects.values_list("name", flat=True))


@lru_cache(maxsize=8)
def _compiled(digest: str, text: str) -> CompiledPolicy:
    document = documents.load(text)
    if documents.digest(document) != digest:
        raise PolicyRefusedError(problem="the stored document is not the one that was published.")
    return document.compiled()
