"""Published policies: immutable and numbered; the newest is in force."""

from collections.abc import Collection

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import QuerySet

from audit import canonical
from audit.canonical import Limits
from audit.prepared import prepared
from policy import documents, publishing
from policy.compiled.policy import CompiledPolicy
from policy.compiled.stored import compile_stored
from policy.documents import Document
from policy.errors import PolicyRefusedError
from policy.models import PolicyVersion

MAX_COMPILED = 8
_compiled: dict[str, CompiledPolicy] = {}


def active() -> PolicyVersion | None:
    """Return the version in force, or None before the first is published: then everything is denied.

    Asked anew for each check, so that a publication counts at once and everywhere; its texts are loaded when needed.
    """
    return next(iter(newest()), None)


@prepared()
def newest() -> QuerySet[PolicyVersion]:
    """Say the version in force, without its texts."""
    return PolicyVersion.objects.defer("document", "canonical").order_by("-number")[:1]


def compiled(version: PolicyVersion) -> CompiledPolicy:
    """Return the version's rules ready to judge with. Raises PolicyRefusedError for one that was altered."""
    found = _compiled.get(version.digest)
    if found is None:
        found = compile_canonical(version.canonical, version.digest)
        if len(_compiled) >= MAX_COMPILED:
            _compiled.clear()
        _compiled[version.digest] = found
    return found


def compile_canonical(text: str, digest: str) -> CompiledPolicy:
    """Return the rules of a published document, ready to judge with.

    text     its canonical JSON
    digest   SHA-256 of that, hexadecimal; another one raises PolicyRefusedError
    """
    if canonical.digest(text.encode()) != digest:
        raise PolicyRefusedError(problem="the stored document is not the one that was published.")
    return compile_stored(text)


def document(version: PolicyVersion) -> Document:
    """Return what a version says."""
    written = version.canonical.encode()  # M1's own bytes, of whatever size
    return documents.from_value(canonical.parse(written, limits=Limits(bytes=len(written), keys=len(written))))


@transaction.atomic(durable=True)
def publish(
    text: str, *, author: AbstractUser, publisher: AbstractUser, note: str = "",
    editors: Collection[AbstractUser] = (), override: str = "",
) -> PolicyVersion:  # fmt: skip
    """Publish a document as the next version, in force at once; people publish the draft, by `drafts.publish`.

    override  why warnings of lint are overridden; with "" they stop it
    Raises DocumentError, PolicyRefusedError, FourEyesError, NotAPersonError, StaleVersionError.
    """
    writers = {author.pk, *(one.pk for one in editors)}
    return publishing.insert(
        text, documents.load(text), author=author, publisher=publisher, editors=writers, note=note, override=override
    )
