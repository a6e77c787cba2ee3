"""The one clock of M1 is the database's: hosts may disagree about the time, their database does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from audit.once import once_a_page

# PostgreSQL: any role may call pg_control_system(); the identifier is made by initdb and survives physical restores, in
# which transaction numbers go on. SQLite has one writer at a time, so counting rows on gives the same order.
_NOW = {
    "postgresql": "SELECT clock_timestamp()",
    "sqlite": "SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')",
}
_STAMP = {
    "postgresql": """
        SELECT clock_timestamp(), pg_current_xact_id()::text, system_identifier::text FROM pg_control_system()""",
    "sqlite": """
        SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), coalesce(max(xid), 0) + 1, 'sqlite'
        FROM audit_auditevent WHERE cluster = 'sqlite'""",
}


@dataclass(frozen=True)
class Stamp:
    """A moment and its place in the order of commits: xid grows with every transaction within one cluster."""

    at: datetime
    xid: int
    cluster: str


_stopped: ContextVar[Stamp | None] = ContextVar("stopped", default=None)


@contextmanager
def stopped() -> Iterator[Stamp]:
    """Have the clock stand still until the block ends: what one transaction does has one time, asked for once.

    For a transaction that has got all its locks: one that may still wait for another would act by a time that is over.
    """
    token = _stopped.set(None)  # the one time of a transaction around this one is not this one's
    try:
        at = stamp()
        _stopped.set(at)
        yield at
    finally:
        _stopped.reset(token)


def now() -> datetime:
    """Return the database's time at this instant, in UTC, not the time at which the transaction began.

    A page that only shows has one time, from top to bottom; so has a block in which the clock is stopped.
    """
    held = _stopped.get()
    return held.at if held else _look()


@once_a_page(lambda: None)
def _look() -> datetime:
    (value,) = _row(_NOW[connection.vendor])
    return _utc(value)


def stamp() -> Stamp:
    """Return the database's time, the number of the current transaction and the database cluster, in one query."""
    if held := _stopped.get():
        return held
    at, xid, cluster = _row(_STAMP[connection.vendor])
    return Stamp(at=_utc(at), xid=int(xid), cluster=cluster)


def _row(sql: str) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row: tuple[Any, ...] = cursor.fetchone()
    return row


def _utc(value: str | datetime) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment.astimezone(UTC)
