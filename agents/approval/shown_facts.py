"""What a person had before them, as a digest that tells nothing about it to who does not hold M1's key."""

from dataclasses import dataclass

from django.utils.crypto import salted_hmac

from audit import canonical
from audit.plain import to_json

SALT = "agents.shown_facts"
EXPANDABLE = ("arguments", "preview", "changes", "raw", "reason", "goal", "turn", "rounds", "result")
"""The parts of a page that are folded at first, by the only names that a client may report them under."""


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a page said about a call.

    digest   HMAC-SHA256, in hexadecimal, of its canonical JSON: arguments that only few may read are in it
    bytes    the length of that JSON
    """

    digest: str
    bytes: int


def of(facts: object) -> Shown:
    """Return the digest and the length of what a page says; equal facts give equal digests under one SECRET_KEY."""
    body = canonical.encode(to_json(facts))
    return Shown(salted_hmac(SALT, body, algorithm="sha256").hexdigest(), len(body))
