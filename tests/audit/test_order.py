"""Events have one order, that of commits, and it holds whatever the clocks and however late a transaction ends."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import time_machine
from django.db import connection, transaction
from uuid_utils.compat import uuid7

from audit import trail
from audit.models import AuditEvent

WAIT_SECONDS = 30
postgresql_only = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")


def append(subject: str) -> AuditEvent:
    """Append an event about the subject."""
    return trail.append("run.created", actor="system:cli", subject=f"run:{subject}")


def in_order() -> list[str]:
    """Return the subjects of all events, in the order in which they will be sealed."""
    return [event.subject for event in AuditEvent.objects.order_by("cluster", "xid", "id")]


def settled() -> list[str]:
    """Return the subjects of the events that no open transaction can come before any more, in order.

    It may be late, since a transaction in any database of the cluster counts, but never early.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject FROM audit_auditevent WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY xid, id"
        )
        return [subject for (subject,) in cursor.fetchall()]


@pytest.mark.django_db
def test_events_of_one_transaction_keep_the_order_in_which_they_were_written() -> None:
    subjects = [append(str(number)).subject for number in range(200)]
    assert in_order() == subjects


@pytest.mark.django_db
def test_a_clock_that_is_set_back_does_not_change_the_order() -> None:
    append("1")
    with time_machine.travel(0):
        append("2")
    append("3")
    assert in_order() == ["run:1", "run:2", "run:3"]


@pytest.mark.django_db(transaction=True)
def test_transactions_follow_each_other() -> None:
    for number in range(20):
        with transaction.atomic():
            append(f"{number}a")
            append(f"{number}b")
    assert in_order() == [f"run:{number}{letter}" for number in range(20) for letter in "ab"]


@pytest.mark.django_db(transaction=True)
def test_two_clusters_are_kept_apart() -> None:
    """A restored database counts its transactions anew; the header says by which count."""
    with transaction.atomic():
        event = append("1")
    assert event.cluster
    event.cluster = "0"
    assert not trail.mac_is_valid(event)


class LateWriter:
    """A transaction in another thread that has written its event and does not commit before it is told to."""

    def __init__(self, pool: ThreadPoolExecutor, subject: str) -> None:
        self.written, self.may_commit = threading.Event(), threading.Event()
        self.done: Future[None] = pool.submit(self._write, subject)
        assert self.written.wait(WAIT_SECONDS)

    def _write(self, subject: str) -> None:
        try:
            with transaction.atomic():
                append(subject)
                self.written.set()
                assert self.may_commit.wait(WAIT_SECONDS)
        finally:
            connection.close()

    def commit(self) -> None:
        """Let it commit, and wait until it has."""
        self.may_commit.set()
        self.done.result(WAIT_SECONDS)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads, each with a connection of its own."""
    with ThreadPoolExecutor(8) as threads:
        yield threads


@postgresql_only
@pytest.mark.django_db(transaction=True)
def test_a_late_commit_is_neither_skipped_nor_overtaken(pool: ThreadPoolExecutor) -> None:
    late = LateWriter(pool, "late")
    with transaction.atomic():
        append("early")
    assert in_order() == ["run:early"]
    assert settled() == []  # "early" is committed, but "late" will come before it
    late.commit()
    assert in_order() == ["run:late", "run:early"]


@postgresql_only
@pytest.mark.django_db(transaction=True)
def test_nothing_is_settled_while_the_first_writer_is_at_work(pool: ThreadPoolExecutor) -> None:
    first, *others = [LateWriter(pool, str(number)) for number in range(8)]
    for writer in reversed(others):
        writer.commit()
        assert settled() == []
    first.commit()
    assert in_order() == [f"run:{number}" for number in range(8)]


@pytest.mark.django_db(transaction=True)
def test_concurrent_writers_lose_nothing_and_every_mac_holds(pool: ThreadPoolExecutor) -> None:
    def write(writer: int) -> None:
        try:
            for number in range(10):
                with transaction.atomic():
                    append(f"{writer}.{number}a")
                    append(f"{writer}.{number}b")
        finally:
            connection.close()

    list(pool.map(write, range(8)))
    order = in_order()
    assert len(set(order)) == len(order) == 160
    for writer in range(8):
        mine = [subject for subject in order if subject.startswith(f"run:{writer}.")]
        assert mine == [f"run:{writer}.{number}{letter}" for number in range(10) for letter in "ab"]
    assert all(trail.mac_is_valid(event) for event in AuditEvent.objects.all())


def test_ids_rise_within_a_process_and_its_forks() -> None:
    reader, writer = os.pipe()
    before = [uuid7() for _ in range(10_000)]
    child = os.fork()
    after = [uuid7() for _ in range(1_000)]
    if not child:
        os.write(writer, b"".join(number.bytes for number in after))
        os._exit(0)
    os.waitpid(child, 0)
    raw = os.read(reader, 16_000)
    forked = [raw[at : at + 16] for at in range(0, 16_000, 16)]
    mine = [number.bytes for number in (*before, *after)]
    assert mine == sorted(set(mine))
    assert [before[-1].bytes, *forked] == sorted({before[-1].bytes, *forked})
    assert not set(mine) & set(forked)
