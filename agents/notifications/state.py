"""How telling people goes: what the check, the admin and whoever sends again ask."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import Count, Q

from agents.actors import actor_of
from agents.errors import NotFoundError, WrongStateError
from agents.models import Notification, NotificationTarget
from agents.notifications import attempts
from agents.notify import GIVE_UP
from agents.visibility import calls_visible_to
from audit import clock, trail

FAILED_WITHIN = timedelta(days=1)
CALLED_IN_VAIN = 3
State = Notification.State


@dataclass(frozen=True, slots=True)
class TargetState:
    """One target: how much waits for it, how much was given up in the last day, and what is wrong, "" for nothing."""

    label: str
    group: str
    waiting: int
    given_up: int
    last_sent_at: datetime | None
    problem: str


def targets() -> list[TargetState]:
    """Return the targets that are told, with what is wrong with each."""
    since = clock.now() - FAILED_WITHIN
    waiting = Count("notifications", Q(notifications__state=State.WAITING))
    given_up = Count("notifications", Q(notifications__state=State.FAILED, notifications__ended_at__gt=since))
    rows = NotificationTarget.objects.filter(is_retired=False).annotate(waiting=waiting, given_up=given_up)
    return [
        TargetState(row.label, row.group_name, row.waiting, row.given_up, row.last_sent_at, _problem(row, row.given_up))
        for row in rows
    ]


@transaction.atomic(durable=True)
def send_again(notification_id: UUID, *, actor: AbstractUser) -> None:
    """Let a notification that was given up be tried anew. Raises NotFoundError, WrongStateError."""
    visible = Notification.objects.filter(pk=notification_id, call__in=calls_visible_to(actor))
    row = visible.select_related("call", "target").first()
    if row is None:
        raise NotFoundError(thing="notification")
    now = clock.now()
    if row.target.is_retired or not attempts.is_needed(row, now):
        raise WrongStateError(why="nobody needs to be told of it any more.")
    failed = Notification.objects.filter(pk=row.pk, state=State.FAILED)
    if not failed.update(
        state=State.WAITING, ended_at=None, attempts=0, next_at=now, give_up_at=now + GIVE_UP, error=""
    ):
        raise WrongStateError(why="only what was given up is sent again.")
    trail.append(
        "notification.retried", actor=actor_of(actor), subject=f"tool_call:{row.call_id}", target=row.target.label,
        kind=row.kind, round=row.round,
    )  # fmt: skip


def _problem(row: NotificationTarget, given_up: int) -> str:
    if row.failing_since:
        return f"{row.last_error}, since {row.failing_since:%Y-%m-%d %H:%M} UTC"
    if row.calls >= CALLED_IN_VAIN and row.called_at:
        return f"no worker comes, last called {row.called_at:%Y-%m-%d %H:%M} UTC"
    return f"{given_up} given up in the last day" if given_up else ""
