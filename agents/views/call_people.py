"""Whom a call asks, what they said, who broke the glass, and what the clock will do about it."""

from dataclasses import dataclass
from typing import Any

from agents import said
from agents.approval import blocks, break_glass, break_glass_group, eligibility
from agents.models import Block, Decision, Requirement, ToolCall
from agents.states import Status
from agents.views import call_ends
from agents.views.door import Request


@dataclass(frozen=True)
class Need:
    """So many people of these groups; those in `added` came by escalation."""

    count: int
    groups: list[str]
    added: frozenset[str]


@dataclass(frozen=True)
class Glass:
    """A decision in place of everybody, and why the person who looks may not review it ("": they may)."""

    decision: Decision
    why_not_review: str

    @property
    def is_reviewed(self) -> bool:
        """Whether a second person has looked at it."""
        return hasattr(self.decision, "review")


def people(request: Request, call: ToolCall) -> dict[str, Any]:
    """Return requirements, decisions by round, and everything about a broken glass."""
    decisions = sorted(call.decisions.all(), key=lambda one: one.created_at)
    current = [one for one in decisions if one.round == call.round]
    asked = [one for one in call.requirements.all() if one.round == call.round]
    seat = eligibility.seat(call, request.user)
    return {
        "needs": [_need(call, one) for one in asked], "decisions": current,
        "superseded": [one for one in decisions if one.round != call.round],
        "rejection": next((one for one in current if one.answer == Decision.Answer.REJECT), None),
        "stands_in_for": None if isinstance(seat, str) else seat.on_behalf_of,
        "broken": [_glass(request, one) for one in decisions if one.kind == Decision.Kind.BREAK_GLASS],
        "may_break_glass": call.status == Status.PENDING and not break_glass_group.why_not(call, request.user),
    }  # fmt: skip


def blocked(call: ToolCall) -> dict[str, Any]:
    """Return what a rejection left in force: blocks, how often the agent asked again, who reopened it and why."""
    if call.status != Status.REJECTED:
        return {"blocks": [], "repeats": 0, "reopened": None}
    found = list(Block.objects.filter(call=call).select_related("reopened_by").order_by("created_at", "pk"))
    reasons = said.about(call, "tool_call.reopened")
    return {
        "blocks": [one for one in found if one.reopened_at is None],
        "repeats": sum(one.repeats for one in found),
        "reopened": next((one for one in found if one.reopened_at), None),
        "reopened_because": reasons[-1].text("reason") if reasons else "",
    }


def blocked_by(call: ToolCall) -> ToolCall | None:
    """Return the rejected call because of which this one was denied without asking anybody."""
    if blocks.CODE not in call_ends.codes(call):
        return None
    same = Block.objects.filter(run=call.run_id, tool_name=call.tool_name, arguments_digest=call.arguments_digest)
    block = same.filter(created_at__lte=call.created_at).select_related("call").order_by("-created_at").first()
    return block.call if block else None


def _glass(request: Request, decision: Decision) -> Glass:
    return Glass(decision, break_glass.why_not_review(decision, request.user))


def _need(call: ToolCall, row: Requirement) -> Need:
    """Tell the groups that the rule named from those that the escalation added to every requirement."""
    added: frozenset[str] = frozenset()
    if call.escalated_at:
        names = frozenset(row.group_names)
        by_rule = [frozenset(one["groups"]) for one in _ruled(call) if one["count"] == row.count]
        added = names & frozenset(call.escalation_groups)
        added -= max((one for one in by_rule if one <= names), key=len, default=frozenset())
    return Need(row.count, row.group_names, added)


def _ruled(call: ToolCall) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call.check_row.verdict.get("requirements", []) if call.check_row else []
    return found
