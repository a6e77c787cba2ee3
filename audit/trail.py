"""The trail: one event for every change, written in the transaction of the change, or neither."""

from __future__ import annotations

import re
import secrets
from hmac import compare_digest

from django.db import connection, transaction
from uuid_utils.compat import uuid7

from audit import canonical, clock, mac, rows
from audit.errors import EventRefusedError, NotCanonicalError
from audit.events import Event
from audit.models import AuditEvent, AuditPayload
from audit.plain import to_json

MAX_PAYLOAD_BYTES = 65_536
SALT_BYTES = 32

_ACTIONS = frozenset(event.value for event in Event)
_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ACTOR = re.compile(f"(user|agent):{_UUID}|system:[a-z_]{{1,32}}")
_SUBJECT = re.compile(r"[a-z_]{1,32}:[A-Za-z0-9._:@/*+-]{1,200}")


def append(action: str, /, *, actor: str, subject: str, **payload: object) -> AuditEvent:
    """Write one event with its payload, and return it.

    action   a name of audit.events.Event
    actor    who did it: user:<uuid>, agent:<uuid>, system:<role>
    subject  what it happened to: kind:identifier, as in tool_call:<request id>
    payload  facts, as JSON, datetimes, UUIDs, decimals; no secrets, no bodies, at most 64 KiB
    Raises EventRefusedError outside a transaction and for anything malformed; the caller's change must fail with it.
    """
    if not connection.in_atomic_block:
        raise EventRefusedError(action=action, reason="it is outside the transaction of its change")
    with transaction.mark_for_rollback_on_error():  # whoever swallows the exception cannot commit the change
        _check(action, actor, subject)
        return _write(action, actor, subject, _body(action, payload))


def _write(action: str, actor: str, subject: str, body: bytes) -> AuditEvent:
    salt = secrets.token_bytes(SALT_BYTES)
    stamp = clock.stamp()
    event = AuditEvent(
        id=uuid7(),  # never falls within one process, so (xid, id) is the order inside a transaction
        version=mac.VERSION,
        created_at=stamp.at,
        action=str(action),
        actor=actor,
        subject=subject,
        payload_digest=mac.payload_digest(salt, body),
        cluster=stamp.cluster,
        xid=stamp.xid,
    )
    event.mac = mac.of(event)
    rows.insert(event, AuditPayload(event=event, salt=salt, body=body))
    return event


def mac_is_valid(event: AuditEvent) -> bool:
    """Tell whether the event's header is as it was written: an edited field shows, its place in the order too."""
    return mac.is_valid(event)


def payload_is_valid(event: AuditEvent, payload: AuditPayload) -> bool:
    """Tell whether this is the payload that the event's header was written with."""
    found = mac.payload_digest(bytes(payload.salt), bytes(payload.body))
    return len(payload.salt) == SALT_BYTES and compare_digest(found.encode(), event.payload_digest.encode())


def _check(action: str, actor: str, subject: str) -> None:
    if action not in _ACTIONS:
        raise EventRefusedError(action=action, reason="no event has this name")
    if not _ACTOR.fullmatch(actor):
        raise EventRefusedError(action=action, reason=f"{actor!a} is not an actor")
    if not _SUBJECT.fullmatch(subject):
        raise EventRefusedError(action=action, reason=f"{subject!a} is not a subject")


def _body(action: str, payload: dict[str, object]) -> bytes:
    try:
        body = canonical.encode(to_json(payload))
    except (NotCanonicalError, RecursionError) as exc:
        raise EventRefusedError(action=action, reason=str(exc)) from exc
    if len(body) > MAX_PAYLOAD_BYTES:
        raise EventRefusedError(action=action, reason=f"its payload is larger than {MAX_PAYLOAD_BYTES} bytes")
    return body
