"""What people changed in a call's arguments, for those who decide next and for the agent."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.models import ToolCall, ToolCallRevision
from audit import canonical
from audit.canonical import JSON
from audit.errors import M1Error

MOST_CHARACTERS = 500
HIDDEN = "(hidden)"
ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class Change:
    """One argument: canonical JSON before and after, "" where there was or is none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Edit:
    """One revision that a person wrote."""

    number: int
    author: str
    created_at: datetime
    changes: tuple[Change, ...]


def of(call: ToolCall) -> list[Edit]:
    """Return every edit of the call, oldest first."""
    rows = sorted(call.revisions.select_related("author"), key=lambda row: row.number)
    return [_edit(before, after) for before, after in zip(rows, rows[1:], strict=False)]


def since_proposal(call: ToolCall) -> tuple[Change, ...]:
    """Return what is different from what the agent asked for."""
    rows = {row.number: row for row in call.revisions.all()}
    return changes(bytes(rows[1].arguments), bytes(rows[call.revision].arguments))


def told(call: ToolCall) -> str:
    """Return what the agent is told about edits of its call; "" if there were none. Sensitive arguments stay hidden."""
    if call.revision == 1:
        return ""
    declared = call.tool_version.declared if call.tool_version else {}
    sensitive = declared.get("sensitive_arguments", ())
    said = "; ".join(_told(one, sensitive) for one in since_proposal(call))
    return f"A person changed the arguments before they were decided: {said or 'back to what was asked'}."


def changes(before: bytes, after: bytes) -> tuple[Change, ...]:
    """Return the arguments that differ, by name."""
    old, new = _object(before), _object(after)
    names = sorted(name for name in old.keys() | new.keys() if _json(old, name) != _json(new, name))
    return tuple(Change(name, _json(old, name), _json(new, name)) for name in names)


def _edit(before: ToolCallRevision, after: ToolCallRevision) -> Edit:
    author = after.author.get_username() if after.author else ""
    return Edit(after.number, author, after.created_at, changes(bytes(before.arguments), bytes(after.arguments)))


def _told(change: Change, sensitive: Collection[str]) -> str:
    if change.name in sensitive:
        return f"{change.name} was changed {HIDDEN}"
    return f"{change.name} was {_short(change.before)} and is {_short(change.after)}"


def _short(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text or ABSENT
    return f"{text[:MOST_CHARACTERS]}… ({len(text)} characters)"


def _object(data: bytes) -> dict[str, JSON]:
    try:
        value: Any = canonical.parse(data)
    except M1Error:
        value = None
    return value if isinstance(value, dict) else {}


def _json(values: dict[str, JSON], name: str) -> str:
    return canonical.encode(values[name]).decode() if name in values else ""
