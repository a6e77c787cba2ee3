"""An event is written with its change or not at all, and whatever is edited afterwards shows."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from django.db import DatabaseError, transaction
from pytest_django import Settings
from uuid_utils.compat import uuid7

from audit import mac, rows, trail
from audit.errors import EventRefusedError, MacKeyMissingError
from audit.events import Event
from audit.models import AuditEvent, AuditPayload

ID = "01a20571-c83a-70e4-8694-09c65cbd1a8d"
ACTOR = f"user:{ID}"
SUBJECT = f"tool_call:{ID}"


def append(action: str = "tool_call.approved", /, **facts: Any) -> AuditEvent:
    """Append an event, with whatever the test cares about."""
    return trail.append(action, **{"actor": ACTOR, "subject": SUBJECT, **facts})


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_written() -> None:
    with pytest.raises(EventRefusedError, match="outside the transaction"):
        append()
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_an_event_comes_back_from_the_database_as_it_went_in() -> None:
    event = append(Event.TOOL_CALL_APPROVED, comment="ok ✓", action="kept", digest="ab" * 32)
    stored = AuditEvent.objects.select_related("payload").get()
    assert [getattr(stored, field.attname) for field in AuditEvent._meta.concrete_fields] == [
        getattr(event, field.attname) for field in AuditEvent._meta.concrete_fields
    ]
    assert (stored.action, stored.actor, stored.subject) == ("tool_call.approved", ACTOR, SUBJECT)
    assert json.loads(bytes(stored.payload.body)) == {"comment": "ok ✓", "action": "kept", "digest": "ab" * 32}
    assert trail.mac_is_valid(stored)
    assert trail.payload_is_valid(stored, stored.payload)


def test_the_header_has_one_form_and_every_version_keeps_it() -> None:
    event = AuditEvent(
        version=1,
        id=UUID(ID),
        created_at=datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC),
        action="run.created",
        actor="system:cli",
        subject="run:1",
        payload_digest="00",
        cluster="7711131325425168224",
        xid=2**60,
    )
    assert mac.header(event) == (
        b'{"action":"run.created","actor":"system:cli","cluster":"7711131325425168224",'
        b'"created_at":"2026-01-31T12:00:00.000005Z","id":"01a20571-c83a-70e4-8694-09c65cbd1a8d",'
        b'"payload_digest":"00","subject":"run:1","version":1,"xid":"1152921504606846976"}'
    )
    assert mac.payload_digest(b"a" * 32, b"{}") == "f786a87d7df8a6964481a23457084eb8426e22a3c8f6892d90e1cb642ca81a5b"


@pytest.mark.django_db
def test_payload_values_are_plain() -> None:
    when = datetime(2026, 1, 31, 12, tzinfo=UTC)
    event = append(cost_usd=Decimal("0.10"), run_id=UUID(int=1), expires_at=when, groups=("a", "b"))
    assert bytes(event.payload.body) == (
        b'{"cost_usd":"0.10","expires_at":"2026-01-31T12:00:00.000000Z","groups":["a","b"],'
        b'"run_id":"00000000-0000-0000-0000-000000000001"}'
    )


@pytest.mark.django_db
def test_equal_payloads_have_different_digests() -> None:
    assert append(answer="yes").payload_digest != append(answer="yes").payload_digest


REFUSED: list[tuple[dict[str, Any], str]] = [
    *(
        ({"actor": actor}, "not an actor")
        for actor in [
            *("", "7", "user:7", "user:", "system:", "system:Web", "system:web\n", f" {ACTOR}", ACTOR.upper()),
            *(f"{ACTOR}\n", f"robot:{ID}", f"user:{UUID(ID).hex}", f"{ACTOR} {ACTOR}"),
        ]
    ),
    *(
        ({"subject": subject}, "not a subject")
        for subject in [
            *("", "run", "run:", ":1", "Run:1", "run:1\n", "run:1 2", "run:\x1b[31m", "run:\u202e1", "run:é"),
            *("run:" + "1" * 201, "r" * 33 + ":1"),
        ]
    ),
    ({"note": b"bytes"}, "a bytes that JSON cannot say"),
    ({"note": object()}, "an? object that JSON cannot say"),
    ({"note": float("nan")}, "no canonical JSON form"),
    ({"note": 2**53}, "no canonical JSON form"),
    ({"note": "\ud800"}, "no canonical JSON form"),
    ({"note": {1: 2}}, "a key that is not text"),
    ({"note": datetime(2026, 1, 1)}, "a datetime that JSON cannot say"),  # noqa: DTZ001 - naive on purpose
    ({"note": "x" * trail.MAX_PAYLOAD_BYTES}, "larger than 65536 bytes"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("facts", "reason"), REFUSED)
def test_a_malformed_event_is_refused(facts: dict[str, Any], reason: str) -> None:
    with pytest.raises(EventRefusedError, match=reason), transaction.atomic():
        append(**facts)
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("action", ["", "tool_call.aproved", "TOOL_CALL_APPROVED", "tool_call.approved\n"])
def test_an_event_that_has_no_name_is_refused(action: str) -> None:
    with pytest.raises(EventRefusedError, match="no event has this name"), transaction.atomic():
        append(action)


@pytest.mark.django_db
def test_a_payload_without_end_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(EventRefusedError), transaction.atomic():
        append(note=endless)


@pytest.mark.django_db
def test_without_a_key_nothing_is_written_or_checked(settings: Settings) -> None:
    event = append()
    settings.M1_AUDIT_MAC_KEY = b""
    with pytest.raises(MacKeyMissingError):
        trail.mac_is_valid(event)
    with pytest.raises(MacKeyMissingError), transaction.atomic():
        append()
    assert AuditEvent.objects.count() == 1


@pytest.mark.django_db
def test_a_roll_back_removes_header_and_payload() -> None:
    with suppress(KeyError), transaction.atomic():
        append()
        raise KeyError
    assert (AuditEvent.objects.count(), AuditPayload.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_a_refused_event_takes_the_change_with_it_even_if_the_error_is_swallowed() -> None:
    with transaction.atomic():
        append("run.created")  # the change
        with suppress(EventRefusedError):
            append("run.invented")
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_a_failing_database_takes_the_change_with_it_even_if_the_error_is_swallowed() -> None:
    with transaction.atomic():
        append("run.created")
        with suppress(DatabaseError), mock.patch.object(rows, "insert", side_effect=DatabaseError):
            append("run.cancelled")
    assert not AuditEvent.objects.exists()


EDITS: dict[str, Any] = {
    "id": uuid7(),
    "version": 2,
    "created_at": datetime(2020, 1, 1, tzinfo=UTC),
    "action": "tool_call.rejected",
    "actor": f"user:{uuid7()}",
    "subject": f"tool_call:{uuid7()}",
    "payload_digest": "0" * 64,
    "cluster": "1",
    "xid": 1_000_000_000_000,
    "mac": "0" * 64,
}


@pytest.mark.django_db
@pytest.mark.parametrize("field", [field.attname for field in AuditEvent._meta.concrete_fields])
def test_an_edit_of_any_field_of_the_header_shows(field: str) -> None:
    event = append()
    assert trail.mac_is_valid(event)
    setattr(event, field, EDITS[field])
    assert not trail.mac_is_valid(event)


@pytest.mark.django_db
def test_back_dating_by_a_microsecond_shows() -> None:
    event = append()
    event.created_at -= timedelta(microseconds=1)
    assert not trail.mac_is_valid(event)


@pytest.mark.django_db
@pytest.mark.parametrize("forged", ["", "é" * 64])
def test_a_mac_that_is_not_one_shows(forged: str) -> None:
    event = append()
    event.mac = forged
    assert not trail.mac_is_valid(event)


@pytest.mark.django_db
def test_another_key_cannot_forge(settings: Settings) -> None:
    event = append()
    settings.M1_AUDIT_MAC_KEY = b"another key of thirty-two bytes!"
    assert not trail.mac_is_valid(event)


@pytest.mark.django_db
def test_a_swapped_or_edited_payload_shows() -> None:
    event, other = append(comment="yes"), append(comment="yes").payload
    payload = event.payload
    salt, body = bytes(payload.salt), bytes(payload.body)
    forged = [
        other,
        AuditPayload(event=event, salt=salt, body=body.replace(b"yes", b"no!")),
        AuditPayload(event=event, salt=bytes(32), body=body),
        AuditPayload(event=event, salt=salt + body[:1], body=body[1:]),
        AuditPayload(event=event, salt=salt[:-1], body=salt[-1:] + body),
    ]
    assert trail.payload_is_valid(event, payload)
    assert [trail.payload_is_valid(event, edited) for edited in forged] == [False] * 5
