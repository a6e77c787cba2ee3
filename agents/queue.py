"""What must happen after a commit: a row in the outbox, then a message with nothing but an id. Tasks by name only."""

import logging
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.db.models import F, Q, QuerySet
from kombu.exceptions import KombuError

from agents.models import Outbox
from audit import clock, rows
from audit.prepared import Change, prepared_delete, prepared_update

PLAN, EXECUTE, PREVIEW, NOTIFY = "agents.plan", "agents.execute", "agents.preview", "agents.notify"
QUEUES = {PLAN: "planner", EXECUTE: "executor", PREVIEW: "executor", NOTIFY: "notifications"}
RESEND_SECONDS = 10
RESEND_MOST_SECONDS = 300
MAX_ATTEMPTS = 3
HOLD_SECONDS = 5  # longer than a claim takes, shorter than the time to the next message
logger = logging.getLogger(__name__)


class Taken(Enum):
    """Whether an executor has a task to itself: it has, there is none or another is at it, or too many died of it."""

    YES = "yes"
    NO = "no"
    TOO_OFTEN = "too often"


def put(task: str, key: UUID, *, delay_seconds: float = 0) -> None:
    """Write down, within the caller's transaction, that the task is to run for the key; send it after the commit.

    delay_seconds   it is sent after that time, and messages that come before are not heeded
    """
    now = clock.now()
    due = now + timedelta(seconds=delay_seconds or RESEND_SECONDS)
    held = due if delay_seconds else None
    rows.insert(Outbox(task=task, key=key, created_at=now, next_at=due, taken_until=held))
    if not delay_seconds:
        transaction.on_commit(partial(send, task, key))


def done(task: str, key: UUID) -> None:
    """Forget what is waiting for the key, within the transaction that takes care of it."""
    _forget(task, key)


@prepared_delete(str, UUID)
def _forget(task: str, key: UUID) -> QuerySet[Outbox]:
    return Outbox.objects.filter(task=task, key=key)


def postpone(task: str, key: UUID, seconds: float) -> None:
    """Let the task wait: nothing can be done for the key now, and whoever had taken it up has come to its end."""
    later = clock.now() + timedelta(seconds=seconds)
    Outbox.objects.filter(task=task, key=key).update(next_at=later, attempts=0, taken_until=None)


def take_up(task: str, key: UUID) -> Taken:
    """Count an attempt at the task, committed before it begins: whoever dies of it has left a mark.

    A message that comes a second time finds no row, or another at it.
    """
    now = clock.now()
    if _take(task, key, now, now + timedelta(seconds=HOLD_SECONDS)):
        return Taken.YES
    return Taken.TOO_OFTEN if _free(task, key, now).filter(attempts__gte=MAX_ATTEMPTS).exists() else Taken.NO


@prepared_update(str, UUID, datetime, datetime)
def _take(task: str, key: UUID, now: datetime, until: datetime) -> Change:
    fresh = _free(task, key, now).filter(attempts__lt=MAX_ATTEMPTS)
    return fresh, {"attempts": F("attempts") + 1, "taken_until": until}


def _free(task: str, key: UUID, now: datetime) -> QuerySet[Outbox]:
    return Outbox.objects.filter(Q(taken_until=None) | Q(taken_until__lte=now), task=task, key=key)


def release(task: str, key: UUID) -> None:
    """Let others at the task again: whoever had taken it up has come to an orderly end. A wait for later stays."""
    Outbox.objects.filter(task=task, key=key, attempts__gt=0).update(attempts=0, taken_until=None)


def send(task: str, key: UUID) -> bool:
    """Send the message; a broker that is away makes it a delay, since the row stays."""
    try:
        current_app.send_task(task, args=[str(key)], queue=QUEUES[task], retry=False)
    except (KombuError, OSError) as exc:
        logger.warning("broker away, %s for %s will be sent again: %s", task, key, type(exc).__name__)
        return False
    return True


def resend_due(limit: int = 100) -> int:
    """Send again what nobody has taken in time; safe to run twice at once.

    A broker that is away is asked once. What it did not take costs the row no patience: it is due again soon.
    """
    now = clock.now()
    sent = 0
    for row in Outbox.objects.filter(next_at__lte=now).order_by("next_at")[:limit]:
        mine = Outbox.objects.filter(pk=row.pk, next_at=row.next_at)
        wait = min(RESEND_SECONDS * 2 ** min(row.sends, 5), RESEND_MOST_SECONDS)
        later, soon = (now + timedelta(seconds=seconds) for seconds in (wait, RESEND_SECONDS))
        if not mine.update(next_at=later, sends=row.sends + 1):
            continue
        if not send(row.task, row.key):
            Outbox.objects.filter(pk=row.pk, next_at=later).update(next_at=soon, sends=row.sends)
            break
        sent += 1
    return sent
