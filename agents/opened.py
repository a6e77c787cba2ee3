"""Since when a person has had a call before them: signed into the form by the server, and read back with the answer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.signing import BadSignature, Signer

from agents.models import ToolCall
from agents.visibility import User
from audit import clock

SALT = "agents.opened"


def mark(call: ToolCall, person: User, since: datetime | None = None) -> str:
    """Return the signed text that says when this person was shown this call as it stands; now, unless said since when.

    It holds for no other person, call, round or arguments.
    """
    facts = _facts(call.pk, person, call.arguments_digest, call.round)
    return Signer(salt=SALT).sign_object({**facts, "at": (since or clock.now()).isoformat()})


def since(text: str, *, request_id: UUID, person: User, digest: str, round_: int) -> datetime | None:
    """Return when the person was shown what they answer to; None for a text that was forged or made for another."""
    try:
        facts: dict[str, Any] = Signer(salt=SALT).unsign_object(text)
    except BadSignature:
        return None
    at = facts.pop("at")
    return datetime.fromisoformat(at) if facts == _facts(request_id, person, digest, round_) else None


def _facts(request_id: UUID, person: User, digest: str, round_: int) -> dict[str, Any]:
    return {"call": str(request_id), "person": str(person.pk), "digest": digest, "round": round_}
