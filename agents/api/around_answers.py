"""What REST tells of a call's surroundings: its tool's promises, its run, and other calls that a person compares."""

from typing import Any

from rest_framework import serializers

from agents import around, halts
from agents.models import ToolCall
from agents.states import Status
from agents.visibility import User
from audit.rest import Shape

Text, Time, Id, Whole, YesNo = (
    serializers.CharField,
    serializers.DateTimeField,
    serializers.UUIDField,
    serializers.IntegerField,
    serializers.BooleanField,
)
STOPPED = (Status.PENDING, Status.APPROVED)


class ToolShape(Shape):
    """What the author of the tool's version promises about it."""

    state = Text(help_text="Of the version that the call is bound to; anything but enabled: it changed meanwhile.")
    is_read_only = YesNo()
    reversible_with = Text(allow_null=True, help_text="The tool that undoes it; null: none does.")
    sensitive_arguments = serializers.ListField(child=Text(), help_text="Those whose values nobody is told here.")
    is_external = YesNo(help_text="It reaches beyond the organisation's own machines.")


class MentionShape(Shape):
    """Another call, in one line."""

    request_id = Id()
    headline = Text()
    status = Text()
    ended_at = Time(allow_null=True)


class AnswerShape(Shape):
    """What one person said about another call."""

    person = Text(source="person_name")
    answer = Text()
    comment = Text()


class ComparedShape(MentionShape):
    """Another call of the same tool, and what people said about it."""

    answers = AnswerShape(source="decisions", many=True)


class AroundShape(Shape):
    """Where the call stands."""

    requester_name = Text()
    planner = Text(help_text="claude, scripted or external.")
    turn = Whole()
    turn_text = Text(help_text="What the agent said in this turn: untrusted.")
    cost_usd = Text()
    budget_usd = Text()
    halted = Text(allow_blank=True, help_text="Why nothing of this runs now; empty: no halt is on it.")
    earlier = MentionShape(many=True, help_text="Earlier calls of this run, the latest first.")
    similar = ComparedShape(many=True, help_text="The last calls of this tool in other runs, the same target first.")
    rejected_before = MentionShape(allow_null=True, help_text="The same arguments, rejected elsewhere before.")


def tool_of(call: ToolCall) -> dict[str, Any] | None:
    """Return the facts of a ToolShape; None for a tool that M1 does not know."""
    version = call.tool_version
    if version is None:
        return None
    declared = version.declared
    facts = {
        "state": version.state, "is_read_only": declared.get("read_only"), "is_external": declared.get("external"),
        "reversible_with": declared.get("reversible_with"),
        "sensitive_arguments": declared.get("sensitive_arguments", ()),
    }  # fmt: skip
    return dict(ToolShape(facts).data)


def around_of(call: ToolCall, user: User) -> dict[str, Any]:
    """Return the facts of a AroundShape, with other calls as far as the person may see them."""
    run, found = call.run, around.of(call, user)
    facts = {
        "requester_name": run.requester.get_full_name() or run.requester.get_username(), "planner": run.planner,
        "turn": call.turn.number, "turn_text": call.turn.text, "cost_usd": run.cost_usd, "budget_usd": run.budget_usd,
        "halted": halts.on(run.agent_id, call.tool_name) if call.status in STOPPED else "",
        "earlier": found.earlier, "similar": found.similar, "rejected_before": found.rejected_before,
    }  # fmt: skip
    return dict(AroundShape(facts).data)
