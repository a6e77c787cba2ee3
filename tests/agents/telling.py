"""What tests of notifications share: what waits to be told, and a worker's steps by hand."""

from datetime import timedelta
from unittest import mock

from agents.models import Notification, NotificationTarget
from agents.notifications import attempts
from audit import clock

ONE = ["json://127.0.0.1:9/one"]


def rows(**where: object) -> list[tuple[str, int, int]]:
    """Return kind, round and number of what waits to be told, oldest first."""
    waiting = Notification.objects.filter(state="waiting", **where).order_by("created_at", "id")
    return list(waiting.values_list("kind", "round", "number"))


def told_to(kind: str) -> list[str]:
    """Return the labels of those who are told."""
    return sorted(Notification.objects.filter(kind=kind).values_list("target__label", flat=True))


def target() -> NotificationTarget:
    """Return the only one."""
    return NotificationTarget.objects.get()


def take() -> attempts.Taken | None:
    """Take what is due for it."""
    return attempts.take(target().pk)


def taken() -> attempts.Taken:
    """Take what is due for it; there is something."""
    found = take()
    assert found is not None
    return found


def after(seconds: float) -> mock._patch:  # type: ignore[type-arg]
    """Let it be so much later."""
    now = clock.now()
    return mock.patch("audit.clock.now", lambda: now + timedelta(seconds=seconds))
