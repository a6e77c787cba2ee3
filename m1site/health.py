"""Whether M1 is well: /health asks the database and has it write, /health/live touches nothing."""

from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.db import Error, ProgrammingError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.http import require_safe

FULL = 0.98
DETAIL = "The database does not answer, or takes nothing that is written: it may be away, read-only or full."
_CGROUP = Path("/sys/fs/cgroup")
# One page on the disk, until the commit: nothing in the write-ahead log, nothing that others see or have to clean up.
_WRITE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS m1_health (line text) ON COMMIT DELETE ROWS;
    INSERT INTO m1_health VALUES ('M1 asks whether there is room.')"""


def _version() -> str:
    try:
        return version("m1")
    except PackageNotFoundError:  # run from a source tree that nobody installed
        return "unknown"


VERSION = _version()


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Answer 200, or 503 when the database is away or the memory is full; Redis is optional and never counts."""
    checks = {"database": database(), "redis": cache(), "memory": memory()}
    is_well = all(checks[name]["status"] == "ok" for name in ("database", "memory"))
    return _answer("ok" if is_well else "failed", 200 if is_well else 503, checks=checks)


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer 200: this process serves requests."""
    return _answer("ok", 200)


def database() -> dict[str, Any]:
    """Return whether the database answers, and takes what is written: it may be read-only, or its disk full."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            is_well = _is_written(cursor) if connection.vendor == "postgresql" else _is_written_to_file(cursor)
    except ProgrammingError:  # a role that may make no temporary tables: what can be asked, it has answered
        return {"status": "ok"}
    except Error:
        is_well = False
    return {"status": "ok"} if is_well else {"status": "failed", "detail": DETAIL}


def _is_written(cursor: CursorWrapper) -> bool:
    cursor.execute("SHOW transaction_read_only")
    if cursor.fetchone() == ("on",):
        return False
    cursor.execute(_WRITE)
    return True


def _is_written_to_file(cursor: CursorWrapper) -> bool:
    """Put down a number that SQLite keeps for its user, as it is: a page that reaches the disk, and changes nothing.

    What is rolled back stays in memory, and a transaction of a file that is read-only begins without a word.
    """
    (number,) = cursor.execute("PRAGMA user_version").fetchone()
    cursor.execute(f"PRAGMA user_version = {number:d}")
    return True


def cache() -> dict[str, Any]:
    """Return whether the Redis cache answers, if there is one."""
    if not settings.REDIS_URL or not settings.ENABLE_REDIS_CACHING:
        return {"status": "disabled"}
    timeout = settings.REDIS_POOL["socket_connect_timeout"]
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=timeout, socket_timeout=timeout) as client:
            client.ping()
    except (redis.RedisError, OSError):
        return {"status": "failed"}
    return {"status": "ok"}


def memory() -> dict[str, Any]:
    """Return how full the memory is, of the container where it has a limit, else of the machine."""
    used = _container() or _machine()
    if used is None:
        return {"status": "ok"}
    return {"status": "failed" if used >= FULL else "ok", "used": round(used, 3)}


def _container() -> float | None:
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        current = int((_CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    reclaimable = int(stat.get("inactive_file", 0)) + int(stat.get("active_file", 0))
    return (current - reclaimable) / int(limit) if limit.isdecimal() and int(limit) else None


def _machine() -> float | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        return 1 - kilobytes["MemAvailable"] / kilobytes["MemTotal"]
    except (OSError, ValueError, KeyError):
        return None


def _answer(status: str, code: int, **more: Any) -> JsonResponse:
    facts = {"status": status, "timestamp": datetime.now(UTC).isoformat(), "version": VERSION, **more}
    return JsonResponse(facts, status=code, headers={"Cache-Control": "no-store"})


urlpatterns = [path("health", health), path("health/live", live)]
