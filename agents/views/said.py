"""What was said about a call when it changed, as the trail has it; retention may have removed it."""

from dataclasses import dataclass
from datetime import datetime

from agents.models import ToolCall
from audit import canonical
from audit.canonical import JSON
from audit.models import AuditEvent


@dataclass(frozen=True, slots=True)
class Said:
    """One event of the call with its facts; {} once they have been removed."""

    action: str
    at: datetime
    facts: dict[str, JSON]

    def text(self, name: str) -> str:
        """Return a fact as text, "" without it."""
        return str(self.facts.get(name, ""))


def about(call: ToolCall, *actions: str) -> list[Said]:
    """Return the events of these names about the call, oldest first."""
    events = AuditEvent.objects.filter(subject=f"tool_call:{call.pk}", action__in=actions).select_related("payload")
    return [Said(one.action, one.created_at, _facts(one)) for one in events.order_by("created_at", "id")]


def _facts(event: AuditEvent) -> dict[str, JSON]:
    payload = getattr(event, "payload", None)
    found = canonical.parse(bytes(payload.body)) if payload else None
    return found if isinstance(found, dict) else {}
