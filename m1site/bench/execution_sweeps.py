"""How long each sweep takes while nothing waits, and while thousands of calls do; in a database of its own."""

import logging
import secrets
import time
from datetime import timedelta
from statistics import median

from django.db import connection
from django.db.models import F
from django.test.utils import override_settings

from agents.models import ToolCall
from m1site.bench import inbox_rows
from m1site.bench.own_database import own_database
from m1site.celery import SWEEPS, app

ROUNDS = 11


def main(count: str) -> dict[str, float]:
    """Return the median of each sweep, in milliseconds, by number of waiting calls and name."""
    logging.disable(logging.WARNING)
    with override_settings(M1_AUDIT_MAC_KEY=secrets.token_bytes(48)), own_database():
        app.loader.import_default_modules()
        found = _medians(0)
        inbox_rows.make(int(count), are_alike=False)
        later = F("created_at") + timedelta(hours=1)
        ToolCall.objects.filter(status="pending").update(
            remind_at=later, escalate_at=later, round_began_at=F("created_at")
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return found | _medians(int(count))


def _medians(count: int) -> dict[str, float]:
    return {f"{count}.{name.removeprefix('agents.')}": _median(name) for name in SWEEPS}


def _median(name: str) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        app.tasks[name]()
        times.append((time.perf_counter() - began) * 1000)
    return round(median(times[1:]), 2)
