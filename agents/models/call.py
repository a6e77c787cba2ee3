"""A tool call from proposal to result: its revisions, and how it ran."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Case, Q, Value, When
from uuid_utils.compat import uuid7

from agents.models.agent import Agent
from agents.models.run import AgentRun, Turn
from agents.states import Status
from policy.models import ApprovalToken, PolicyCheck, ToolVersion

RISKS = ("critical", "high", "medium")
"""The riskiest first; whatever else a call says comes after them."""


class ToolCall(models.Model):
    """A tool with arguments, asked for in a turn. Its arguments are those of the revision it names."""

    request_id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(AgentRun, models.PROTECT, related_name="tool_calls")
    turn = models.ForeignKey(Turn, models.PROTECT, related_name="tool_calls")
    position = models.PositiveSmallIntegerField()
    tool_use_id = models.CharField(max_length=128, help_text="The planner's own name for this call.")
    tool_name = models.CharField(max_length=200, help_text="As it was asked for, known or not.")
    tool_version = models.ForeignKey(ToolVersion, models.PROTECT, null=True, related_name="+")
    headline = models.CharField(max_length=1000)
    risk = models.CharField(max_length=8, default="critical")
    reason = models.TextField(blank=True, help_text="The agent's own words: untrusted.")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PROPOSED)
    note = models.TextField(
        blank=True, help_text="Why it was denied, rejected, settled: a sentence for people and agent."
    )
    revision = models.PositiveSmallIntegerField(default=1)
    arguments_digest = models.CharField(max_length=64, blank=True)
    round = models.PositiveSmallIntegerField(default=1)
    check_row = models.ForeignKey(PolicyCheck, models.PROTECT, null=True, related_name="+")
    sign_in_minutes = models.PositiveIntegerField(null=True)
    allow_self = models.BooleanField(default=False)
    preview = models.TextField(blank=True)
    preview_state = models.CharField(
        max_length=8, default="none", choices=[(word, word) for word in ("none", "waiting", "ready", "failed")]
    )
    expires_at = models.DateTimeField(null=True)
    round_began_at = models.DateTimeField(null=True)
    remind_at = models.DateTimeField(null=True, help_text="When approvers are reminded next.")
    reminders = models.PositiveSmallIntegerField(default=0, help_text="How often they were, in this round.")
    escalate_at = models.DateTimeField(null=True, help_text="When further groups are asked.")
    escalation_groups = models.JSONField(default=list, help_text="Those groups, by name.")
    escalated_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    rank = models.GeneratedField(
        expression=Case(
            *(When(risk=word, then=Value(place)) for place, word in enumerate(RISKS)), default=Value(len(RISKS))
        ),
        output_field=models.SmallIntegerField(), db_persist=True, help_text="0 for the riskiest.",
    )  # fmt: skip
    agent = models.ForeignKey(Agent, models.PROTECT, null=True, related_name="+", db_index=False)
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    asked_key = models.CharField(max_length=32, blank=True, default="", help_text="Of the groups that the round asks.")
    like_key = models.CharField(
        max_length=32, blank=True, default="", help_text="Of the calls of its agent that ask for exactly the same."
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="tool_call_status_known", condition=Q(status__in=Status.values)),
            models.CheckConstraint(
                name="tool_call_open_until",
                condition=~Q(status__in=["pending", "approved"]) | Q(expires_at__isnull=False),
            ),
            models.CheckConstraint(
                name="tool_call_asks_for_known_tool",
                condition=Q(status__in=["proposed", "denied"]) | Q(tool_version__isnull=False),
            ),
            models.UniqueConstraint(fields=["turn", "position"], name="tool_call_position_once"),
            models.UniqueConstraint(fields=["turn", "tool_use_id"], name="tool_call_use_id_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["run", "created_at"], name="tool_call_by_run"),
            models.Index(fields=["status", "created_at"], name="tool_call_by_status"),
            models.Index(
                fields=["expires_at"], name="tool_call_expiring", condition=Q(status__in=["pending", "approved"])
            ),
            models.Index(fields=["remind_at"], name="tool_call_to_remind", condition=Q(status="pending")),
            models.Index(fields=["escalate_at"], name="tool_call_to_escalate", condition=Q(status="pending")),
            models.Index(
                fields=["created_at"], name="tool_call_to_preview",
                condition=Q(status="pending", preview_state="waiting"),
            ),
            models.Index(
                fields=["tool_name", "arguments_digest"], name="tool_call_same", condition=Q(status="pending")
            ),
            models.Index(
                fields=["tool_name", "-ended_at"], name="tool_call_ended", condition=Q(ended_at__isnull=False)
            ),
            models.Index(
                fields=["tool_name", "arguments_digest"], name="tool_call_rejected", condition=Q(status="rejected")
            ),
            models.Index(fields=["ended_at"], name="tool_call_last", condition=Q(ended_at__isnull=False)),
            models.Index(  # all that the lists of waiting calls look at, in their order: the rows themselves are wide
                fields=[
                    "status", "rank", "expires_at", "request_id", "asked_key", "like_key", "agent", "requester",
                    "allow_self", "revision", "round", "arguments_digest", "tool_name", "risk", "run",
                ],
                name="tool_call_inbox", condition=Q(status="pending"),
            ),
        ]  # fmt: skip
        permissions: ClassVar = [
            ("view_bodies", "Can read arguments and results"),
            ("view_oversight", "Can see how each person decides"),
        ]

    def __str__(self) -> str:
        """Return what it is, and which."""
        return f"tool call {self.pk}"


class ToolCallRevision(models.Model):
    """The arguments as someone wrote them: canonical bytes. Immutable; a trigger refuses changes."""

    call = models.ForeignKey(ToolCall, models.PROTECT, related_name="revisions")
    number = models.PositiveSmallIntegerField()
    arguments = models.BinaryField(help_text="RFC 8785 canonical JSON; for a malformed call, what the agent sent.")
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, help_text="Null: the agent.")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["call", "number"], name="revision_number_once")]


class Execution(models.Model):
    """The one claim of a call, and what came of it. The call is the key: there is never a second."""

    call = models.OneToOneField(ToolCall, models.PROTECT, primary_key=True, related_name="execution")
    token = models.ForeignKey(ApprovalToken, models.PROTECT, null=True, related_name="+", help_text="What allowed it.")
    claimed_by = models.CharField(max_length=200)
    lease_until = models.DateTimeField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    is_cancel_asked = models.BooleanField(default=False)
    tries = models.PositiveSmallIntegerField(default=1, help_text="How often the tool was begun within this claim.")
    output = models.TextField(blank=True)
    output_bytes = models.PositiveBigIntegerField(default=0)
    output_digest = models.CharField(max_length=64, blank=True)
    is_truncated = models.BooleanField(default=False)
    error_code = models.CharField(max_length=32, blank=True)
    error = models.TextField(blank=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["lease_until"], name="execution_running", condition=Q(finished_at__isnull=True))
        ]

    def __str__(self) -> str:
        """Return what it is, and which."""
        return f"execution {self.pk}"
