"""What a tool shows about a call before anyone decides: run in the sandbox, stored with the call."""

import os
from collections.abc import Callable
from uuid import UUID

from django.db import transaction

from agents import queue
from agents.actors import system
from agents.models import ToolCall
from agents.sandbox import running
from agents.sandbox.running import Limits
from agents.states import Status
from audit import trail
from policy.registry import Definition


def make(request_id: UUID, definitions: dict[str, Definition], limits_of: Callable[[Definition], Limits]) -> None:
    """Run the preview of a pending call and store it; a failure is stored as "no preview"."""
    waiting = ToolCall.objects.filter(pk=request_id, status=Status.PENDING, preview_state="waiting")
    call = waiting.select_related("tool_version").first()
    if call is None or call.tool_version is None:
        queue.done(queue.PREVIEW, request_id)
        return None
    definition = definitions.get(call.tool_name)
    if definition is None or definition.digest != call.tool_version.digest or definition.preview is None:
        return _store(call, "failed", "")
    arguments = bytes(call.revisions.get(number=call.revision).arguments)
    try:
        result = running.run(
            definition, definition.preview, arguments, request_id=str(request_id), limits=limits_of(definition),
            environment=os.environ, beat=lambda: True,
        )  # fmt: skip
    except running.StillAliveError as error:
        return _store(call, "failed", str(error))
    return _store(call, "ready" if result.ok else "failed", result.output if result.ok else result.error)


@transaction.atomic(durable=True)
def _store(call: ToolCall, state: str, text: str) -> None:
    """Keep what was shown about these arguments; somebody may have edited them meanwhile, and waits for another."""
    waiting = ToolCall.objects.filter(pk=call.pk, revision=call.revision, preview_state="waiting")
    if waiting.update(preview_state=state, preview=text):
        queue.done(queue.PREVIEW, call.pk)
        trail.append("tool_call.previewed", actor=system(), subject=f"tool_call:{call.pk}", state=state)
