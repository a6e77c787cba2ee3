"""From a row to a message: who takes what, how often it is tried, and when it is given up.

The row is the truth. An attempt is counted and committed before it is made, so that a worker which is killed leaves a
row that is tried again: a message arrives at least once, or is seen not to.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from agents.models import Decision, Notification, NotificationTarget
from agents.notifications.text import Item
from agents.states import Status
from audit import clock

State, Kind = Notification.State, Notification.Kind
LEASE = timedelta(seconds=45)  # longer than a worker is given for one message
QUIET = timedelta(seconds=15)
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 15, 600
MOST_TOGETHER = 200
MOST_UNCLEAR = 5  # attempts that may have arrived: nobody is told the same for hours
INTERRUPTED = "its worker ended in the middle"


@dataclass(frozen=True, slots=True)
class Taken:
    """What one message is to tell one target; nobody else sends to it until `until`.

    keys          of the rows
    is_repeated   an earlier attempt may have arrived
    """

    target: NotificationTarget
    keys: tuple[UUID, ...]
    items: tuple[Item, ...]
    is_repeated: bool
    until: datetime


@transaction.atomic(durable=True)
def take(target_id: UUID) -> Taken | None:
    """Take what is due for a target, or nothing: while somebody else has it, it is quiet, or nothing is to be told."""
    now = clock.now()
    until = now + LEASE
    if not free(now).filter(pk=target_id, is_retired=False).update(lease_until=until, calls=0):
        return None
    needed = _needed(list(_due(target_id, now)[:MOST_TOGETHER]), now)
    if not needed:
        NotificationTarget.objects.filter(pk=target_id).update(lease_until=None)
        return None
    fewest = min(row.attempts for row in needed)  # what failed before is tried apart: it may be what makes it fail
    chosen = [row for row in needed if row.attempts == fewest]
    _keys(chosen).update(attempts=F("attempts") + 1, begun_at=now, next_at=now + _retry(fewest))
    is_repeated = any(row.is_repeated or row.begun_at for row in chosen)
    return Taken(chosen[0].target, tuple(row.pk for row in chosen), _items(chosen), is_repeated, until)


@transaction.atomic(durable=True)
def finish(taken: Taken, error: str, *, may_have_arrived: bool = False) -> bool:
    """Write down how an attempt ended; False when it ended so late that somebody else has taken it up.

    error              "" if the message was taken
    may_have_arrived   all the same, to somebody
    """
    now = clock.now()
    target = NotificationTarget.objects.filter(pk=taken.target.pk, lease_until=taken.until)
    rows = Notification.objects.filter(pk__in=taken.keys, state=State.WAITING)
    if not error:  # told is told, however late
        rows.update(state=State.SENT, ended_at=now, begun_at=None, error="")
        facts = {"last_sent_at": now, "failing_since": None, "last_error": ""}
        return bool(target.update(lease_until=None, quiet_until=now + QUIET, **facts))
    if not target.update(
        lease_until=None, quiet_until=now + QUIET, last_error=error, failing_since=Coalesce("failing_since", now)
    ):
        return False
    rows.update(begun_at=None, error=error)
    if may_have_arrived:
        rows.update(is_repeated=True)
        _give_up_unclear(rows, now)
    return True


def free(now: datetime) -> QuerySet[NotificationTarget]:
    """Return the targets that a message may go to now: nobody sends to them, and their quiet time is over."""
    is_quiet = Q(quiet_until__isnull=True) | Q(quiet_until__lte=now)
    return NotificationTarget.objects.filter(is_quiet, Q(lease_until__isnull=True) | Q(lease_until__lte=now))


def is_needed(row: Notification, now: datetime) -> bool:
    """Tell whether it is still worth telling: what was decided meanwhile is not announced any more."""
    call = row.call
    if row.kind == Kind.BROKEN_GLASS:
        return True
    if row.kind == Kind.LOST:
        return call.status == Status.LOST
    is_open = call.expires_at is not None and call.expires_at > now
    return call.status == Status.PENDING and call.round == row.round and is_open


def _due(target_id: UUID, now: datetime) -> QuerySet[Notification]:
    due = Notification.objects.filter(target_id=target_id, state=State.WAITING, next_at__lte=now, give_up_at__gt=now)
    return due.select_related("target", "call__run__agent", "call__run__requester").order_by("next_at", "created_at")


def _needed(rows: list[Notification], now: datetime) -> list[Notification]:
    """Return the rows that are to be told; drop those that do not matter any more, and leave what must not go on."""
    needed = [row for row in rows if is_needed(row, now)]
    _keys(row for row in rows if row not in needed).update(state=State.DROPPED, ended_at=now, begun_at=None)
    interrupted = _keys(row for row in needed if row.begun_at)
    interrupted.update(is_repeated=True, error=INTERRUPTED)
    _give_up_unclear(interrupted, now)
    return [row for row in needed if not row.begun_at or row.attempts < MOST_UNCLEAR]


def _give_up_unclear(rows: QuerySet[Notification], now: datetime) -> None:
    """Let the sweep give up what was tried often enough without anybody knowing whether it arrived."""
    rows.filter(attempts__gte=MOST_UNCLEAR).update(give_up_at=now, begun_at=None)


def _retry(attempts: int) -> timedelta:
    return timedelta(seconds=min(FIRST_RETRY_SECONDS * 2 ** min(attempts, 10), LONGEST_RETRY_SECONDS))


def _items(rows: list[Notification]) -> tuple[Item, ...]:
    broken = [row.call_id for row in rows if row.kind == Kind.BROKEN_GLASS]
    by = dict(
        Decision.objects.filter(call__in=broken, kind=Decision.Kind.BREAK_GLASS).values_list("call", "person_name")
    )
    ordered = sorted(rows, key=lambda row: (row.created_at, row.pk))
    return tuple(_item(row, by.get(row.call_id, "")) for row in ordered)


def _item(row: Notification, broke_glass: str) -> Item:
    call, run = row.call, row.call.run
    by = broke_glass if row.kind == Kind.BROKEN_GLASS else ""
    requester = run.requester.get_full_name() or run.requester.get_username()
    return Item(call.pk, row.kind, call.headline, call.risk, run.agent.name, requester, call.expires_at, by)


def _keys(rows: Iterable[Notification]) -> QuerySet[Notification]:
    return Notification.objects.filter(pk__in=[row.pk for row in rows])
