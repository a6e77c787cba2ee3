"""An agent at work on a goal, and each reply of its planner."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from agents.models.agent import Agent
from agents.states import EndReason, RunStatus, WaitingFor
from policy.models import ApprovalToken

RUN_ENDS = ["completed", "failed", "cancelled"]


class AgentRun(models.Model):
    """One goal; the agent's configuration is frozen in it, so that a run can be taken up days later as it was."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="runs")
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="runs")
    goal = models.TextField()
    config = models.TextField(
        help_text="The agent as it was: planner, model, prompt, scenario, tools with schemas, limits."
    )
    planner = models.CharField(max_length=8, choices=Agent.Planner.choices)
    environment = models.CharField(max_length=64)
    preauthorization = models.ForeignKey(ApprovalToken, models.PROTECT, null=True, blank=True, related_name="+")
    status = models.CharField(max_length=9, choices=RunStatus.choices, default=RunStatus.PLANNING)
    waiting_for = models.CharField(max_length=8, choices=WaitingFor.choices, blank=True)
    end_reason = models.CharField(max_length=11, choices=EndReason.choices, blank=True)
    answer = models.TextField(blank=True, help_text="The agent's last words.")
    problem = models.TextField(blank=True, help_text="Why it failed, in one sentence.")
    turn_count = models.PositiveSmallIntegerField(default=0)
    budget_usd = models.DecimalField(max_digits=12, decimal_places=2)
    cost_usd = models.DecimalField(max_digits=16, decimal_places=8, default=0)
    tokens_used = models.PositiveBigIntegerField(default=0)
    planner_failures = models.PositiveSmallIntegerField(default=0, help_text="In a row, at the present turn.")
    claimed_by = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    request_key = models.UUIDField(null=True, blank=True, unique=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="run_status_known", condition=Q(status__in=RunStatus.values)),
            models.CheckConstraint(
                name="run_waits_for_something",
                condition=Q(status="waiting", waiting_for__in=WaitingFor.values)
                | ~Q(status="waiting") & Q(waiting_for=""),
            ),
            models.CheckConstraint(
                name="run_ends_with_reason",
                condition=Q(status__in=RUN_ENDS, end_reason__in=EndReason.values, ended_at__isnull=False)
                | Q(status__in=["planning", "waiting"], end_reason="", ended_at__isnull=True),
            ),
            models.CheckConstraint(
                name="run_lease_while_planning", condition=Q(status="planning") | Q(lease_until__isnull=True)
            ),
        ]  # fmt: skip
        indexes: ClassVar = [
            models.Index(fields=["-created_at"], name="run_by_time"),
            models.Index(fields=["agent", "-created_at"], name="run_by_agent"),
            models.Index(fields=["requester", "-created_at"], name="run_by_requester"),
            models.Index(
                fields=["status", "lease_until"], name="run_open", condition=Q(status__in=["planning", "waiting"])
            ),
        ]

    def __str__(self) -> str:
        """Return what it is, and which."""
        return f"run {self.pk}"


class Turn(models.Model):
    """One reply of the planner, verbatim, with what was sent to get it. Insert only: thinking is bound to it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(AgentRun, models.PROTECT, related_name="turns")
    number = models.PositiveSmallIntegerField()
    request = models.TextField(blank=True, help_text="Wire JSON of the user message that was sent.")
    reply = models.TextField(blank=True, help_text="Wire JSON of the reply, verbatim.")
    stop_reason = models.CharField(max_length=64)
    text = models.TextField(blank=True, help_text="What a person reads: the agent's words and summarised thinking.")
    model = models.CharField(max_length=200, blank=True)
    message_id = models.CharField(max_length=200, blank=True)
    provider_request_id = models.CharField(max_length=200, blank=True)
    retries = models.PositiveSmallIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cache_read_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_5m_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_1h_tokens = models.PositiveBigIntegerField(default=0)
    rates = models.JSONField(default=dict, help_text="US dollars per million tokens, by kind, as texts.")
    cost_usd = models.DecimalField(
        max_digits=16, decimal_places=8, null=True, help_text="Null: the price is not known."
    )
    latency_ms = models.PositiveIntegerField(default=0)
    is_scripted = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    request_key = models.UUIDField(null=True, blank=True, unique=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "number"], name="turn_number_once")]
        ordering: ClassVar = ["number"]
