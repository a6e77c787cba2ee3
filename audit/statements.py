"""SQL that Django has written once, and the way it reads what comes back: its own compiler, kept and copied.

The one place that knows how Django's compilers are made; pinned, as Django is, to one long-term release.
"""

from __future__ import annotations

import copy
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from django.db import connection, connections, transaction
from django.db.models import QuerySet
from django.db.models.sql import Query

READER = ("extra_select", "values_select", "annotation_select")


class NotPreparedError(TypeError):
    """The query cannot be prepared like this; the text says why."""


class Statement:
    """A query's SQL on the database in use, and which argument goes into which place of it.

    said      the QuerySet, for one that reads rows
    samples   what it was said with; values take their places
    """

    def __init__(self, said: object, query: Query, samples: list[Any]) -> None:
        self._compiler: Any = query.get_compiler(connection.alias)
        self._needs_transaction = query.select_for_update
        self._sql, params = self._compiler.as_sql()
        if isinstance(said, QuerySet) and self._compiler.select:
            converters = self._compiler.get_converters([column for column, _, _ in self._compiler.select])
            self._compiler.get_converters = lambda _: converters
            self._reader: Any = said._iterable_class
            self._names = {name: getattr(query, name) for name in READER}
            self._fields = vars(said)["_fields"]
        adapted = [_adapted(sample) for sample in samples]
        self._params = [(param, adapted.index(param) if param in adapted else None) for param in params]
        if set(range(len(samples))) - {place for _, place in self._params}:
            raise NotPreparedError(f"an argument is no parameter of: {self._sql}")

    def asked(self, args: tuple[Any, ...]) -> Any:
        """Return a cursor that has put the question with these values."""
        if self._needs_transaction and not connection.in_atomic_block:
            raise transaction.TransactionManagementError("rows are locked within a transaction")
        cursor = connection.cursor()
        cursor.execute(
            self._sql,
            [param if place is None else _like(param, _adapted(args[place])) for param, place in self._params],
        )
        return cursor

    def changed(self, args: tuple[Any, ...]) -> int:
        """Carry the change out and return how many rows it met."""
        with self.asked(args) as cursor:
            return int(cursor.rowcount)

    def rows(self, args: tuple[Any, ...]) -> list[Any]:
        """Return what the query finds."""
        with self.asked(args) as cursor:
            return self.read(cursor)

    def read(self, cursor: Any) -> list[Any]:
        """Return what a cursor has found, read as the QuerySet would read it."""
        found = [cursor.fetchall()]
        compiler = copy.copy(self._compiler)
        compiler.connection = connections[connection.alias]  # this thread's own
        compiler.execute_sql = lambda *_, **__: found
        query = SimpleNamespace(get_compiler=lambda using: compiler, **self._names)
        asked = SimpleNamespace(db=connection.alias, query=query, _known_related_objects={}, _fields=self._fields)
        return list(self._reader(asked))


def _adapted(value: Any) -> Any:
    """Return a value as the fields give it to this database's driver."""
    if value is None:
        raise NotPreparedError("None is another query")
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


def _like(sample: Any, value: Any) -> Any:
    """Return an integer of the driver's own type for the column, if the sample is one; anything else as it is."""
    return type(sample)(value) if isinstance(sample, int) and type(sample) is not int else value
