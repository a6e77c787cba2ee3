"""How long pages take while thousands of calls wait: in this process, with every middleware, in a database of its own.

The database stands beside the configured one, on the same server, and is removed at the end.
"""

import logging
import secrets
import time
from collections.abc import Iterator
from statistics import median

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import override_settings

from agents.models import ToolCall
from m1site.bench import inbox_rows
from m1site.bench.own_database import own_database
from m1site.bench.timing import percentile

PEOPLE = ("ava", "eve", "omar", "riley")
LIVE = {"HX-Request": "true"}


def main(kind: str, count: str, rounds: str) -> dict[str, dict[str, float]]:
    """Return median and 95th percentile, in milliseconds, of each page for each person, and the median of its CPU time.

    The CPU time is that of this process: what other work on the machine takes away is not in it, nor is the database's.
    kind   `alike`: every call of an agent asks for the same; `different`: none does
    """
    logging.disable(logging.WARNING)
    plain = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}  # collects nothing
    here = override_settings(
        M1_AUDIT_MAC_KEY=secrets.token_bytes(48), STORAGES=settings.STORAGES | plain, ALLOWED_HOSTS=["testserver"]
    )
    with here, own_database():
        inbox_rows.make(int(count), are_alike=kind == "alike")
        with connection.cursor() as cursor:
            tidied = "VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE"  # as a server does by itself
            cursor.execute(tidied)
        return {f"{who}.{page}": found for who in PEOPLE for page, found in _pages(who, int(rounds))}


def _pages(who: str, rounds: int) -> Iterator[tuple[str, dict[str, float]]]:
    client = Client()
    client.force_login(get_user_model().objects.get(username=who))
    call = ToolCall.objects.filter(status="pending").order_by("rank", "expires_at").first()
    sees = who != "eve"  # the call's page does not exist for who is asked about nothing
    pages = {
        "inbox": ("/", {}), "inbox_live": ("/", LIVE), "inbox_narrowed": ("/?risk=high", {}),
        "inbox_page_20": ("/?page=20&others=20", {}), "runs": ("/runs/", {}), "away": ("/away/", {}),
    }  # fmt: skip
    if call and sees:
        path = f"/approvals/{call.pk}/"
        pages |= {
            "approval": (path, {}),
            "approval_live": (f"{path}?seen=", LIVE),
            "run": (f"/runs/{call.run_id}/", {}),
        }
        rest = {"run": f"runs/{call.run_id}", "call": f"tool-calls/{call.pk}"}
        pages |= {f"rest_{name}": (f"/api/m1/{place}", {}) for name, place in rest.items()}
    for name, (path, headers) in pages.items():
        yield name, _timed(client, path, headers, rounds)


def _timed(client: Client, path: str, headers: dict[str, str], rounds: int) -> dict[str, float]:
    times, busy = [], []
    for number in range(rounds + 1):
        began, busy_before = time.perf_counter(), time.process_time()
        answer = client.get(path, headers=headers, secure=True)
        times.append((time.perf_counter() - began) * 1000)
        busy.append((time.process_time() - busy_before) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{path} answers {answer.status_code}")
        if number == 0:
            times, busy = [], []  # templates are read and compiled then
    p95 = percentile(sorted(times), 0.95)
    return {"p50": round(median(times), 2), "p95": round(p95, 2), "cpu_p50": round(median(busy), 2)}
