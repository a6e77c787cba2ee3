"""What the clock does for notifications: it calls the worker, gives up what stays untold, forgets what is old."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from agents import queue
from agents.actors import system
from agents.models import Notification, NotificationTarget
from agents.notifications import attempts
from agents.sweeping import each
from audit import clock, trail

State = Notification.State
BATCH = 100
KEPT = timedelta(days=90)
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 5, 300
NOT_TAKEN = "no worker came for it"


def call_due() -> int:
    """Call the worker for each target that something is to be told; less often the longer none comes."""
    now = clock.now()
    due = Notification.objects.filter(target=OuterRef("pk"), state=State.WAITING, next_at__lte=now)
    targets = attempts.free(now).filter(Exists(due), is_retired=False)
    return sum(_call(target, now) for target in targets)


def give_up_due() -> int:
    """Give up what nobody could be told in time, each with an event; drop what did not matter any more by then."""
    return each(_over(clock.now()).order_by("give_up_at", "pk").values_list("pk"), _give_up, kind="notification")


def forget_old() -> int:
    """Delete what ended longer than KEPT ago; what failed stands in the trail."""
    old = Notification.objects.filter(ended_at__lte=clock.now() - KEPT).order_by("ended_at")
    return Notification.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH])).delete()[0]


def _over(now: datetime) -> QuerySet[Notification]:
    is_over = Q(give_up_at__lte=now) | Q(target__is_retired=True)
    return Notification.objects.filter(is_over, state=State.WAITING)


@transaction.atomic(durable=True)
def _give_up(notification_id: UUID) -> bool:
    now = clock.now()
    locked = _over(now).select_for_update(of=("self",), skip_locked=True).select_related("target", "call")
    row = locked.filter(pk=notification_id).first()
    return row is not None and _end(row, now)


def _call(target: NotificationTarget, now: datetime) -> bool:
    wait = min(FIRST_WAIT_SECONDS * 2 ** min(target.calls, 10), LONGEST_WAIT_SECONDS) if target.calls else 0
    if target.called_at and target.called_at + timedelta(seconds=wait) > now:
        return False
    mine = NotificationTarget.objects.filter(pk=target.pk, called_at=target.called_at, calls=target.calls)
    return bool(mine.update(called_at=now, calls=F("calls") + 1)) and queue.send(queue.NOTIFY, target.pk)


def _end(row: Notification, now: datetime) -> bool:
    is_failed = attempts.is_needed(row, now) and not row.target.is_retired
    row.state, row.ended_at = State.FAILED if is_failed else State.DROPPED, now
    row.begun_at, row.error = None, row.error or (NOT_TAKEN if is_failed and not row.attempts else "")
    row.save(update_fields=["state", "ended_at", "begun_at", "error"])
    if is_failed:
        trail.append(
            "notification.failed", actor=system(), subject=f"tool_call:{row.call_id}", target=row.target.label,
            kind=row.kind, round=row.round, attempts=row.attempts, error=row.error,
        )  # fmt: skip
    return is_failed
