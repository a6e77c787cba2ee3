"""There is one clock, and it is the database's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from audit import clock

pytestmark = pytest.mark.django_db


def test_the_time_is_in_utc_and_near_ours() -> None:
    now = clock.now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(hours=1)


def test_a_host_whose_clock_is_wrong_does_not_matter() -> None:
    before = clock.now()
    with time_machine.travel(datetime(2001, 1, 1, tzinfo=UTC), tick=True):
        assert before <= clock.now()
        assert before <= clock.stamp().at


def test_time_goes_on_inside_a_transaction() -> None:
    with transaction.atomic():
        first = clock.now()
        assert any(clock.now() > first for _ in range(10_000))


def test_a_stamp_holds_time_transaction_and_cluster_in_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        stamp = clock.stamp()
    assert stamp.at.tzinfo is UTC
    assert stamp.xid > 0
    assert stamp.cluster == "sqlite" if connection.vendor == "sqlite" else stamp.cluster.isdigit()


def test_savepoints_do_not_change_the_number_of_the_transaction() -> None:
    with transaction.atomic():
        first = clock.stamp()
        with transaction.atomic():
            assert clock.stamp().xid == first.xid


def test_a_stopped_clock_is_asked_once_and_goes_on_afterwards(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with transaction.atomic():
        before = clock.now()
        with django_assert_num_queries(1), clock.stopped() as held:
            assert (clock.now(), clock.stamp(), clock.now()) == (held.at, held, held.at)
        assert before <= held.at
        assert any(clock.now() > held.at for _ in range(10_000))


def test_a_clock_that_is_stopped_anew_shows_a_new_time() -> None:
    with transaction.atomic(), clock.stopped() as outer:
        assert any(_stopped_anew() > outer.at for _ in range(10_000))
        assert clock.now() == outer.at


def _stopped_anew() -> datetime:
    with clock.stopped() as inner:
        return inner.at


def test_what_fails_while_the_clock_is_stopped_lets_it_go_on() -> None:
    with transaction.atomic():
        with pytest.raises(ValueError, match="no"), clock.stopped() as held:
            raise ValueError("no")
        assert any(clock.now() > held.at for _ in range(10_000))
