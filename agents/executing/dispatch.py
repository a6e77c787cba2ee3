"""From a message to the claim: one executor at a time, each attempt on record, and an end where they keep failing."""

from uuid import UUID

from django.db import transaction

from agents import queue, runs
from agents.actors import system
from agents.models import ToolCall
from agents.queue import Taken
from agents.states import Status
from audit import clock, trail
from policy import tokens

CODE = "undispatchable"
NOTE = f"No executor could begin it: {queue.MAX_ATTEMPTS} in a row took it up and came to no end. The tool has not run."


def take_up(request_id: UUID) -> bool:
    """Tell whether this executor, and no other now, is to claim the call; park a call that too many have died of."""
    taken = queue.take_up(queue.EXECUTE, request_id)
    if taken is Taken.TOO_OFTEN:
        park(request_id)
    return taken is Taken.YES


@transaction.atomic(durable=True)
def park(request_id: UUID) -> bool:
    """Move an approved call that cannot be claimed to `failed`, so that its run goes on; False if it is elsewhere."""
    run_id = ToolCall.objects.filter(pk=request_id).values_list("run_id", flat=True).first()
    if run_id is None:
        queue.done(queue.EXECUTE, request_id)
        return False
    run = runs.lock(run_id)
    queue.done(queue.EXECUTE, request_id)
    approved = ToolCall.objects.filter(pk=request_id, status=Status.APPROVED)
    if not approved.update(status=Status.FAILED, note=NOTE, ended_at=clock.now()):
        return False
    tokens.withdraw(request_id, actor=system(), reason=NOTE)
    trail.append("tool_call.failed", actor=system(), subject=f"tool_call:{request_id}", error_code=CODE)
    runs.resume_if_rested(run)
    return True
