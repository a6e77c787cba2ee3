"""Since when a person has had a call before them, and what of it: signed into the form, and read with the answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.signing import BadSignature, Signer

from agents.approval.shown_facts import Shown
from agents.models import ToolCall
from agents.visibility import User
from audit import clock

SALT = "agents.opened"


@dataclass(frozen=True, slots=True)
class Opened:
    """When the person was shown the call first, and all that they have been shown of it last; None: nobody knows."""

    at: datetime
    shown: Shown | None = None


def mark(call: ToolCall, person: User, since: datetime | None = None, shown: Shown | None = None) -> str:
    """Return the signed text that says since when, now if not said, this person is shown this call, and what of it.

    It holds for no other person, call, round or arguments.
    """
    facts = _facts(call.pk, person, call.arguments_digest, call.round)
    told = [shown.digest, shown.bytes] if shown else None
    return Signer(salt=SALT).sign_object({**facts, "at": (since or clock.now()).isoformat(), "shown": told})


def read(text: str, *, request_id: UUID, person: User, digest: str, round_: int) -> Opened | None:
    """Return what the person was shown when; None for a text that was forged or made for another."""
    try:
        facts: dict[str, Any] = Signer(salt=SALT).unsign_object(text)
    except BadSignature:
        return None
    at, told = datetime.fromisoformat(facts.pop("at")), facts.pop("shown", None)
    if facts != _facts(request_id, person, digest, round_):
        return None
    return Opened(at, Shown(*told) if told else None)


def _facts(request_id: UUID, person: User, digest: str, round_: int) -> dict[str, Any]:
    return {"call": str(request_id), "person": str(person.pk), "digest": digest, "round": round_}
