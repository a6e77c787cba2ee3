"""Telling people outside M1: who is told, and each thing to tell."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0003_decision_attention"),
    ]

    operations = [
        migrations.CreateModel(
            name="NotificationTarget",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "identity",
                    models.CharField(
                        help_text="Keyed digest of the address and its group.", max_length=64, unique=True
                    ),
                ),
                (
                    "label",
                    models.CharField(help_text="Its place in the setting, and the kind of service.", max_length=100),
                ),
                (
                    "group_name",
                    models.CharField(
                        blank=True, help_text="Told only of calls that ask this group; empty: of all.", max_length=150
                    ),
                ),
                ("is_retired", models.BooleanField(default=False, help_text="Not in the setting any more.")),
                ("created_at", models.DateTimeField()),
                (
                    "lease_until",
                    models.DateTimeField(
                        help_text="Until when a worker sends to it; nobody else does then.", null=True
                    ),
                ),
                ("called_at", models.DateTimeField(help_text="When the worker was last called for it.", null=True)),
                (
                    "calls",
                    models.PositiveIntegerField(default=0, help_text="How often it was called since it last came."),
                ),
                ("quiet_until", models.DateTimeField(help_text="What comes before is told together.", null=True)),
                ("last_sent_at", models.DateTimeField(null=True)),
                ("failing_since", models.DateTimeField(help_text="Null: the last message went out.", null=True)),
                ("last_error", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "ordering": ["label"],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("round", models.PositiveSmallIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("asked", "asked"),
                            ("reminded", "reminded"),
                            ("escalated", "escalated"),
                            ("broken_glass", "glass broken"),
                            ("lost", "lost"),
                        ],
                        max_length=12,
                    ),
                ),
                ("number", models.PositiveSmallIntegerField(default=0, help_text="Which of the round's reminders.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("sent", "sent"),
                            ("failed", "given up"),
                            ("dropped", "not needed any more"),
                        ],
                        default="waiting",
                        max_length=7,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("next_at", models.DateTimeField(help_text="When it is tried next.")),
                (
                    "give_up_at",
                    models.DateTimeField(help_text="When it is given up, if it could not be told by then."),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, help_text="Counted before each is made.")),
                (
                    "begun_at",
                    models.DateTimeField(
                        help_text="An attempt is under way, or its worker ended in the middle.", null=True
                    ),
                ),
                (
                    "is_repeated",
                    models.BooleanField(default=False, help_text="An attempt before this one may have arrived."),
                ),
                (
                    "error",
                    models.CharField(
                        blank=True, help_text="Why the last attempt failed; never a secret.", max_length=200
                    ),
                ),
                ("ended_at", models.DateTimeField(help_text="When it was told, given up or dropped.", null=True)),
                (
                    "call",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="notifications", to="agents.toolcall"
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notifications",
                        to="agents.notificationtarget",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["target", "next_at"],
                        name="notification_to_tell",
                    ),
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["give_up_at"],
                        name="notification_to_give_up",
                    ),
                    models.Index(fields=["state", "-created_at"], name="notification_by_state"),
                    models.Index(
                        condition=models.Q(("ended_at__isnull", False)), fields=["ended_at"], name="notification_old"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("target", "call", "round", "kind", "number"), name="notification_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", True), ("state", "waiting")),
                            models.Q(("ended_at__isnull", False), ("state__in", ["sent", "failed", "dropped"])),
                            _connector="OR",
                        ),
                        name="notification_ends_once",
                    ),
                ],
            },
        ),
    ]
