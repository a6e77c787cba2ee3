"""Queries whose SQL Django writes once a process: where one is asked for every call, writing it costs most of its time.

    @prepared(UUID, int)
    def revisions(call_id: UUID, number: int) -> QuerySet[ToolCallRevision]:
        return ToolCallRevision.objects.filter(call=call_id, number=number)

    revisions(call.pk, 2)  # a list, read from the database at each call

The function is called once, with samples. Two calls differ in values alone, never in the SQL: an argument is compared
with something, it is never None and never a collection, and nothing in the function depends on it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.sql import DeleteQuery, Query, UpdateQuery

from audit.statements import Statement

P = ParamSpec("P")
M = TypeVar("M", bound=Model)
Row = TypeVar("Row")
Said = TypeVar("Said")
Change = tuple[QuerySet[Any], dict[str, Any]]
Ask = tuple[Callable[..., list[Any]], tuple[Any, ...]]
SAMPLES: dict[type, Callable[[int], Any]] = {  # by position: no two alike, and like no constant of a query
    UUID: lambda _: uuid4(),
    str: lambda _: secrets.token_hex(20),
    int: lambda position: 20_000 + position,  # fits into the smallest column
    datetime: lambda position: datetime(1900, 1, 1, tzinfo=UTC) + timedelta(microseconds=position),
}
_queries: dict[Callable[..., list[Any]], _Statements] = {}
_found: ContextVar[dict[Ask, list[Any]] | None] = ContextVar("found", default=None)


def prepared(*kinds: type) -> Callable[[Callable[P, QuerySet[M, Row]]], Callable[P, list[Row]]]:
    """Have a function that says a query return its rows.

    kinds   of the function's arguments, in their order: UUID, str, int, datetime
    At the first call raises NotPreparedError for an argument that is no parameter of the SQL.
    """

    def decorate(say: Callable[P, QuerySet[M, Row]]) -> Callable[P, list[Row]]:
        statements = _Statements(kinds, say, lambda rows: rows.query)

        @wraps(say)
        def rows(*args: P.args, **kwargs: P.kwargs) -> list[Row]:
            known = _found.get()
            if known is not None and (rows, args) in known:
                return known[rows, args]
            return statements.here().rows(args)

        _queries[rows] = statements
        return rows

    return decorate


@contextmanager
def at_once(*asks: Ask) -> Iterator[None]:
    """Put prepared questions in one round trip, where the database allows it; in the block each has its answer then.

    asks   a prepared function and its arguments, each; of rows that the block itself does not change
    """
    statements = [_queries[query].here() for query, _ in asks]
    with connection.wrap_database_errors, _pipeline():
        cursors = [statement.asked(args) for statement, (_, args) in zip(statements, asks, strict=True)]
        found = [statement.read(cursor) for statement, cursor in zip(statements, cursors, strict=True)]
    for cursor in cursors:
        cursor.close()
    token = _found.set(dict(zip(asks, found, strict=True)))
    try:
        yield
    finally:
        _found.reset(token)


def prepared_update(*kinds: type) -> Callable[[Callable[P, Change]], Callable[P, int]]:
    """Have a function that says rows and their new values change them, and return how many there were."""
    return _changing(kinds, _update)


def prepared_delete(*kinds: type) -> Callable[[Callable[P, QuerySet[Any]]], Callable[P, int]]:
    """Have a function that says rows of a table to which nothing points delete them, and return how many there were."""
    return _changing(kinds, lambda rows: rows.query.chain(DeleteQuery))


def _changing(
    kinds: tuple[type, ...], query_of: Callable[[Said], Query]
) -> Callable[[Callable[P, Said]], Callable[P, int]]:
    def decorate(say: Callable[P, Said]) -> Callable[P, int]:
        statements = _Statements(kinds, say, query_of)

        @wraps(say)
        def changed(*args: P.args, **kwargs: P.kwargs) -> int:
            return statements.here().changed(args)

        return changed

    return decorate


def _update(said: Change) -> Query:
    rows, values = said
    query: Any = rows.query.chain(UpdateQuery)
    query.add_update_values(values)
    return query  # type: ignore[no-any-return]


def _pipeline() -> AbstractContextManager[Any]:
    connection.ensure_connection()
    return connection.connection.pipeline() if connection.vendor == "postgresql" else nullcontext()


class _Statements:
    """The statement of one query for each kind of database."""

    def __init__(self, kinds: tuple[type, ...], say: Callable[..., Any], query_of: Callable[[Any], Query]) -> None:
        self._kinds, self._say, self._query_of = kinds, say, query_of
        self._known: dict[tuple[str, bool], Statement] = {}

    def here(self) -> Statement:
        name = connection.vendor, getattr(connection.features, "uses_server_side_binding", False)
        if (found := self._known.get(name)) is None:
            samples = [SAMPLES[kind](position) for position, kind in enumerate(self._kinds)]
            said = self._say(*samples)
            found = self._known[name] = Statement(said, self._query_of(said), samples)
        return found
