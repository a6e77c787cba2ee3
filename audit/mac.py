"""What protects an event until it is sealed: a keyed MAC over its header, a salted digest over its payload."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from django.conf import settings

from audit import canonical
from audit.errors import MacKeyMissingError
from audit.plain import utc_text

if TYPE_CHECKING:
    from audit.models import AuditEvent

VERSION = 1
"""The version of the header: another set of fields, or another way to write one, is another number."""


def header(event: AuditEvent) -> bytes:
    """Return the canonical bytes of everything an event says, the payload by its digest.

    Place in the order (cluster, xid, id) is part of it, so that nobody can reorder what is not sealed yet.
    """
    return canonical.encode(
        {
            "version": event.version,
            "id": str(event.id),
            "created_at": utc_text(event.created_at),
            "action": event.action,
            "actor": event.actor,
            "subject": event.subject,
            "payload_digest": event.payload_digest,
            "cluster": event.cluster,
            "xid": str(event.xid),  # 64 bits: more than a JSON number holds
        }
    )


def of(event: AuditEvent) -> str:
    """Return HMAC-SHA256 of the header under M1_AUDIT_MAC_KEY, which the database does not know, in hexadecimal.

    Raises MacKeyMissingError.
    """
    key: bytes = settings.M1_AUDIT_MAC_KEY
    if not key:  # HMAC would take the empty key, and so could anyone
        raise MacKeyMissingError
    return hmac.digest(key, header(event), "sha256").hex()


def is_valid(event: AuditEvent) -> bool:
    """Tell whether the header is as it was written by a holder of the key."""
    return hmac.compare_digest(event.mac.encode(), of(event).encode())


def payload_digest(salt: bytes, body: bytes) -> str:
    """Return SHA-256 of salt and body: once the body is removed, not even a short one can be guessed from it."""
    return hashlib.sha256(salt + body).hexdigest()
