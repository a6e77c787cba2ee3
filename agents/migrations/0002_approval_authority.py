"""Roles decide: break-glass, stand-ins, reminders, escalation, what stays rejected, and how much an agent may ask."""

import django.core.validators
import django.db.models.deletion
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from audit.triggers import append_only, lift


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0001_runs_calls_and_decisions"),
        ("policy", "0002_draft_of_the_next_policy"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        lift("agents_decision"),
        migrations.CreateModel(
            name="Block",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("tool_name", models.CharField(max_length=200)),
                ("arguments_digest", models.CharField(max_length=64)),
                (
                    "repeats",
                    models.PositiveIntegerField(default=0, help_text="How often the agent asked for the same again."),
                ),
                ("created_at", models.DateTimeField()),
                ("reopened_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="DecisionReview",
            fields=[
                (
                    "decision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="review",
                        serialize=False,
                        to="agents.decision",
                    ),
                ),
                ("person_name", models.CharField(help_text="The name at that time.", max_length=300)),
                ("note", models.TextField()),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Delegation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("reason", models.CharField(max_length=500)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(help_text="Ended by a person, before its time.", null=True)),
            ],
        ),
        migrations.AlterModelOptions(
            name="toolcall",
            options={
                "permissions": [
                    ("view_bodies", "Can read arguments and results"),
                    ("view_oversight", "Can see how each person decides"),
                ]
            },
        ),
        migrations.RemoveConstraint(
            model_name="decision",
            name="decision_preauthorization_has_token",
        ),
        migrations.AddField(
            model_name="agent",
            name="acts_for",
            field=models.ManyToManyField(
                blank=True,
                help_text="Further people on whose behalf it works: like its owner, they never decide about its calls.",
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="agent",
            name="max_pending",
            field=models.PositiveSmallIntegerField(
                default=20,
                help_text="How many of its calls may wait for people at once; what it asks beyond that is denied.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000),
                ],
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="on_behalf_of",
            field=models.ForeignKey(
                help_text="Who was away.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="decision",
            name="open_seconds",
            field=models.FloatField(help_text="How long the page was open; null: not known.", null=True),
        ),
        migrations.AddField(
            model_name="toolcall",
            name="escalate_at",
            field=models.DateTimeField(help_text="When further groups are asked.", null=True),
        ),
        migrations.AddField(
            model_name="toolcall",
            name="escalated_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="toolcall",
            name="escalation_groups",
            field=models.JSONField(default=list, help_text="Those groups, by name."),
        ),
        migrations.AddField(
            model_name="toolcall",
            name="remind_at",
            field=models.DateTimeField(help_text="When approvers are reminded next.", null=True),
        ),
        migrations.AddField(
            model_name="toolcall",
            name="reminders",
            field=models.PositiveSmallIntegerField(default=0, help_text="How often they were, in this round."),
        ),
        migrations.AddField(
            model_name="toolcall",
            name="round_began_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="decision",
            name="kind",
            field=models.CharField(
                choices=[("vote", "Vote"), ("preauthorization", "Preauthorization"), ("break_glass", "break-glass")],
                default="vote",
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(fields=["created_at"], name="decision_by_time"),
        ),
        migrations.AddIndex(
            model_name="decision",
            index=models.Index(
                condition=models.Q(("kind", "break_glass")), fields=["created_at"], name="decision_break_glass"
            ),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(
                condition=models.Q(("status", "pending")), fields=["remind_at"], name="tool_call_to_remind"
            ),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(
                condition=models.Q(("status", "pending")), fields=["escalate_at"], name="tool_call_to_escalate"
            ),
        ),
        migrations.AddIndex(
            model_name="toolcall",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["tool_name", "arguments_digest"],
                name="tool_call_same",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "preauthorization"), ("token__isnull", False)),
                    models.Q(("kind__in", ["vote", "break_glass"]), ("token__isnull", True)),
                    _connector="OR",
                ),
                name="decision_preauthorization_has_token",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.UniqueConstraint(
                condition=models.Q(("on_behalf_of__isnull", False)),
                fields=("call", "round", "on_behalf_of"),
                name="decision_one_stand_in_per_round",
            ),
        ),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "break_glass"), _negated=True), ("answer", "approve"), _connector="OR"
                ),
                name="decision_break_glass_approves",
            ),
        ),
        migrations.AddField(
            model_name="block",
            name="call",
            field=models.ForeignKey(
                help_text="The call that was rejected.",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="blocks",
                to="agents.toolcall",
            ),
        ),
        migrations.AddField(
            model_name="block",
            name="reopened_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="block",
            name="run",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="blocks", to="agents.agentrun"
            ),
        ),
        migrations.AddField(
            model_name="decisionreview",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="delegation",
            name="delegate",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="stands_in", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="delegation",
            name="ended_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="delegation",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="delegations", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="block",
            constraint=models.UniqueConstraint(
                condition=models.Q(("reopened_at", None)),
                fields=("run", "tool_name", "arguments_digest"),
                name="block_once",
            ),
        ),
        migrations.AddIndex(
            model_name="delegation",
            index=models.Index(fields=["delegate", "ends_at"], name="delegation_by_delegate"),
        ),
        migrations.AddConstraint(
            model_name="delegation",
            constraint=models.CheckConstraint(
                condition=models.Q(("starts_at__lt", models.F("ends_at"))), name="delegation_begins_before_it_ends"
            ),
        ),
        migrations.AddConstraint(
            model_name="delegation",
            constraint=models.CheckConstraint(
                condition=models.Q(("person", models.F("delegate")), _negated=True), name="delegation_to_someone_else"
            ),
        ),
        append_only("agents_decision"),
        append_only("agents_decisionreview"),
        append_only("agents_block", mutable=["repeats", "reopened_at", "reopened_by_id"]),
        append_only("agents_delegation", mutable=["ended_at", "ended_by_id"]),
    ]
