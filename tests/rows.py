"""Rows that would take long to make again, kept as PostgreSQL's text: what migrations left, what many tests begin with.

On SQLite nothing is kept: tests make what they need, and Django empties the tables.
"""

import copy
from collections.abc import Callable, Iterable
from functools import cache, wraps
from typing import TypeVar

from django.db import connection, transaction

Rows = dict[str, list[str]]
"""Table to rows, each as PostgreSQL writes it in JSON."""
Made = TypeVar("Made")
_first: Rows = {}
_made: dict[Callable[[], object], tuple[object, str]] = {}


def keep_first() -> None:
    """Remember all rows as what the tables begin with."""
    _first.update(read())


def put_back() -> None:
    """Bring all tables back to what they began with; a TRUNCATE of so many would take thirty times as long."""
    _run(_to_first())


def read() -> Rows:
    """Return all rows of the tables of models."""
    found = {}
    with connection.cursor() as cursor:
        for table in _tables():
            cursor.execute(f"SELECT row_to_json(one)::text FROM {_quoted(table)} one")
            found[table] = [row for (row,) in cursor.fetchall()]
    return found


def made_once(make: Callable[[], Made]) -> Callable[[], Made]:
    """Have a function make its rows once a process; later calls write the same rows, keys and all, at once.

    It returns what belongs to the rows, and is called before anything else has been written.
    """

    @wraps(make)
    def made() -> Made:
        if not _first:
            return make()
        if made not in _made:
            first = make()
            _made[made] = copy.deepcopy(first), _script(_inserts(_new()))
            return first
        value, script = _made[made]
        _run(script)
        return copy.deepcopy(value)  # type: ignore[return-value]

    return made


def _new() -> Rows:
    """Return the rows that were not there at first. Whatever was must be there still, and as it was."""
    now = read()
    assert all(set(rows) <= set(now[table]) for table, rows in _first.items()), "what is made once changes no old row"
    return {table: [row for row in rows if row not in _first[table]] for table, rows in now.items()}


@cache
def _to_first() -> str:
    return _script([f"DELETE FROM {_quoted(table)}" for table in _tables()] + list(_inserts(_first)))


def _inserts(rows: Rows) -> Iterable[str]:
    for table, found in rows.items():
        if found:
            name, values = _quoted(table), f"[{','.join(found)}]".replace("'", "''")
            yield f"INSERT INTO {name} SELECT * FROM json_populate_recordset(NULL::{name}, '{values}')"


def _script(statements: Iterable[str]) -> str:
    """Return statements as one text, which takes one round trip; what is append-only can be deleted in it."""
    quiet, loud = (f"SET LOCAL session_replication_role = {role}" for role in ("replica", "origin"))
    return ";\n".join([quiet, *statements, loud])


def _run(script: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(script)


def _tables() -> list[str]:
    return connection.introspection.django_table_names(only_existing=True, include_views=False)


def _quoted(table: str) -> str:
    return connection.ops.quote_name(table)
