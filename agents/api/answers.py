"""What REST tells about runs, tool calls and halts. Token texts are in none of it."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agents import eligibility
from agents.api import shown
from agents.models import AgentRun, ToolCall
from agents.visibility import User
from audit.canonical import JSON
from audit.rest import Shape

Text, Time, Id, Whole = (
    serializers.CharField,
    serializers.DateTimeField,
    serializers.UUIDField,
    serializers.IntegerField,
)


class RunSummary(Shape):
    """A run in a list."""

    id = Id()
    agent = Text(source="agent.name")
    requester = Text(source="requester.username")
    goal = Text()
    status = Text()
    waiting_for = Text()
    end_reason = Text()
    planner = Text()
    environment = Text()
    preauthorization = Id(source="preauthorization_id", allow_null=True)
    turn_count = Whole()
    budget_usd = Text()
    cost_usd = Text()
    tokens_used = Whole()
    created_at = Time()
    ended_at = Time(allow_null=True)


class RequirementShape(Shape):
    """So many people of these groups."""

    round = Whole()
    count = Whole()
    groups = serializers.ListField(source="group_names", child=Text())


class DecisionShape(Shape):
    """What one person answered."""

    person = Text(source="person_name")
    answer = Text()
    kind = Text()
    surface = Text()
    round = Whole()
    comment = Text()
    digest_seen = Text()
    is_self_approval = serializers.BooleanField()
    created_at = Time()


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
    created_at = Time()
    ended_at = Time(allow_null=True)


class CallOutcome(CallSummary):
    """A tool call and what came of it."""

    position = Whole()
    reason = Text(help_text="The agent's own words: untrusted.")
    arguments = serializers.SerializerMethodField()
    result = serializers.SerializerMethodField()
    result_digest = Text(source="execution.output_digest", default="")
    error_code = Text(source="execution.error_code", default="")
    error = Text(source="execution.error", default="")

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_arguments(self, call: ToolCall) -> JSON:
        """Return them for who may read them."""
        return shown.arguments(call, _user(self))

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_result(self, call: ToolCall) -> JSON:
        """Return it for who may read it."""
        return shown.result(call, _user(self))


class CallDetail(CallOutcome):
    """All that a person needs for a decision."""

    goal = Text(source="run.goal")
    environment = Text(source="run.environment")
    tool_digest = Text(source="tool_version.digest", default="")
    preview_state = Text()
    preview = serializers.SerializerMethodField()
    outcome = serializers.SerializerMethodField()
    reasons = serializers.SerializerMethodField()
    policy_version = Whole(source="check_row.policy_version.number", default=None, allow_null=True)
    sign_in_minutes = Whole(allow_null=True)
    requirements = RequirementShape(many=True)
    decisions = DecisionShape(many=True)
    why_not = serializers.SerializerMethodField("get_why_not", help_text="Why you may not decide; empty if you may.")

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_preview(self, call: ToolCall) -> JSON:
        """Return what the tool said that it would do."""
        return shown.preview(call, _user(self))

    def get_outcome(self, call: ToolCall) -> str:
        """Return what policy said."""
        return call.check_row.outcome if call.check_row else ""

    def get_reasons(self, call: ToolCall) -> list[dict[str, str]]:
        """Return why policy said so."""
        return list(call.check_row.verdict["reasons"]) if call.check_row else []

    def get_why_not(self, call: ToolCall) -> str:
        """Return the sentence that says why the caller may not decide."""
        return eligibility.why_not(call, _user(self))


class TurnShape(Shape):
    """One reply of the planner."""

    number = Whole()
    text = Text()
    stop_reason = Text()
    model = Text()
    is_scripted = serializers.BooleanField()
    input_tokens = Whole()
    output_tokens = Whole()
    cost_usd = Text(allow_null=True)
    latency_ms = Whole()
    created_at = Time()
    tool_calls = CallOutcome(many=True)


class RunDetail(RunSummary):
    """A run with its turns, their calls and their outcomes."""

    answer = Text()
    problem = Text()
    turns = serializers.SerializerMethodField()

    @extend_schema_field(TurnShape(many=True))
    def get_turns(self, run: AgentRun) -> list[dict[str, Any]]:
        """Return the turns, oldest first."""
        return list(TurnShape(self.context["turns"], many=True, context=self.context).data)


class HaltShape(Shape):
    """A stop in force."""

    id = Id()
    agent = Text(source="agent.name", default=None, allow_null=True)
    tool = Text(source="tool.name", default=None, allow_null=True)
    reason = Text()
    person = Text(source="person.username")
    created_at = Time()


class VerdictShape(Shape):
    """What policy would say."""

    outcome = Text()
    reasons = serializers.ListField(child=serializers.DictField())
    matched = serializers.ListField(child=Text())
    requirements = serializers.ListField(child=serializers.DictField())
    open_minutes = Whole()
    sign_in_minutes = Whole(allow_null=True)
    allow_self = serializers.BooleanField()
    preauthorization = serializers.BooleanField()
    headline = Text()
    policy_version = Whole(allow_null=True)


def _user(shape: serializers.BaseSerializer[Any]) -> User:
    user: User = shape.context["request"].user
    return user
