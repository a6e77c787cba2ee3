"""A named configuration that acts, and the stops that people put on it."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from agents.planners.base import MAX_OUTPUT_TOKENS
from policy.models import Tool


class Agent(models.Model):
    """Who plans: an owner, a model or a scenario, the tools it may ask for, where it works and what it may spend."""

    class Planner(models.TextChoices):
        CLAUDE = "claude"
        SCRIPTED = "scripted"
        EXTERNAL = "external"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.SlugField(max_length=64, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="owned_agents")
    service_account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="agents",
        help_text="The account by which an external planner proposes.",
    )  # fmt: skip
    planner = models.CharField(max_length=8, choices=Planner.choices)
    model = models.CharField(max_length=100, blank=True)
    system_prompt = models.TextField(blank=True)
    scenario = models.TextField(blank=True, help_text="YAML, for the scripted planner.")
    environment = models.CharField(max_length=64, help_text="Where its tools act, as policy names it.")
    tools = models.ManyToManyField(Tool, blank=True, related_name="agents")
    max_turns = models.PositiveSmallIntegerField(default=20, validators=[MinValueValidator(1), MaxValueValidator(200)])
    max_output_tokens = models.PositiveIntegerField(
        default=8192, validators=[MinValueValidator(1), MaxValueValidator(MAX_OUTPUT_TOKENS)]
    )
    budget_usd = models.DecimalField(
        max_digits=12, decimal_places=2, default=5, help_text="US dollars a run may spend."
    )
    token_limit = models.PositiveIntegerField(
        default=1_000_000, help_text="Tokens a run may use; the limit where the model's price is not known."
    )
    max_pending = models.PositiveSmallIntegerField(
        default=20, validators=[MinValueValidator(1), MaxValueValidator(1_000)],
        help_text="How many of its calls may wait for people at once; what it asks beyond that is denied.",
    )  # fmt: skip
    acts_for: "models.ManyToManyField[Any, Any]" = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="+",
        help_text="Further people on whose behalf it works: like its owner, they never decide about its calls.",
    )  # fmt: skip
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="agent_planner_known", condition=Q(planner__in=["claude", "scripted", "external"])
            ),
            models.CheckConstraint(
                name="agent_external_has_account", condition=~Q(planner="external") | Q(service_account__isnull=False)
            ),
            models.CheckConstraint(name="agent_budget_not_negative", condition=Q(budget_usd__gte=0)),
        ]

    def __str__(self) -> str:
        return self.name


class Halt(models.Model):
    """A stop on everything (neither agent nor tool), on an agent, or on a tool; from now until it is lifted."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agent = models.ForeignKey(Agent, models.PROTECT, null=True, blank=True)
    tool = models.ForeignKey(Tool, models.PROTECT, null=True, blank=True)
    reason = models.TextField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="halt_one_scope", condition=Q(agent__isnull=True) | Q(tool__isnull=True))
        ]

    def __str__(self) -> str:
        """Return what it is, and which."""
        return f"halt {self.pk}"
