"""One turn of a sweep: every row in a transaction of its own, and one that fails does not stop the others."""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import Error, connection, transaction
from django.db.models import QuerySet

from agents.actors import system
from audit import clock, trail
from audit.models import AuditEvent

BATCH, MOST_BATCHES = 100, 5
LOCK_MS, LOCK_NOT_AVAILABLE = 100, "55P03"
TOLD_EVERY = timedelta(hours=1)
FAILED = "sweep.failed"
logger = logging.getLogger(__name__)


def each(keys: QuerySet[Any, tuple[UUID, ...]], change: Callable[..., bool], *, kind: str) -> int:
    """Change a batch of rows, one by one, and return how many changed.

    keys    what a row is changed by, ordered; its own key is the last
    change  its own transaction; False: the row was not as it looked
    kind    what the rows are, as the trail names them: tool_call, run
    A row that fails, or that somebody holds, is left as it is until the next turn; another is taken in its stead.
    """
    changed = failed = 0
    with _little_patience():
        for _ in range(MOST_BATCHES):
            outcomes = [_tried(change, key, kind) for key in list(keys[failed : failed + BATCH])]
            changed += outcomes.count(True)
            if None not in outcomes:
                break
            failed += outcomes.count(None)
    return changed


@contextmanager
def _little_patience() -> Iterator[None]:
    """Have nobody wait for long for a row that another transaction holds; on SQLite the connection's timeout rules."""
    if connection.vendor != "postgresql":
        yield
        return
    _run(f"SET lock_timeout = {LOCK_MS}")
    try:
        yield
    finally:
        if connection.is_usable():  # a new connection waits as long as it always did
            _run("RESET lock_timeout")


def _run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _tried(change: Callable[..., bool], key: tuple[UUID, ...], kind: str) -> bool | None:
    """Return what the change said; None if it failed, and with a database that is away none of the others can."""
    try:
        return change(*key)
    except Exception as exc:
        if not connection.is_usable():
            raise
        if getattr(exc.__cause__, "sqlstate", "") == LOCK_NOT_AVAILABLE:
            return None
        _tell(f"{kind}:{key[-1]}", exc)
        return None


def _tell(subject: str, exc: Exception) -> None:
    """Say where it failed; the words of an exception may hold what a log must not."""
    lines = "".join(traceback.format_tb(exc.__traceback__))
    logger.error("a sweep could not change %s: %s\n%s", subject, type(exc).__name__, lines)
    try:
        _record(subject, type(exc).__name__)
    except (Error, OSError) as untold:
        logger.error("nor could that be put on the trail: %s", type(untold).__name__)  # noqa: TRY400 - see above


@transaction.atomic(durable=True)
def _record(subject: str, error: str) -> None:
    lately = AuditEvent.objects.filter(subject=subject, action=FAILED, created_at__gt=clock.now() - TOLD_EVERY)
    if not lately.exists():
        trail.append(FAILED, actor=system(), subject=subject, error=error)
