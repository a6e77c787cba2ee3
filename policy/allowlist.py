"""Which tools there are and which of their versions may be proposed. What code declares arrives disabled."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from audit import clock, trail
from audit.prepared import prepared
from policy import registry
from policy.errors import PolicyError
from policy.models import Tool, ToolVersion


class ToolVersionNotFoundError(PolicyError):
    """There is no tool version {name}."""

    code = "not_found"
    http_status = 404


class AmbiguousDigestError(PolicyError):
    """More than one version of {name} has a digest that begins with {digest}; give more of it."""

    code = "ambiguous_digest"


def enabled(name: str) -> list[ToolVersion]:
    """Return the enabled versions of a tool, newest first; none for a name that is not on the list.

    The name is an agent's text: what could never be a tool's does not come to the database, which refuses some of it.
    """
    if not registry.NAME.fullmatch(name):
        return []
    return versions_enabled(name)


@prepared(str)
def versions_enabled(name: str) -> QuerySet[ToolVersion]:
    """Say the enabled versions of a tool, as `enabled` returns them."""
    rows = ToolVersion.objects.filter(tool__name=name, state=ToolVersion.State.ENABLED)
    return rows.select_related("tool").order_by("-created_at", "-id")


@transaction.atomic(durable=True)
def sync(modules: Iterable[str], *, actor: str = "system:cli") -> list[ToolVersion]:
    """Publish what the modules declare and return the versions that are new: disabled, until a person enables them."""
    new = []
    for definition in registry.load(modules).values():
        tool, _ = Tool.objects.get_or_create(name=definition.name, defaults={"created_at": clock.now()})
        version, is_new = ToolVersion.objects.get_or_create(
            tool=tool, digest=definition.digest,
            defaults={"declaration": definition.declaration.decode(), "created_at": clock.now()},
        )  # fmt: skip
        if is_new:
            trail.append("tool.published", actor=actor, subject=f"tool:{tool.name}", digest=definition.digest)
            new.append(version)
    return new


@transaction.atomic(durable=True)
def set_state(version_id: UUID, state: ToolVersion.State, *, actor: str) -> ToolVersion:
    """Enable or disable one version. Saying what is so already changes nothing. Raises ToolVersionNotFoundError."""
    version = ToolVersion.objects.select_related("tool").filter(pk=version_id).first()
    if version is None:
        raise ToolVersionNotFoundError(name=version_id)
    if ToolVersion.objects.filter(pk=version_id).exclude(state=state).update(state=state):
        event = "tool.enabled" if state == ToolVersion.State.ENABLED else "tool.disabled"
        trail.append(event, actor=actor, subject=f"tool:{version.tool.name}", digest=version.digest)
    version.state = state
    return version


def enable(version_id: UUID, *, actor: str) -> ToolVersion:
    """Let calls of this version be proposed."""
    return set_state(version_id, ToolVersion.State.ENABLED, actor=actor)


def disable(version_id: UUID, *, actor: str) -> ToolVersion:
    """Let no call of this version be proposed or claimed any more."""
    return set_state(version_id, ToolVersion.State.DISABLED, actor=actor)


def gone(modules: Iterable[str]) -> list[ToolVersion]:
    """Return the enabled versions that the modules do not declare: an executor with this code leaves their calls."""
    declared = {(one.name, one.digest) for one in registry.load(modules).values()}
    rows = ToolVersion.objects.filter(state=ToolVersion.State.ENABLED).select_related("tool")
    return [row for row in rows.order_by("tool__name", "-created_at") if (row.tool.name, row.digest) not in declared]


def newest(name: str) -> ToolVersion:
    """Return the newest version of a tool, enabled or not. Raises ToolVersionNotFoundError."""
    return find(name, "")


def find(name: str, digest: str) -> ToolVersion:
    """Return the version of a tool whose digest begins so; the newest for "".

    Raises ToolVersionNotFoundError, AmbiguousDigestError.
    """
    versions = ToolVersion.objects.filter(tool__name=name, digest__startswith=digest).select_related("tool")
    found = list(versions.order_by("-created_at", "-id")[:2])
    if not found:
        raise ToolVersionNotFoundError(name=f"{name} {digest}".rstrip())
    if digest and len(found) > 1:
        raise AmbiguousDigestError(name=name, digest=digest)
    return found[0]


def compared_with(version: ToolVersion) -> ToolVersion | None:
    """Return what a version is to be compared with: the newest other one that is enabled, else the one before it."""
    others = ToolVersion.objects.filter(tool_id=version.tool_id).exclude(pk=version.pk).select_related("tool")
    in_use = others.filter(state=ToolVersion.State.ENABLED)
    earlier = others.filter(created_at__lte=version.created_at)
    return in_use.order_by("-created_at", "-id").first() or earlier.order_by("-created_at", "-id").first()
