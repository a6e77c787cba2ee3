"""The database itself refuses to forget or to rewrite, whichever way it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from audit import trail
from audit.models import AuditEvent, AuditPayload
from audit.triggers import append_only

pytestmark = pytest.mark.django_db

TABLES = ("audit_auditevent", "audit_auditpayload")
ON_POSTGRESQL = connection.vendor == "postgresql"
REPLACE = {
    "postgresql": "INSERT INTO {0} SELECT * FROM {0} ON CONFLICT ({1}) DO UPDATE SET {1} = EXCLUDED.{1}",
    "sqlite": "INSERT OR REPLACE INTO {0} SELECT * FROM {0}",
}


def execute(sql: str) -> Any:
    """Run a statement past the ORM."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else None


def rows() -> list[Any]:
    """Return all that the trail holds."""
    return [
        *AuditEvent.objects.order_by("id").values_list(),
        *map(bytes, AuditPayload.objects.values_list("body", flat=True)),
    ]


@pytest.fixture
def event() -> AuditEvent:
    """One event on the trail."""
    event = trail.append("run.created", actor="system:cli", subject="run:1", goal="to stay")
    connection.check_constraints()  # PostgreSQL would refuse TRUNCATE for the pending check of the foreign key alone
    return event


def assert_refused(table: str, operation: str, attempt: Callable[[], object]) -> None:
    """Assert that the attempt is refused by a message that names the table, and that nothing changed."""
    before = rows()
    with pytest.raises(IntegrityError, match=f"append-only table {table}: {operation} refused"), transaction.atomic():
        attempt()
    assert rows() == before


RAW = [
    ("audit_auditevent", "UPDATE", "UPDATE audit_auditevent SET action = 'run.failed'"),
    ("audit_auditevent", "UPDATE", "UPDATE audit_auditevent SET mac = mac"),
    ("audit_auditevent", "UPDATE", "UPDATE audit_auditevent SET id = '01a20571-c83a-70e4-8694-09c65cbd1a8d'"),
    ("audit_auditevent", "DELETE", "DELETE FROM audit_auditevent"),
    ("audit_auditpayload", "UPDATE", "UPDATE audit_auditpayload SET body = salt"),
    ("audit_auditpayload", "DELETE", "DELETE FROM audit_auditpayload"),
    ("audit_auditpayload", "DELETE", "DELETE FROM audit_auditpayload WHERE length(body) > 0"),
]


@pytest.mark.parametrize(("table", "operation", "sql"), RAW)
@pytest.mark.usefixtures("event")
def test_plain_sql_is_refused(table: str, operation: str, sql: str) -> None:
    assert_refused(table, operation, lambda: execute(sql))


@pytest.mark.parametrize(("table", "key"), [("audit_auditevent", "id"), ("audit_auditpayload", "event_id")])
@pytest.mark.usefixtures("event")
def test_replacing_a_row_is_refused(table: str, key: str) -> None:
    operation = "UPDATE" if ON_POSTGRESQL else "INSERT"
    assert_refused(table, operation, lambda: execute(REPLACE[connection.vendor].format(table, key)))


@pytest.mark.skipif(not ON_POSTGRESQL, reason="SQLite has no TRUNCATE")
@pytest.mark.parametrize(
    ("table", "sql"),
    [
        ("audit_auditpayload", "TRUNCATE audit_auditpayload"),
        ("audit_auditevent", "TRUNCATE audit_auditevent CASCADE"),
        ("audit_auditevent", "TRUNCATE audit_auditevent, audit_auditpayload RESTART IDENTITY"),
    ],
)
@pytest.mark.usefixtures("event")
def test_truncate_is_refused(table: str, sql: str) -> None:
    assert_refused(table, "TRUNCATE", lambda: execute(sql))


@pytest.mark.skipif(ON_POSTGRESQL, reason="PostgreSQL has no REPLACE")
@pytest.mark.usefixtures("event")
def test_replace_is_refused_even_where_triggers_are_not_recursive() -> None:
    execute("PRAGMA recursive_triggers = OFF")
    try:
        assert_refused("audit_auditevent", "INSERT", lambda: execute(REPLACE["sqlite"].format("audit_auditevent")))
    finally:
        execute("PRAGMA recursive_triggers = ON")


def _bulk_update(event: AuditEvent) -> None:
    event.actor = "system:nobody"
    AuditEvent.objects.bulk_update([event], ["actor"])


def _replace_in_bulk(event: AuditEvent) -> None:
    event.actor = "system:nobody"
    AuditEvent.objects.bulk_create([event], update_conflicts=True, update_fields=["actor"], unique_fields=["id"])


ORM: list[tuple[str, Callable[[AuditEvent], object]]] = [
    ("audit_auditevent UPDATE", lambda event: event.save()),
    ("audit_auditevent UPDATE", lambda event: AuditEvent.objects.update(actor="system:nobody")),
    ("audit_auditevent UPDATE", lambda event: AuditEvent.objects.filter(pk=event.pk).update(xid=1)),
    ("audit_auditevent UPDATE", _bulk_update),
    ("audit_auditpayload UPDATE", lambda event: event.payload.save()),
    ("audit_auditpayload UPDATE", lambda event: AuditPayload.objects.update(body=b"{}")),
    ("audit_auditpayload DELETE", lambda event: event.payload.delete()),
    ("audit_auditpayload DELETE", lambda event: AuditPayload.objects.all().delete()),
    ("audit_auditevent DELETE", lambda event: AuditEvent.objects.all()._raw_delete("default")),
    ("audit_auditevent UPDATE" if ON_POSTGRESQL else "audit_auditevent INSERT", _replace_in_bulk),
]


@pytest.mark.parametrize(("what", "attempt"), ORM)
def test_the_orm_is_refused(event: AuditEvent, what: str, attempt: Callable[[AuditEvent], object]) -> None:
    table, operation = what.split()
    assert_refused(table, operation, lambda: attempt(event))


# A table of its own for what the trail does not need: columns that may change, and the way back.


@pytest.fixture
def ledger() -> Iterator[Callable[..., None]]:
    """A table with one row, and the way to run the step on it."""
    execute("CREATE TABLE ledger (jti integer PRIMARY KEY, scope text, cost numeric, used_at text, revoked_at text)")
    execute("INSERT INTO ledger VALUES (1, 'send', 1.10, NULL, NULL)")

    def run(*mutable: str, reverse: bool = False) -> None:
        operation: Any = append_only("ledger", mutable=mutable)
        step = operation.reverse_code if reverse else operation.code
        step(apps, connection.schema_editor(atomic=False))

    yield run
    execute("DROP TABLE ledger")


MAY_CHANGE = ("used_at", "revoked_at")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger SET used_at = 'now'",
        "UPDATE ledger SET used_at = 'now', revoked_at = 'later'",
        "UPDATE ledger SET used_at = 'now', scope = scope, cost = cost, jti = jti",
        "UPDATE ledger SET scope = 'send'",
    ],
)
def test_a_named_column_may_change(ledger: Callable[..., None], change: str) -> None:
    ledger(*MAY_CHANGE)
    execute(change)
    execute("UPDATE ledger SET used_at = NULL")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger SET scope = 'delete'",
        "UPDATE ledger SET scope = NULL",
        "UPDATE ledger SET scope = ''",
        "UPDATE ledger SET jti = 2",
        "UPDATE ledger SET cost = cost + 1",
        "UPDATE ledger SET used_at = 'now', scope = 'delete'",
        "UPDATE ledger SET revoked_at = 'now', jti = 2",
    ],
)
def test_no_other_column_may_change_with_it(ledger: Callable[..., None], change: str) -> None:
    ledger(*MAY_CHANGE)
    assert_refused("ledger", "UPDATE", lambda: execute(change))
    assert execute("SELECT jti, scope FROM ledger") == [(1, "send")]


def test_rows_with_a_mutable_column_stay_and_new_ones_come(ledger: Callable[..., None]) -> None:
    ledger(*MAY_CHANGE)
    assert_refused("ledger", "DELETE", lambda: execute("DELETE FROM ledger"))
    execute("INSERT INTO ledger VALUES (2, 'send', 1, NULL, NULL)")
    assert execute("SELECT count(*) FROM ledger") == [(2,)]


def test_the_step_can_be_repeated_and_reversed(ledger: Callable[..., None]) -> None:
    ledger()
    assert_refused("ledger", "UPDATE", lambda: execute("UPDATE ledger SET used_at = 'now'"))
    ledger("used_at")
    execute("UPDATE ledger SET used_at = 'now'")
    assert_refused("ledger", "UPDATE", lambda: execute("UPDATE ledger SET revoked_at = 'now'"))
    ledger(reverse=True)
    ledger(reverse=True)
    execute("UPDATE ledger SET scope = 'free'")
    execute("DELETE FROM ledger")
