"""Who is told outside M1 that people are asked, and each thing to tell: one row per target, call and happening."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from uuid_utils.compat import uuid7

from agents.models.call import ToolCall


class NotificationTarget(models.Model):
    """An address that is told. The address itself, with its secrets, is known to the worker alone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    identity = models.CharField(max_length=64, unique=True, help_text="Keyed digest of the address and its group.")
    label = models.CharField(max_length=100, help_text="Its place in the setting, and the kind of service.")
    group_name = models.CharField(
        max_length=150, blank=True, help_text="Told only of calls that ask this group; empty: of all."
    )
    is_retired = models.BooleanField(default=False, help_text="Not in the setting any more.")
    created_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, help_text="Until when a worker sends to it; nobody else does then.")
    called_at = models.DateTimeField(null=True, help_text="When the worker was last called for it.")
    calls = models.PositiveIntegerField(default=0, help_text="How often it was called since it last came.")
    quiet_until = models.DateTimeField(null=True, help_text="What comes before is told together.")
    last_sent_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True, help_text="Null: the last message went out.")
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering: ClassVar = ["label"]

    def __str__(self) -> str:
        return self.label


class Notification(models.Model):
    """Something to tell one target about one call, until it was told, was given up, or did not matter any more."""

    class Kind(models.TextChoices):
        ASKED = "asked", "asked"
        REMINDED = "reminded", "reminded"
        ESCALATED = "escalated", "escalated"
        BROKEN_GLASS = "broken_glass", "glass broken"
        LOST = "lost", "lost"

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        SENT = "sent", "sent"
        FAILED = "failed", "given up"
        DROPPED = "dropped", "not needed any more"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    target = models.ForeignKey(NotificationTarget, models.PROTECT, related_name="notifications")
    call = models.ForeignKey(ToolCall, models.PROTECT, related_name="notifications")
    round = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    number = models.PositiveSmallIntegerField(default=0, help_text="Which of the round's reminders.")
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField(help_text="When it is tried next.")
    give_up_at = models.DateTimeField(help_text="When it is given up, if it could not be told by then.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Counted before each is made.")
    begun_at = models.DateTimeField(null=True, help_text="An attempt is under way, or its worker ended in the middle.")
    is_repeated = models.BooleanField(default=False, help_text="An attempt before this one may have arrived.")
    error = models.CharField(max_length=200, blank=True, help_text="Why the last attempt failed; never a secret.")
    ended_at = models.DateTimeField(null=True, help_text="When it was told, given up or dropped.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["target", "call", "round", "kind", "number"], name="notification_once"),
            models.CheckConstraint(
                name="notification_ends_once",
                condition=Q(state="waiting", ended_at__isnull=True)
                | Q(state__in=["sent", "failed", "dropped"], ended_at__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["target", "next_at"], name="notification_to_tell", condition=Q(state="waiting")),
            models.Index(fields=["give_up_at"], name="notification_to_give_up", condition=Q(state="waiting")),
            models.Index(fields=["state", "-created_at"], name="notification_by_state"),
            models.Index(fields=["ended_at"], name="notification_old", condition=Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, for {self.target}"
