"""The worker as it runs: a process for each target, so that one that hangs holds nobody up; and what a kill leaves."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery import Celery
from django.conf import settings as now
from django.db import connection
from pytest_django import Settings

from agents import queue
from agents.models import Notification, NotificationTarget
from agents.notifications.tasks import deliver
from m1site.demo import roles
from tests.agents.steps import ask
from tests.killing import below, is_alive
from tests.people import until
from tests.targets import HttpTarget, serving, tell
from tests.world import make_world

pytestmark = pytest.mark.django_db(transaction=True)
WORK = [sys.executable, "-m", "django", "m1", "notify", "work"]


def environment(redis_url: str, urls: list[str]) -> dict[str, str]:
    """Return what the worker of this test's database is told."""
    database = os.environ["M1_TEST_DATABASE_URL"]
    if connection.vendor == "postgresql":
        database = f"{database.rpartition('/')[0]}/{connection.settings_dict['NAME']}"
    return {
        "PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "m1site.settings", "M1_MODE": "development",
        "M1_ROLE": "housekeeping", "DATABASE_URL": database, "M1_BROKER_URL": redis_url,
        "M1_AUDIT_MAC_KEY": now.M1_AUDIT_MAC_KEY.decode(), "M1_NOTIFY_URLS": "\n".join(urls), "LOG_LEVEL": "DEBUG",
    }  # fmt: skip


@contextmanager
def working(told: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker until the block ends."""
    with log.open("wb") as errors:
        process = subprocess.Popen(WORK, env=told, stdout=errors, stderr=errors, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


ASK = """
import sys, django; django.setup()
from m1site import celery, urls
import agents.tasks
app = celery.app
app.loader.import_default_modules()
print("apprise" in sys.modules, "agents.notify" in app.tasks, app.conf.task_routes["agents.notify"]["queue"])
"""


def test_no_other_process_loads_what_sends_nor_reads_its_queue(redis_url: str) -> None:
    told = environment(redis_url, []) | {"M1_NOTIFY_URLS": ""}
    asked = subprocess.run([sys.executable, "-c", ASK], env=told, capture_output=True, text=True, check=True)
    assert asked.stdout.split() == ["False", "False", "notifications"]
    assert "notifications" not in roles.CONCURRENCY


def test_a_target_that_hangs_holds_nobody_up_and_a_killed_worker_is_made_up_for(
    tmp_path: Path, redis_url: str, settings: Settings
) -> None:
    world, slow, quick = make_world(tmp_path), HttpTarget(), HttpTarget()
    urls = [f"json://user:hunter2@{one.place}/hooks/secret-path" for one in (slow, quick)]
    slow.open.clear()
    log = tmp_path / "log"
    settings.M1_NOTIFY_ADDRESSES = ()
    with serving(slow.http), serving(quick.http):
        with working(environment(redis_url, urls), log) as process, Celery(broker=redis_url) as broker:
            until(lambda: NotificationTarget.objects.count() == 2, what="the worker has made its targets")
            ask(world)
            for _ in range(2):  # what is called twice is sent once
                for key in NotificationTarget.objects.order_by("label").values_list("pk", flat=True):
                    broker.send_task(queue.NOTIFY, args=[str(key)], queue="notifications")
            slow.wait()
            quick.wait()
            until(lambda: Notification.objects.filter(state="sent").exists(), what="the quick one was told")
            assert len(below(process.pid)) == 3, "one for each target, and one more"
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert not is_alive(process.pid)
        row = Notification.objects.get(state="waiting")
        assert (row.attempts, row.begun_at is not None) == (1, True)
        tell(urls)
        assert not deliver(row.target_id), "the lease of the dead one holds"
        NotificationTarget.objects.update(lease_until=row.begun_at)
        Notification.objects.update(next_at=row.begun_at)
        slow.open.set()
        assert deliver(row.target_id)
    assert ["sent again" in told["message"] for told in slow.told] == [False, True]
    assert len(quick.told) == 1
    assert Notification.objects.filter(state="sent").count() == 2
    told = log.read_text()
    assert "notifications@" in told and not [one for one in ("hunter2", "secret-path") if one in told]
