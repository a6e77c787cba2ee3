"""What REST tells about tool calls. Token texts are in none of it."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agents.api import around_answers, decision_answers, shown, words
from agents.api.around_answers import AroundShape, ToolShape
from agents.api.decision_answers import BlockShape, DecisionShape, EditShape, RequirementShape
from agents.approval import blocks, break_glass_group, editing, eligibility, opened, shown_facts
from agents.approval.eligibility import Seat
from agents.executing import late_results, settling
from agents.models import ToolCall
from agents.visibility import User, may_view_bodies
from audit.canonical import JSON
from audit.rest import Shape

Text, Time, Id, Whole, Method = (
    serializers.CharField,
    serializers.DateTimeField,
    serializers.UUIDField,
    serializers.IntegerField,
    serializers.SerializerMethodField,
)


class CallSummary(Shape):
    """A tool call in a list."""

    request_id = Id()
    run = Id(source="run_id")
    agent = Text(source="run.agent.name")
    requester = Text(source="run.requester.username")
    tool = Text(source="tool_name")
    headline = Text()
    risk = Text()
    status = Text()
    note = Text()
    arguments_digest = Text()
    round = Whole()
    expires_at = Time(allow_null=True)
    escalated_at = Time(allow_null=True, help_text="When further groups were asked, since nobody had decided.")
    escalation_groups = serializers.ListField(child=Text(), help_text="Those groups, before and after.")
    needs_review = Method(help_text="It rests on a break-glass decision that nobody has reviewed.")
    created_at = Time()
    ended_at = Time(allow_null=True)

    def get_needs_review(self, call: ToolCall) -> bool:
        """Return whether a decision is flagged; decisions and their reviews are loaded with the call."""
        return any(decision_answers.needs_review(one) for one in call.decisions.all())


class ListedCall(CallSummary):
    """A tool call in a list, and in whose place the reader would answer it."""

    on_behalf_of = Method(
        "get_on_behalf_of", help_text="Where it waits for you in somebody's place: theirs; else null."
    )

    def get_on_behalf_of(self, call: ToolCall) -> str | None:
        """Return the one who is away; the list has looked for all its calls at once."""
        places: dict[UUID, str] = self.context["places"]
        return places.get(call.pk)


class CallOutcome(CallSummary):
    """A tool call and what came of it."""

    position = Whole()
    reason = Text(help_text="The agent's own words: untrusted.")
    told = Method(help_text="What became of it, in words for the agent: edits, notes and all.")
    is_superseded = Method(help_text="Pending again: the approval given does not count any more.")
    outcome = Method(help_text="What policy said.")
    reasons = Method(help_text="Why policy said so: rule, sentence, effect, code.")
    arguments = Method()
    result = Method()
    result_digest = Text(
        source="execution.output_digest", default="",
        help_text="SHA-256; keyed (hmac-sha256:) where the tool's results are sensitive.",
    )  # fmt: skip
    error_code = Text(source="execution.error_code", default="")
    error = Method(help_text="What the tool said when it failed, for who may read results.")
    tries = Whole(source="execution.tries", default=0, help_text="How often the tool was begun; 0: it never was.")

    def get_told(self, call: ToolCall) -> str:
        """Return it; what people changed is for who may read the arguments."""
        return words.told(call, may_read=self.may_read(call))

    def get_is_superseded(self, call: ToolCall) -> bool:
        """Return whether people are asked once more."""
        return words.is_superseded(call)

    def get_outcome(self, call: ToolCall) -> str:
        """Return what policy said."""
        return call.check_row.outcome if call.check_row else ""

    def get_reasons(self, call: ToolCall) -> list[dict[str, str]]:
        """Return why policy said so."""
        return list(call.check_row.verdict["reasons"]) if call.check_row else []

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_arguments(self, call: ToolCall) -> JSON:
        """Return them for who may read them."""
        return shown.arguments(call) if self.may_read(call) else None

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_result(self, call: ToolCall) -> JSON:
        """Return it for who may read it."""
        return shown.result(call) if self.may_read(call) else None

    def get_error(self, call: ToolCall) -> str:
        """Return it for who may read it."""
        execution = getattr(call, "execution", None)
        return execution.error if execution and self.may_read(call) else ""

    def may_read(self, call: ToolCall) -> bool:
        """Tell whether the caller may read arguments and results."""
        return may_view_bodies(self.user, call)

    @property
    def user(self) -> User:
        """Who asks."""
        user: User = self.context["request"].user
        return user


class LateShape(Shape):
    """What a tool came to after its call had come to rest without it; it counts for nothing."""

    at = Time()
    ok = serializers.BooleanField(help_text="The tool came to its end.")
    error_code = Text()
    output_bytes = Whole()
    output_digest = Text(help_text="SHA-256; keyed (hmac-sha256:) where the tool's results are sensitive.")


class CallDetail(CallOutcome):
    """All that a person needs for a decision."""

    goal = Text(source="run.goal")
    environment = Text(source="run.environment")
    tool_digest = Text(source="tool_version.digest", default="")
    promises = Method(help_text="What the tool's author says about it; null for a tool that M1 does not know.")
    around = Method(help_text="The run that asks, and other calls to compare with.")
    preview_state = Text()
    preview = Method()
    policy_version = Whole(source="check_row.policy_version.number", default=None, allow_null=True)
    sign_in_minutes = Whole(allow_null=True)
    allow_self = serializers.BooleanField()
    remind_at = Time(allow_null=True, help_text="When people are reminded next: to decide, or to settle a lost call.")
    reminders = Whole(help_text="How often they were, in this round.")
    escalate_at = Time(allow_null=True, help_text="When further groups are asked.")
    requirements = RequirementShape(many=True)
    decisions = DecisionShape(many=True)
    edits = Method()
    blocked = Method()
    on_behalf_of = Method(help_text="In whose place you would decide; null in your own.")
    why_not = Method(help_text="Why you may not decide; empty if you may.")
    why_not_edit = Method(help_text="Why you may not edit the arguments; empty if you may.")
    why_not_break_glass = Method(help_text="Why you may not break the glass; empty if you may.")
    is_stop_asked = serializers.BooleanField(
        source="execution.is_cancel_asked", default=False, help_text="A person asked to stop the tool while it ran."
    )
    why_not_cancel = Method(help_text="Why this call cannot be stopped; empty if it can.")
    why_not_settle = Method(help_text="Why you may not say how it ended, should it be lost; empty if you may.")
    late_results = Method()
    why_not_reopen = Method(help_text="Why you may not reopen it; empty if you may.")
    shown_mark = Method(help_text="Send it back with your answer: M1 then knows what was shown, and since when.")

    @extend_schema_field(ToolShape(allow_null=True))
    def get_promises(self, call: ToolCall) -> dict[str, Any] | None:
        """Return what the tool is."""
        return around_answers.tool_of(call)

    @extend_schema_field(AroundShape)
    def get_around(self, call: ToolCall) -> dict[str, Any]:
        """Return where the call stands, as its reader may see it."""
        return around_answers.around_of(call, self.user)

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_preview(self, call: ToolCall) -> JSON:
        """Return what the tool said that it would do."""
        return shown.preview(call) if self.may_read(call) else None

    @extend_schema_field(EditShape(many=True))
    def get_edits(self, call: ToolCall) -> list[dict[str, Any]]:
        """Return what people changed, oldest first."""
        found = shown.changed(call)
        if not self.may_read(call):
            found = [edit | {"changes": None} for edit in found]
        return list(EditShape(found, many=True).data)

    @extend_schema_field(BlockShape)
    def get_blocked(self, call: ToolCall) -> dict[str, Any]:
        """Return what stays in force of a rejection."""
        return dict(BlockShape(decision_answers.block_of(call)).data)

    def get_on_behalf_of(self, call: ToolCall) -> str | None:
        """Return who is away."""
        seat = eligibility.seat(call, self.user)
        return seat.on_behalf_of.get_username() if isinstance(seat, Seat) and seat.on_behalf_of else None

    def get_why_not(self, call: ToolCall) -> str:
        """Return the sentence that says why the caller may not decide."""
        return eligibility.why_not(call, self.user)

    def get_why_not_edit(self, call: ToolCall) -> str:
        """Return the sentence that says why the caller may not edit."""
        return editing.why_not(call, self.context["request"].user)

    def get_why_not_break_glass(self, call: ToolCall) -> str:
        """Return the sentence that says why the caller may not break the glass."""
        return break_glass_group.why_not(call, self.user)

    def get_why_not_reopen(self, call: ToolCall) -> str:
        """Return the sentence that says why the caller may not reopen the call."""
        return blocks.may_reopen(call, self.user)

    def get_why_not_cancel(self, call: ToolCall) -> str:
        """Return the sentence that says why nobody can stop the call."""
        return settling.why_not_stop(call)

    def get_why_not_settle(self, call: ToolCall) -> str:
        """Return the sentence that says why the caller may not settle the call."""
        return settling.why_not_settle(call, self.user)

    @extend_schema_field(LateShape(many=True))
    def get_late_results(self, call: ToolCall) -> list[dict[str, Any]]:
        """Return what came too late to count, oldest first."""
        return list(LateShape(late_results.of(call), many=True).data)

    def get_shown_mark(self, call: ToolCall) -> str:
        """Return nothing yet: the mark is over all the other fields."""
        return ""

    def to_representation(self, instance: ToolCall) -> Any:
        """Return the fields, and M1's mark over them, which holds for this caller alone."""
        told = super().to_representation(instance)
        user = self.context["request"].user
        return {**told, "shownMark": opened.mark(instance, user, shown=shown_facts.of(told))}
