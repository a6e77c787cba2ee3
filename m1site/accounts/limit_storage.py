"""Counters of the library `limits` in a table: exact whatever runs at once, shared by all processes, never evicted."""

from datetime import datetime, timedelta

from django.db import Error, transaction
from limits.storage import Storage

from audit import clock
from m1site.accounts.models import LimitWindow

LONG_OVER = timedelta(hours=1)
AT_ONCE = 200


class TableStorage(Storage):
    """Fixed windows, by the database's clock."""

    STORAGE_SCHEME = ["m1table"]  # noqa: RUF012 - as the library declares it

    @property
    def base_exceptions(self) -> type[Exception]:
        """What may go wrong."""
        return Error

    @transaction.atomic
    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to the counter of the window that is open, or of a new one, and return the sum, which is never below 0.

        expiry   seconds that a new window lasts
        """
        now = clock.now()
        row = _locked(key, now)
        is_new = row.ends_at <= now
        count = max(0, (0 if is_new else row.count) + amount)
        ends_at = now + timedelta(seconds=expiry) if is_new else row.ends_at
        LimitWindow.objects.filter(pk=row.pk).update(count=count, ends_at=ends_at)
        if is_new:
            _forget(now)
        return count

    def get(self, key: str) -> int:
        """Return the counter of the window that is open, else 0."""
        found = LimitWindow.objects.filter(key=key, ends_at__gt=clock.now()).values_list("count", flat=True)
        return found.first() or 0

    def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since 1970."""
        now = clock.now()
        found = LimitWindow.objects.filter(key=key, ends_at__gt=now).values_list("ends_at", flat=True)
        return (found.first() or now).timestamp()

    def check(self) -> bool:
        """Tell whether the table answers."""
        return LimitWindow.objects.exists() in (True, False)

    def reset(self) -> int:
        """Forget everything."""
        return LimitWindow.objects.all().delete()[0]

    def clear(self, key: str) -> None:
        """Forget one counter."""
        LimitWindow.objects.filter(key=key).delete()


def _locked(key: str, now: datetime) -> LimitWindow:
    """Return the row, new or old. The insert that updates locks it in both cases, so nothing comes in between."""
    row = LimitWindow(key=key, ends_at=now, used_at=now)
    LimitWindow.objects.bulk_create([row], update_conflicts=True, unique_fields=["key"], update_fields=["used_at"])
    return LimitWindow.objects.get(key=key)


def _forget(now: datetime) -> None:
    """Delete windows that ended long ago, except those that somebody holds."""
    over = LimitWindow.objects.filter(ends_at__lt=now - LONG_OVER).select_for_update(skip_locked=True)
    LimitWindow.objects.filter(pk__in=list(over.values_list("pk", flat=True)[:AT_ONCE])).delete()
