"""A prepared query finds what its QuerySet finds, anew each time; what cannot be prepared says so."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import DataError, OperationalError, connection, models, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from agents.models import Decision, Outbox
from audit import clock
from audit.prepared import Change, at_once, prepared, prepared_delete, prepared_update
from audit.statements import NotPreparedError
from m1site.accounts.models import User
from tests.factories import decide, make_tool_call, make_user

pytestmark = pytest.mark.django_db
TASK = "agents.execute"
Say = Callable[..., QuerySet[Any, Any]]


def rows() -> list[Outbox]:
    """Return three rows: two of one task, one of another."""
    now = clock.now()
    return [
        Outbox.objects.create(
            task=task, key=uuid4(), created_at=now, next_at=now + timedelta(hours=number), sends=number
        )
        for number, task in enumerate((TASK, TASK, "agents.plan"))
    ]


def by_key(key: UUID) -> QuerySet[Outbox]:
    return Outbox.objects.filter(key=key)


def by_all(task: str, sends: int, before: datetime) -> QuerySet[Outbox]:
    return Outbox.objects.filter(Q(sends__gte=sends) | Q(next_at__lt=before), task=task).order_by("-sends")


def deferred(task: str) -> QuerySet[Outbox]:
    return Outbox.objects.filter(task=task).defer("next_at").order_by("sends")


def two_values(task: str) -> QuerySet[Outbox, Any]:
    return Outbox.objects.filter(task=task).order_by("sends").values_list("key", "created_at")


def keys(sends: int) -> QuerySet[Outbox, Any]:
    return Outbox.objects.filter(sends__gt=sends).order_by("sends").values_list("key", flat=True)


def twice(task: str, sends: int) -> QuerySet[Outbox]:
    same = Outbox.objects.filter(task=OuterRef("task"), sends=sends)
    return Outbox.objects.filter(Exists(same), task=task).annotate(twice=F("sends") * 2).order_by("-sends")[:1]


QUERIES: list[tuple[Say, Callable[[list[Outbox]], tuple[Any, ...]]]] = [
    (by_key, lambda made: (made[1].key,)),
    (by_key, lambda made: (uuid4(),)),
    (by_all, lambda made: (TASK, 1, made[0].next_at)),
    (by_all, lambda made: (TASK, 0, made[2].next_at)),
    (deferred, lambda made: (TASK,)),
    (two_values, lambda made: (TASK,)),
    (keys, lambda made: (0,)),
    (twice, lambda made: (TASK, 1)),
]
KINDS: dict[Say, tuple[type, ...]] = {
    by_key: (UUID,),
    by_all: (str, int, datetime),
    deferred: (str,),
    two_values: (str,),
    keys: (int,),
    twice: (str, int),
}


def facts(found: list[Any]) -> list[Any]:
    """Return what was read, of objects their loaded fields."""
    return [
        {name: value for name, value in vars(one).items() if name != "_state"} if isinstance(one, models.Model) else one
        for one in found
    ]


@pytest.mark.parametrize(("say", "values"), QUERIES)
def test_it_finds_what_its_queryset_finds(say: Say, values: Callable[[list[Outbox]], tuple[Any, ...]]) -> None:
    args = values(rows())
    once_said = prepared(*KINDS[say])(say)
    for _ in range(3):
        assert facts(once_said(*args)) == facts(list(say(*args)))


def test_it_reads_anew_each_time_and_has_its_sql_written_once() -> None:
    written: list[UUID] = []

    @prepared(UUID)
    def found(key: UUID) -> QuerySet[Outbox]:
        written.append(key)
        return by_key(key)

    first, second, _ = rows()
    assert [row.sends for row in found(first.key)] == [0]
    Outbox.objects.filter(pk=first.pk).update(sends=9)
    assert [row.sends for row in found(first.key)] == [9]
    assert [row.pk for row in found(second.key)] == [second.pk]
    assert len(written) == 1
    assert first.key not in written


def test_related_rows_come_with_it_also_where_there_are_none() -> None:
    @prepared(UUID, int)
    def given(call_id: UUID, round_: int) -> QuerySet[Decision]:
        rows = Decision.objects.filter(call=call_id, round=round_).select_related("person", "on_behalf_of", "token")
        return rows.order_by("created_at")

    call, ava, ben = make_tool_call(), make_user("ava"), make_user("ben")
    decide(call, ava)
    decide(call, ben, on_behalf_of=ava)
    found = given(call.pk, call.round)
    with connection.execute_wrapper(refuse_queries):
        assert [(row.person, row.on_behalf_of, row.token) for row in found] == [(ava, None, None), (ben, ava, None)]


def refuse_queries(*_: object) -> None:
    pytest.fail("a query was asked for what had been read")


def test_a_change_says_how_many_rows_it_met() -> None:
    @prepared_update(str, UUID, datetime)
    def postponed(task: str, key: UUID, until: datetime) -> Change:
        return Outbox.objects.filter(task=task, key=key), {
            "next_at": until,
            "sends": F("sends") + 1,
            "taken_until": None,
        }

    @prepared_delete(str)
    def forgotten(task: str) -> QuerySet[Outbox]:
        return Outbox.objects.filter(task=task)

    first, second, _ = rows()
    later = clock.now() + timedelta(days=3)
    assert [postponed(TASK, first.key, later), postponed("agents.plan", first.key, later)] == [1, 0]
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.next_at, first.sends, second.next_at < later) == (later, 1, True)
    assert [forgotten(TASK), forgotten(TASK)] == [2, 0]
    assert Outbox.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_lock_outside_of_a_transaction_is_refused_the_second_time_too() -> None:
    @prepared(UUID)
    def locked(key: UUID) -> QuerySet[Outbox]:
        return by_key(key).select_for_update()

    (first, *_) = rows()
    with pytest.raises(transaction.TransactionManagementError):
        locked(first.key)
    with transaction.atomic():
        assert [row.pk for row in locked(first.key)] == [first.pk]
    with pytest.raises(transaction.TransactionManagementError):
        locked(first.key)


@pytest.mark.parametrize(
    ("kinds", "say", "args"),
    [
        ((UUID,), lambda key: Outbox.objects.all(), [uuid4()]),
        ((UUID,), by_key, [None]),
        ((str, str), lambda task, other: Outbox.objects.filter(task=task), [TASK, TASK]),
    ],
    ids=["not asked for", "None", "one of two"],
)
def test_what_is_no_value_of_the_query_is_refused(kinds: tuple[type, ...], say: Say, args: list[Any]) -> None:
    with pytest.raises(NotPreparedError):
        prepared(*kinds)(say)(*args)


@pytest.mark.django_db(transaction=True)
def test_threads_ask_over_their_own_connections() -> None:
    @prepared(str)
    def members(name: str) -> QuerySet[Any]:
        return get_user_model().objects.filter(groups__name=name).order_by("username")

    names = [f"group-{number}" for number in range(4)]
    for name in names:
        User.objects.create_user(f"user-of-{name}").groups.set([Group.objects.create(name=name)])

    def asked(number: int) -> bool:
        try:
            name = names[number % 4]
            with transaction.atomic():  # seen by this connection alone
                User.objects.filter(username=f"user-of-{name}").update(first_name=str(number))
                return [(one.username, one.first_name) for one in members(name)] == [(f"user-of-{name}", str(number))]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(asked, range(40)))


@pytest.mark.django_db(transaction=True)
def test_what_is_asked_at_once_is_known_in_the_block_and_asked_anew_after_it() -> None:
    queue: dict[Say, Any] = {say: prepared(*KINDS[say])(say) for say in (by_key, by_all, two_values, keys)}
    first, second, _ = rows()
    asks = [(queue[by_key], (first.key,)), (queue[by_all], (TASK, 0, first.next_at)), (queue[two_values], (TASK,))]
    expected = [facts(query(*args)) for query, args in asks]
    with transaction.atomic(), at_once(*asks):
        with connection.execute_wrapper(refuse_queries):
            assert [facts(query(*args)) for query, args in asks] == expected
        assert [one.pk for one in queue[by_key](second.key)] == [second.pk]
        assert queue[keys](1) == [Outbox.objects.get(sends=2).key]
    first.delete()
    assert [queue[by_key](first.key), len(queue[two_values](TASK))] == [[], 1]


@pytest.mark.django_db(transaction=True)
def test_a_question_that_fails_among_several_fails_for_all_and_leaves_the_connection_usable() -> None:
    @prepared(int)
    def broken(sends: int) -> QuerySet[Outbox]:
        return Outbox.objects.filter(sends=1 / (F("sends") - sends))

    found = prepared(UUID)(by_key)
    (first, *_) = rows()
    with pytest.raises(DataError), transaction.atomic(), at_once((found, (first.key,)), (broken, (first.sends,))):
        pytest.fail("the block began without an answer")
    assert [one.pk for one in found(first.key)] == [first.pk]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("sqlite" in os.environ.get("M1_TEST_DATABASE", ""), reason="needs PostgreSQL")
def test_a_server_that_is_gone_is_the_error_that_everybody_handles() -> None:
    found = prepared(UUID)(by_key)
    (first, *_) = rows()
    assert found(first.key)
    with pytest.raises(OperationalError), transaction.atomic():
        process = connection.connection.info.backend_pid
        with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
        with at_once((found, (first.key,)), (found, (uuid4(),))):
            pytest.fail("the block began without an answer")
    connection.close()
    assert [one.pk for one in found(first.key)] == [first.pk]
