"""What REST tells about runs, halts, stand-ins and verdicts. Token texts are in none of it."""

from datetime import datetime
from functools import cached_property
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from agents.api.call_answers import CallOutcome
from agents.models import AgentRun, Delegation
from audit import clock
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
    """A stop on everything, an agent or a tool."""

    id = Id()
    agent = Text(source="agent.name", default=None, allow_null=True)
    tool = Text(source="tool.name", default=None, allow_null=True)
    reason = Text()
    person = Text(source="person.username")
    created_at = Time()
    lifted_at = Time(allow_null=True, help_text="Null: it is in force.")


class DelegationShape(Shape):
    """Who stands in for whom, and when."""

    id = Id()
    person = Text(source="person.username", help_text="Who is away.")
    delegate = Text(source="delegate.username")
    reason = Text()
    starts_at = Time()
    ends_at = Time()
    is_in_force = serializers.SerializerMethodField()
    created_at = Time()
    ended_at = Time(allow_null=True, help_text="Ended by a person, before its time.")
    ended_by = Text(source="ended_by.username", default=None, allow_null=True)

    def get_is_in_force(self, delegation: Delegation) -> bool:
        """Return whether the stand-in may decide in the other's place now."""
        return delegation.ended_at is None and delegation.starts_at <= self._now < delegation.ends_at

    @cached_property
    def _now(self) -> datetime:
        return clock.now()  # once for all the rows of a list


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
    reminders = serializers.BooleanField()
    escalation = serializers.DictField(allow_null=True)
    headline = Text()
    policy_version = Whole(allow_null=True)
