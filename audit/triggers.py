"""Triggers that make a table append-only, on PostgreSQL and SQLite, whoever writes to it."""

from __future__ import annotations

from collections.abc import Callable, Collection

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SUFFIX = "_append_only"
"""Every trigger and function of this file is named <table>_append_only, or begins so."""

_Operation = Callable[[Apps, BaseDatabaseSchemaEditor], None]


def append_only(table: str, *, mutable: Collection[str] = ()) -> migrations.RunPython:
    """Return the migration step after which the database refuses UPDATE, DELETE, TRUNCATE and REPLACE on a table.

    mutable  columns that may still be updated, as long as no other column changes with them
    A refusal is an IntegrityError that names the table. The step can be repeated and reversed. Repeat it after any
    migration that alters the table: SQLite loses triggers when Django rebuilds a table, and does not guard columns that
    were added since. On SQLite `recursive_triggers` must be on, or REPLACE by another unique key deletes unseen.
    """
    return migrations.RunPython(_guard(table, mutable), _open(table))


def lift(table: str, *, mutable: Collection[str] = ()) -> migrations.RunPython:
    """Return the step that lets those after it alter a table; the last one of the same migration is `append_only`."""
    return migrations.RunPython(_open(table), _guard(table, mutable))


def _guard(table: str, mutable: Collection[str]) -> _Operation:
    def create(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
        _run(editor, _drop(editor, table) + _create(editor, table, mutable))

    return create


def _open(table: str) -> _Operation:
    def drop(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
        _run(editor, _drop(editor, table))

    return drop


def _run(editor: BaseDatabaseSchemaEditor, statements: list[str]) -> None:
    for statement in statements:
        editor.execute(statement, None)  # None: a % in the statement stays one


def _create(editor: BaseDatabaseSchemaEditor, table: str, mutable: Collection[str]) -> list[str]:
    if editor.connection.vendor == "postgresql":
        return _create_postgresql(editor, table, mutable)
    return _create_sqlite(editor, table, mutable)


def _drop(editor: BaseDatabaseSchemaEditor, table: str) -> list[str]:
    if editor.connection.vendor == "postgresql":
        return [f"DROP FUNCTION IF EXISTS {editor.quote_name(table + SUFFIX)}() CASCADE"]  # its triggers go with it
    names = (table + SUFFIX + kind for kind in ("_insert", "_update", "_delete"))
    return [f"DROP TRIGGER IF EXISTS {editor.quote_name(name)}" for name in names]


def _create_postgresql(editor: BaseDatabaseSchemaEditor, table: str, mutable: Collection[str]) -> list[str]:
    quoted, name, truncate = map(editor.quote_name, (table, table + SUFFIX, table + SUFFIX + "_truncate"))
    allowed = _allow_postgresql(editor, quoted, mutable) if mutable else ""
    return [
        f"""
        CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {allowed}
            RAISE EXCEPTION 'append-only table %: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
        END $$""",
        f"CREATE TRIGGER {name} BEFORE UPDATE OR DELETE ON {quoted} FOR EACH ROW EXECUTE FUNCTION {name}()",
        f"CREATE TRIGGER {truncate} BEFORE TRUNCATE ON {quoted} FOR EACH STATEMENT EXECUTE FUNCTION {name}()",
    ]


def _allow_postgresql(editor: BaseDatabaseSchemaEditor, quoted: str, mutable: Collection[str]) -> str:
    """Put the old values of the mutable columns into a copy of the new row: it must then be the old row, bit by bit."""
    columns = map(editor.quote_name, mutable)
    undo = " ".join(f"undone.{column} := OLD.{column};" for column in columns)
    return f"""
            IF TG_OP = 'UPDATE' THEN
                DECLARE undone {quoted}%ROWTYPE := NEW;
                BEGIN
                    {undo}
                    IF undone *= OLD THEN RETURN NEW; END IF;
                END;
            END IF;"""


def _create_sqlite(editor: BaseDatabaseSchemaEditor, table: str, mutable: Collection[str]) -> list[str]:
    quote, connection = editor.quote_name, editor.connection
    with connection.cursor() as cursor:
        columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
        key = connection.introspection.get_primary_key_column(cursor, table) or "rowid"
    frozen = [quote(column) for column in columns if column not in mutable]
    changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in frozen) if mutable else "TRUE"
    taken = f"EXISTS (SELECT 1 FROM {quote(table)} WHERE {quote(key)} = NEW.{quote(key)})"  # noqa: S608 - our names
    conditions = {"insert": taken, "update": changed, "delete": "TRUE"}
    return [
        f"""
        CREATE TRIGGER {quote(f"{table}{SUFFIX}_{kind}")} BEFORE {kind.upper()} ON {quote(table)} WHEN {condition}
        BEGIN SELECT RAISE(ABORT, 'append-only table {table}: {kind.upper()} refused'); END"""
        for kind, condition in conditions.items()
    ]
