"""What came of a tool after its call had come to rest without it: kept on the trail, and shown to who looks."""

from dataclasses import dataclass
from datetime import datetime

from agents import said
from agents.models import ToolCall
from audit.canonical import JSON


@dataclass(frozen=True, slots=True)
class LateResult:
    """One result that counts for nothing and tells a lot: of a worker that had been silent for longer than its lease.

    ok             the tool came to its end
    output_digest  SHA-256 of what it returned, keyed where that is sensitive; "" where nothing came
    """

    at: datetime
    ok: bool
    error_code: str
    output_bytes: int
    output_digest: str


def of(call: ToolCall) -> list[LateResult]:
    """Return the late results of a call, oldest first."""
    if not hasattr(call, "execution"):
        return []
    return [_read(one) for one in said.about(call, "tool_call.late_result")]


def _read(event: said.Said) -> LateResult:
    size: JSON = event.facts.get("output_bytes", 0)
    return LateResult(
        event.at, event.facts.get("ok") is True, event.text("error_code"), size if isinstance(size, int) else 0,
        event.text("output_digest"),
    )  # fmt: skip
