"""Which tools there are and which of their versions may be proposed. What code declares arrives disabled."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from audit import clock, trail
from policy import registry
from policy.errors import PolicyError
from policy.models import Tool, ToolVersion


class ToolVersionNotFoundError(PolicyError):
    """There is no tool version {name}."""

    code = "not_found"
    http_status = 404


def enabled(name: str) -> list[ToolVersion]:
    """Return the enabled versions of a tool, newest first; none for a name that is not on the list."""
    rows = ToolVersion.objects.filter(tool__name=name, state=ToolVersion.State.ENABLED)
    return list(rows.select_related("tool").order_by("-created_at", "-id"))


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


def newest(name: str) -> ToolVersion:
    """Return the newest version of a tool, enabled or not. Raises ToolVersionNotFoundError."""
    version = ToolVersion.objects.filter(tool__name=name).order_by("-created_at", "-id").first()
    if version is None:
        raise ToolVersionNotFoundError(name=name)
    return version
