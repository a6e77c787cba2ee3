"""A process that freezes while it holds a run's row, or whose host is gone: whoever needs the row waits for seconds."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote
from uuid import UUID

import psycopg
import pytest
from django.db import InternalError, connection, transaction

from agents.models import AgentRun
from m1site import faults, postgres_setting
from m1site.postgres_setting import IDLE_SECONDS
from tests.agents import steps
from tests.people import until
from tests.world import World

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.environ.get("M1_TEST_DATABASE") == "sqlite", reason="needs PostgreSQL"),
]
FREEZE = """
import os, signal, sys, uuid
import django
django.setup()
from django.db import transaction
from agents import runs
from agents.models import AgentRun
with transaction.atomic():
    run = runs.lock(uuid.UUID(sys.argv[1]))
    AgentRun.objects.filter(pk=run.pk).update(problem="written by a ghost")
    print("locked", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
print("committed", flush=True)
"""


def address(query: str = "") -> str:
    given = connection.settings_dict
    return (
        f"postgres://{given['USER']}:{quote(given['PASSWORD'])}@{given['HOST']}:{given['PORT']}/{given['NAME']}{query}"
    )


@contextmanager
def frozen(run_id: UUID) -> Iterator["subprocess.Popen[str]"]:
    """Have a process of M1 lock a run and stop there, as one on a host that is paused; it goes on after the block."""
    url = address("?options=-c%20idle_in_transaction_session_timeout%3D500ms")
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    told = {"DATABASE_URL": url, "M1_MODE": "development", "DJANGO_SETTINGS_MODULE": "m1site.settings"}
    process = subprocess.Popen(
        [sys.executable, "-c", FREEZE, str(run_id)], env={**kept, **told, "M1_AUDIT_MAC_KEY": os.urandom(32).hex()},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None and process.stdout.readline() == "locked\n", process.communicate()
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_row_is_free_within_seconds_and_the_frozen_one_has_changed_nothing(world: World) -> None:
    call = steps.ask(world)
    with frozen(call.run_id) as process:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '30s'")  # where M1 fails, the test would wait for ever
            assert steps.approve(call, world.ava).status == "approved"
            cursor.execute("RESET lock_timeout")
        process.send_signal(signal.SIGCONT)
        said, complaint = process.communicate(timeout=60)
    assert "committed" not in said
    assert "idle-in-transaction timeout" in complaint
    assert AgentRun.objects.get(pk=call.run_id).problem == ""


def test_a_web_process_that_was_frozen_says_503(world: World) -> None:
    with pytest.raises(InternalError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = '50ms'")
        cursor.execute("SELECT pg_backend_pid()")
        (mine,) = cursor.fetchone()
        with psycopg.connect(address(), autocommit=True) as other:
            until(lambda: not other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [mine]).fetchone())
        AgentRun.objects.count()
    fault = faults.of(caught.value)
    assert fault is not None and (fault.status, fault.code) == (503, "database_unavailable")


@pytest.mark.parametrize(
    ("given", "found"),
    [({}, f"{IDLE_SECONDS}s"), ({"options": "-c idle_in_transaction_session_timeout=1min"}, "1min")],
)
def test_every_connection_has_the_limit_unless_its_address_says_otherwise(given: dict[str, str], found: str) -> None:
    asked = postgres_setting.options(given, prepare=True)
    del asked["server_side_binding"]  # Django's own
    with psycopg.connect(address(), **asked) as fresh:
        row = fresh.execute("SHOW idle_in_transaction_session_timeout").fetchone()
    assert row == (found,)
