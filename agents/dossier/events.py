"""The events of a dossier, and in plain words what proves what in it."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from agents import timeline
from agents.models import ToolCall
from audit import canonical, trail
from audit.api import OVERSEERS
from audit.canonical import JSON
from audit.models import AuditEvent
from audit.plain import utc_text

MAY_READ = "audit.view_auditevent"
MOST_EVENTS = 2_000
WHAT_PROVES_WHAT = [
    "This file says what M1 has on record about one tool call. Made by M1 for one person, who is named above.",
    "digest, at the end: SHA-256 of the RFC 8785 canonical JSON of everything else in this file. The trail has an "
    "event tool_call.dossier with the same digest: a file that was changed afterwards has none.",
    "revisions: digest is the SHA-256 of the canonical JSON of the arguments, before anything was masked. What was "
    "approved is what ran if decisions (digestSeen), the token (scope) and the claim (event tool_call.executing) all "
    "name the digest of the same revision.",
    "verdicts: what the policy with this digest said, when the call was proposed and again when it was claimed.",
    "rounds: who answered, to which digest. shownDigest is keyed with a secret of M1: equal ones mean that two people "
    "were shown the same, and M1 alone can make one. openSeconds is M1's own clock; focusSeconds and expanded are what "
    "the client reported.",
    "tokens: signatureIsGenuine was checked while this file was made. The text of a token is never given out.",
    "events: payloadDigest is SHA-256 of salt and payload, where salt is hexadecimal and payload is taken as canonical "
    "JSON: whoever has both can check it without M1. macIsValid and payloadIsValid are M1's own answers, given while "
    "this file was made. That the trail itself was not rewritten, only its signed checkpoints prove.",
    "hmac-sha256: in the place of a digest means that the digest covers sensitive values; M1 alone can make it.",
]


def of(
    call: ToolCall, tokens: Collection[UUID], actor: AbstractUser, keyed: Callable[[JSON], JSON]
) -> list[dict[str, Any]]:
    """Return the events about the call, its tokens and its run, in the trail's order, MOST_EVENTS at most.

    keyed   puts keyed digests in the place of secret ones
    """
    subjects = [f"tool_call:{call.pk}", f"run:{call.run_id}", *(f"token:{jti}" for jti in tokens)]
    rows = AuditEvent.objects.filter(subject__in=subjects).select_related("payload")
    found = list(rows.order_by("cluster", "xid", "id")[:MOST_EVENTS])
    names, may = timeline.names({row.actor for row in found}), may_read(actor)
    return [_event(row, names[row.actor]) | (_payload(row, keyed) if may else {}) for row in found]


def may_read(actor: AbstractUser) -> bool:
    """Tell whether somebody may read the facts of events: who may read the trail."""
    return actor.has_perm(MAY_READ) or actor.groups.filter(name__in=OVERSEERS).exists()


def _event(row: AuditEvent, who: str) -> dict[str, Any]:
    payload = getattr(row, "payload", None)
    return {
        "id": row.pk, "version": row.version, "createdAt": utc_text(row.created_at), "action": row.action,
        "actor": row.actor, "actorName": who, "subject": row.subject, "payloadDigest": row.payload_digest,
        "cluster": row.cluster, "xid": str(row.xid), "mac": row.mac, "macIsValid": trail.mac_is_valid(row),
        "payloadIsValid": trail.payload_is_valid(row, payload) if payload else None,
    }  # fmt: skip


def _payload(row: AuditEvent, keyed: Callable[[JSON], JSON]) -> dict[str, Any]:
    """Return the facts of an event with their salt; without it where keyed digests make it of no use."""
    payload = getattr(row, "payload", None)
    if payload is None:
        return {"payload": None, "salt": None}
    facts = canonical.parse(bytes(payload.body))
    told = keyed(facts)
    return {"payload": told, "salt": bytes(payload.salt).hex() if told == facts else None}
