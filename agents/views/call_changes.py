"""What people changed in the arguments of a call, side by side, and why the call is in another round."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents import said
from agents.approval import edits
from agents.approval.edits import Change
from agents.models import ToolCall
from agents.said import Said
from agents.views import bodies
from agents.views.bodies import Value
from audit import canonical

EDITED, SUPERSEDED = "tool_call.edited", "tool_call.superseded"


@dataclass(frozen=True)
class Changed:
    """One argument before and after; None where it was or is left out."""

    name: str
    before: Value | None
    after: Value | None


@dataclass(frozen=True)
class Edited:
    """One revision that a person wrote, and why."""

    number: int
    author: str
    at: datetime
    why: str
    changes: list[Changed]


def read(call: ToolCall, *, sensitive: Collection[str], may_view: bool) -> dict[str, Any]:
    """Return what differs from what the agent asked for, every edit by itself, and why the round is a new one.

    sensitive   names of arguments; who may not view bodies sees lengths only
    """
    told = said.about(call, EDITED, SUPERSEDED) if call.round > 1 else []

    def shown(changes: Collection[Change]) -> list[Changed]:
        return [_changed(one, sensitive, may_view) for one in changes]

    if call.revision == 1:
        return {"changed": [], "edits": [], "superseded_because": _why_new_round(call, told)}
    return {
        "changed": shown(edits.since_proposal(call)),
        "edits": [
            Edited(one.number, one.author, one.created_at, _why(told, one.number), shown(one.changes))
            for one in edits.of(call)
        ],
        "superseded_because": _why_new_round(call, told),
    }


def _changed(change: Change, sensitive: Collection[str], may_view: bool) -> Changed:
    def side(json_text: str) -> Value | None:
        body = b"{%b:%b}" % (canonical.encode(change.name), json_text.encode())
        return bodies.read(body, sensitive=sensitive, may_view=may_view).values[0] if json_text else None

    return Changed(change.name, side(change.before), side(change.after))


def _why(told: list[Said], revision: int) -> str:
    found = (one for one in told if one.action == EDITED and one.facts.get("revision") == revision)
    return next((one.text("comment") for one in found), "")


def _why_new_round(call: ToolCall, told: list[Said]) -> str:
    """Return why the approvals of the round before count no more; "" where a person's edit is the reason."""
    found = (one for one in told if one.action == SUPERSEDED and one.facts.get("round") == call.round)
    return next((one.text("why") for one in found), "")
