"""What the trail has about a call, a run or a halt: what was said when it changed, and who did it."""

from dataclasses import dataclass
from datetime import datetime

from agents.models import ToolCall
from audit import canonical
from audit.canonical import JSON
from audit.models import AuditEvent


@dataclass(frozen=True, slots=True)
class Said:
    """One event of the call with its facts; {} once retention has removed them."""

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


def was_done_by(actor: str, subject: str, *actions: str) -> bool:
    """Tell whether this actor has done one of these to the subject: asked again, they have lost our first answer."""
    return AuditEvent.objects.filter(subject=subject, actor=actor, action__in=actions).exists()


def _facts(event: AuditEvent) -> dict[str, JSON]:
    payload = getattr(event, "payload", None)
    found = canonical.parse(bytes(payload.body)) if payload else None
    return found if isinstance(found, dict) else {}
