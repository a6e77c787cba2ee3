"""Whom a round of a tool call asks, what they said, and what stays in force of it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from uuid_utils.compat import uuid7

from agents.models.call import ToolCall
from agents.models.run import AgentRun
from policy.models import ApprovalToken


class Requirement(models.Model):
    """So many people of these groups must say yes in this round; frozen when the round began."""

    call = models.ForeignKey(ToolCall, models.PROTECT, related_name="requirements")
    round = models.PositiveSmallIntegerField()
    count = models.PositiveSmallIntegerField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="requirement_asks_someone", condition=Q(count__gte=1))]

    @property
    def group_names(self) -> list[str]:
        """The groups by name; a member of any one counts."""
        return sorted(group.name for group in self.groups.all())


class RequirementGroup(models.Model):
    """One of the groups of a requirement, by the name that it had when the round began."""

    requirement = models.ForeignKey(Requirement, models.PROTECT, related_name="groups")
    name = models.CharField(max_length=150)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["requirement", "name"], name="requirement_group_once")]
        indexes: ClassVar = [models.Index(fields=["name"], name="requirement_group_by_name")]


class Decision(models.Model):
    """What one person answered in one round, and to exactly what. Insert only."""

    class Answer(models.TextChoices):
        APPROVE = "approve"
        REJECT = "reject"

    class Kind(models.TextChoices):
        VOTE = "vote"
        PREAUTHORIZATION = "preauthorization"
        BREAK_GLASS = "break_glass", "break-glass"

    class Surface(models.TextChoices):
        WEB = "web"
        ADMIN = "admin"
        CLI = "cli"
        API = "api"
        PLANNER = "planner", "ahead of time"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    call = models.ForeignKey(ToolCall, models.PROTECT, related_name="decisions")
    round = models.PositiveSmallIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="decisions")
    person_name = models.CharField(max_length=300, help_text="The name at that time.")
    answer = models.CharField(max_length=7, choices=Answer.choices)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.VOTE)
    token = models.ForeignKey(ApprovalToken, models.PROTECT, null=True, related_name="+")
    surface = models.CharField(max_length=8, choices=Surface.choices)
    comment = models.TextField(blank=True)
    digest_seen = models.CharField(max_length=64)
    is_self_approval = models.BooleanField(default=False)
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Who was away."
    )
    open_seconds = models.FloatField(null=True, help_text="How long the page was open; null: not known.")
    focus_seconds = models.FloatField(
        null=True, help_text="How long of that it had the focus, as the client reports it; null: not known."
    )
    expanded = models.JSONField(
        default=list, help_text="Names of the folded parts that were opened, as the client reports them."
    )
    shown_digest = models.CharField(
        max_length=64, blank=True, help_text="Keyed digest of all that the page showed; empty: not known."
    )
    shown_bytes = models.PositiveBigIntegerField(null=True, help_text="How long that was, as canonical JSON.")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["call", "round", "person"], name="decision_once_per_person_and_round"),
            models.CheckConstraint(name="decision_answer_known", condition=Q(answer__in=["approve", "reject"])),
            models.CheckConstraint(
                name="decision_preauthorization_has_token",
                condition=Q(kind="preauthorization", token__isnull=False)
                | Q(kind__in=["vote", "break_glass"], token__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["call", "round", "on_behalf_of"], name="decision_one_stand_in_per_round",
                condition=Q(on_behalf_of__isnull=False),
            ),
            models.CheckConstraint(
                name="decision_break_glass_approves", condition=~Q(kind="break_glass") | Q(answer="approve")
            ),
            models.CheckConstraint(
                name="decision_focus_within_open",
                condition=Q(focus_seconds__isnull=True) | Q(focus_seconds__lte=F("open_seconds")),
            ),
            models.CheckConstraint(
                name="decision_shown_has_length", condition=Q(shown_digest="") | Q(shown_bytes__isnull=False)
            ),
        ]  # fmt: skip
        indexes: ClassVar = [
            models.Index(fields=["created_at"], name="decision_by_time"),
            models.Index(fields=["created_at"], name="decision_break_glass", condition=Q(kind="break_glass")),
        ]

    def __str__(self) -> str:
        """Return what it is, and which."""
        return f"decision {self.pk}"


class DecisionReview(models.Model):
    """A second person has looked at a break-glass decision. Insert only; without it the decision stays flagged."""

    decision = models.OneToOneField(Decision, models.PROTECT, primary_key=True, related_name="review")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    person_name = models.CharField(max_length=300, help_text="The name at that time.")
    note = models.TextField()
    created_at = models.DateTimeField()


class Block(models.Model):
    """Arguments that a person rejected: the run's agent does not ask for them again until a person reopens them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(AgentRun, models.PROTECT, related_name="blocks")
    call = models.ForeignKey(ToolCall, models.PROTECT, related_name="blocks", help_text="The call that was rejected.")
    tool_name = models.CharField(max_length=200)
    arguments_digest = models.CharField(max_length=64)
    repeats = models.PositiveIntegerField(default=0, help_text="How often the agent asked for the same again.")
    created_at = models.DateTimeField()
    reopened_at = models.DateTimeField(null=True)
    reopened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["run", "tool_name", "arguments_digest"], name="block_once", condition=Q(reopened_at=None)
            )
        ]
