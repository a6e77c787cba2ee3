"""PostgreSQL's 64-bit transaction numbers as a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    _Integer = models.BigIntegerField[int, int]
else:
    _Integer = models.BigIntegerField


class TransactionIdField(_Integer):
    """A transaction's number: xid8 on PostgreSQL, comparable with pg_snapshot_xmin there; elsewhere a big integer."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """Return the column's type."""
        return "xid8" if connection.vendor == "postgresql" else super().db_type(connection)

    def get_db_prep_value(self, value: object, connection: BaseDatabaseWrapper, prepared: bool = False) -> object:
        """Return the number as text for PostgreSQL, which has no cast from integer to xid8."""
        number = super().get_db_prep_value(value, connection, prepared)
        return str(number) if connection.vendor == "postgresql" and number is not None else number

    def from_db_value(self, value: object, expression: object, connection: BaseDatabaseWrapper) -> object:
        """Return the number; psycopg reads xid8 as text."""
        return int(value) if isinstance(value, str) else value
