"""How an event gets into its two tables: by plain INSERTs, in one round trip where the database allows it."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connection, models

from audit.models import AuditEvent, AuditPayload


def insert(event: AuditEvent, payload: AuditPayload) -> None:
    """Write both rows. Two calls of Model.save would take two to three times as long, and every change pays for it."""
    header, body = _values(event), _values(payload)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            both = f"WITH header AS ({_statement(AuditEvent)}) {_statement(AuditPayload)}"
            cursor.execute(both, header + body)
        else:
            cursor.execute(_statement(AuditEvent), header)
            cursor.execute(_statement(AuditPayload), body)
    for row in (event, payload):
        row._state.adding, row._state.db = False, connection.alias


@cache
def _statement(model: type[models.Model]) -> str:
    fields = model._meta.concrete_fields
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {connection.ops.quote_name(model._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608


def _values(row: models.Model) -> list[Any]:
    fields = row._meta.concrete_fields
    return [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
