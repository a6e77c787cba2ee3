"""Which versions of tools may be used, and what becomes of the calls that are bound to one which may not any more."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from agents import queue, runs
from agents.actors import system
from agents.errors import ToolNotEnabledError
from agents.models import ToolCall
from agents.states import Status
from audit import clock, trail
from audit.prepared import prepared
from policy import allowlist, tokens
from policy.models import ToolVersion

OPEN = (Status.PENDING, Status.APPROVED)
CODE = "tool_not_enabled"
NOTE = "The version of the tool that this call is bound to is not enabled any more."


def enable(version_id: UUID, *, actor: str) -> ToolVersion:
    """Let calls of this version be proposed. What was denied while it was disabled stays denied."""
    return allowlist.enable(version_id, actor=actor)


def disable(version_id: UUID, *, actor: str) -> int:
    """Disable a version, deny every open call that is bound to it, and return how many those were.

    After the first commit no approval and no claim that begins finds it; what a worker was claiming just then runs.
    Should this process die before the last call is denied, the sweep goes on. Raises ToolVersionNotFoundError.
    """
    allowlist.disable(version_id, actor=actor)
    bound = ToolCall.objects.filter(status__in=OPEN, tool_version_id=version_id).order_by("pk")
    return sum(deny(*keys, actor=actor) for keys in list(bound.values_list("run_id", "pk")))


@transaction.atomic(durable=True)
def deny(run_id: UUID, request_id: UUID, *, actor: str) -> bool:
    """Deny one call if it is open and its version disabled, and tell whether it was."""
    run = runs.lock(run_id)
    call = ToolCall.objects.select_for_update(of=("self",)).select_related("tool_version").get(pk=request_id)
    call.run = run
    return not is_enabled(call) and void(call, actor=actor)


@contextmanager
def denial(request_id: UUID) -> Iterator[None]:
    """Deny the call, once the transaction within has been rolled back, if that found its version disabled."""
    try:
        yield
    except ToolNotEnabledError:
        run_id = ToolCall.objects.values_list("run_id", flat=True).get(pk=request_id)
        deny(run_id, request_id, actor=system())
        raise


def is_enabled(call: ToolCall) -> bool:
    """Tell whether the version that a call is bound to is enabled at this instant."""
    return call.tool_version_id is not None and bool(keys_enabled(call.tool_version_id))


@prepared(UUID)
def keys_enabled(version_id: UUID) -> QuerySet[ToolVersion, UUID]:
    """Say a version's key, if it is enabled."""
    return ToolVersion.objects.filter(pk=version_id, state=ToolVersion.State.ENABLED).values_list("pk", flat=True)


def void(call: ToolCall, *, actor: str) -> bool:
    """Deny an open call within the caller's transaction, which has locked its run and the call itself.

    The round is over: its votes count for nothing, and a token that was signed for it opens nothing.
    """
    open_ = ToolCall.objects.filter(pk=call.pk, status__in=OPEN, round=call.round)
    if not open_.update(status=Status.DENIED, note=NOTE, ended_at=clock.now()):
        return False
    tokens.withdraw(call.pk, actor=actor, reason=NOTE)
    queue.done(queue.EXECUTE, call.pk)
    queue.done(queue.PREVIEW, call.pk)
    digest = call.tool_version.digest if call.tool_version else ""
    trail.append(
        "tool_call.denied", actor=actor, subject=f"tool_call:{call.pk}", codes=[CODE], was=call.status,
        round=call.round, tool_digest=digest,
    )  # fmt: skip
    runs.resume_if_rested(call.run)
    return True
