"""How somebody looked at a call before they answered, as a decision and its event keep it."""

import math
from typing import Any

from agents.approval.seen import Seen
from agents.approval.shown_facts import EXPANDABLE
from agents.errors import InvalidFieldError
from agents.models import Decision

MAX_OPEN_SECONDS = 30 * 24 * 60 * 60


def of(seen: Seen) -> dict[str, Any]:
    """Return the columns of Decision that say it. What a client reports is bounded: it never looked longer than it had.

    Raises InvalidFieldError for a part of a page that has no such name.
    """
    if unknown := set(seen.expanded) - set(EXPANDABLE):
        problem = f"must be among {', '.join(EXPANDABLE)}; {min(unknown)[:40]} is not"
        raise InvalidFieldError(field="expanded", problem=problem)
    open_seconds = _bounded(seen.open_seconds, MAX_OPEN_SECONDS)
    return {
        "open_seconds": open_seconds,
        "focus_seconds": _bounded(seen.focus_seconds, MAX_OPEN_SECONDS if open_seconds is None else open_seconds),
        "expanded": [name for name in EXPANDABLE if name in seen.expanded],
        "shown_digest": seen.shown.digest if seen.shown else "",
        "shown_bytes": seen.shown.bytes if seen.shown else None,
    }


def told(row: Decision) -> dict[str, Any]:
    """Return the same as facts of an event, seconds as text with one decimal."""
    return {
        "open_seconds": _text(row.open_seconds), "focus_seconds": _text(row.focus_seconds), "expanded": row.expanded,
        "shown_digest": row.shown_digest, "shown_bytes": row.shown_bytes,
    }  # fmt: skip


def _bounded(seconds: float | None, most: float) -> float | None:
    if seconds is None or not math.isfinite(seconds):
        return None
    return round(min(max(seconds, 0), most), 1)


def _text(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:.1f}"
