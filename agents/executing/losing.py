"""A call whose end nobody knows: its worker fell silent, or could not kill the tool. A person looks, and settles it."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from agents import notify, runs
from agents.actors import system
from agents.models import Execution, ToolCall
from agents.states import Status
from audit import clock, trail

REMIND = (timedelta(hours=1), timedelta(days=1))
"""A lost call that nobody has settled: after how long people are told again, and how often from then on."""

SILENT = "The worker that ran it fell silent; whether the tool has acted is not known."
ALIVE = "Not every process of the tool could be killed: something of it may still run, and act."


def lose(request_id: UUID, note: str, **facts: str) -> bool:
    """Move an executing call to `lost` within a transaction that has locked its run; False if it is not executing.

    note   a sentence for people
    """
    executing = ToolCall.objects.filter(pk=request_id, status=Status.EXECUTING)
    if not executing.update(status=Status.LOST, note=note, remind_at=clock.now() + REMIND[0], reminders=0):
        return False
    trail.append("tool_call.lost", actor=system(), subject=f"tool_call:{request_id}", **facts)
    notify.tell(notify.Kind.LOST, ToolCall.objects.get(pk=request_id))
    return True


@transaction.atomic(durable=True)
def lose_alive(request_id: UUID, code: str, *, worker: str) -> bool:
    """Lose a call of this worker's whose tool it could not kill: no result, `cancelled` least of all, would be true.

    False, and nothing, for a call that is not this worker's any more.
    """
    if runs.lock_of(request_id) is None:
        return False
    mine = Execution.objects.filter(pk=request_id, claimed_by=worker, finished_at=None)
    if not (mine.exists() and lose(request_id, ALIVE, error_code=code)):
        return False
    mine.update(error_code=code)
    return True
